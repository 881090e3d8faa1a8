"""Promises that are changed (承诺变更)."""

from fastapi.responses import JSONResponse

from services.reception.application import promises
from services.reception.application.promises import RevisePromisedTimeRequest
from services.reception.application.views import OrderView
from services.reception.entrypoints.http.access import AdvisorCommand, InjectedDeps
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post(
    "/orders/{order_id}/promise-revision",
    response_model=OrderView,
    tags=["orders"],
    openapi_extra=serves("R9", "R12"),
)
async def revise_promise(
    order_id: str, body: RevisePromisedTimeRequest, command: AdvisorCommand, deps: InjectedDeps
) -> JSONResponse:
    """Revise the promised completion time (承诺变更)."""
    return await command.run(lambda uow: promises.revise_promise(uow, order_id, body, deps))
