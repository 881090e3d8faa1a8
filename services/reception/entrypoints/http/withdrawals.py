"""Work that the customer no longer wants (撤项), or wants to be stopped (中止施工)."""

from fastapi.responses import JSONResponse

from services.reception.application import withdrawals
from services.reception.application.views import OrderView
from services.reception.application.withdrawals import (
    UnwantedWork,
    WithdrawalPreview,
    WithdrawWorkRequest,
)
from services.reception.entrypoints.http.access import (
    Advisor,
    AdvisorCommand,
    InjectedDeps,
    caller_of,
)
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post(
    "/orders/{order_id}/withdrawal-preview", tags=["estimates"], openapi_extra=serves("R4", "R12")
)
async def preview_withdrawal(
    store_id: str,
    order_id: str,
    body: UnwantedWork,
    principal: Advisor,
    deps: InjectedDeps,
) -> WithdrawalPreview:
    """Preview of the order without some work; nothing is changed."""
    return await withdrawals.preview_withdrawal(principal, store_id, order_id, body, deps)


@router.post(
    "/orders/{order_id}/withdrawals",
    response_model=OrderView,
    tags=["estimates"],
    openapi_extra=serves("R4", "R12"),
)
async def withdraw_work(
    order_id: str, body: WithdrawWorkRequest, command: AdvisorCommand, deps: InjectedDeps
) -> JSONResponse:
    """Withdraw work that the customer no longer wants; the workshop stops what has begun.

    What was done of it is invoiced; the rest is declined, and offered again at the next visit.
    """
    return await command.run_prepared(
        lambda: withdrawals.ask_work_done(caller_of(command), order_id, deps),
        lambda uow, done: withdrawals.withdraw_work(uow, order_id, body, done),
    )
