"""Promises that are changed (承诺变更)."""

from datetime import datetime

from fastapi.responses import JSONResponse

from services.reception.application.views import OrderView
from services.reception.domain import promise
from services.reception.domain.order import Order
from services.reception.domain.promise import RevisionReason
from services.reception.entrypoints.http.access import Advisor, store_router
from services.reception.entrypoints.http.changes import Decision, change_order
from shared.contracts.base import Moment
from shared.duties import serves
from shared.request_model import Seen

router = store_router()


class RevisePromise(Seen):
    """What the customer has been told."""

    promised_at: Moment
    reason: RevisionReason


@router.post(
    "/orders/{order_id}/promise-revision",
    response_model=OrderView,
    tags=["orders"],
    openapi_extra=serves("R9", "R12"),
)
async def revise_promise(order_id: str, body: RevisePromise, command: Advisor) -> JSONResponse:
    """Give the customer another completion time (承诺变更)."""

    def decide(order: Order, now: datetime) -> Decision:
        by = command.principal.subject
        return promise.revise(order, body.promised_at, body.reason, by, now)

    return await change_order(command, order_id, decide, seen=body.version)
