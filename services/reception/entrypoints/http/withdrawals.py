"""Work that the customer does not want any more (撤项), or wants to be stopped (中止施工)."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.application.views import OrderView, order_view
from services.reception.clients.workshop import Caller, WorkshopUnavailableError
from services.reception.domain import order as orders
from services.reception.domain import withdrawal
from services.reception.domain.authorisation import DecisionRecord, EstimateVersion
from services.reception.domain.estimate import payable_cents
from services.reception.domain.order import Order
from services.reception.domain.withdrawal import Withdrawal, WorkDone
from services.reception.entrypoints.http.access import Advisor, caller_of, store_router, workshop_of
from shared.contracts.base import Identifier
from shared.contracts.reception import EstimateLine, WithdrawalReason, WorkWithdrawn
from shared.contracts.versioned import require_version
from shared.db import Connection, transaction
from shared.duties import serves
from shared.ids import new_id
from shared.problems import unavailable
from shared.request_model import RequestModel, Seen
from shared.security import Principal, require_roles
from shared.unit_of_work import UnitOfWork

router = store_router()

Codes = Annotated[list[Identifier], Field(max_length=120)]


class UnwantedWork(RequestModel):
    """Operations and parts by code. Withdrawn operations are not begun or are stopped; a part that
    is not named is billed."""

    operations: Codes = []
    parts: Codes = []


class WithdrawWork(Seen, UnwantedWork):
    """``agreed_cents`` is what remains, as the customer has agreed to it."""

    reason: WithdrawalReason
    channel: Literal["counter", "phone"]
    agreed_cents: Annotated[int, Field(ge=0, le=10**12)]


class WithdrawalPreview(BaseModel):
    """What would remain and be billed, and what would be declined, in cents."""

    lines: Sequence[EstimateLine]
    estimate_cents: int
    payable_cents: int
    declined: Sequence[EstimateLine]


@router.post(
    "/orders/{order_id}/withdrawal-preview", tags=["estimates"], openapi_extra=serves("R4", "R12")
)
async def preview_withdrawal(
    request: Request,
    store_id: str,
    order_id: str,
    body: UnwantedWork,
    principal: Annotated[Principal, Depends(require_roles("advisor", "manager"))],
) -> WithdrawalPreview:
    """What the order would be without some work; nothing is changed."""
    done = await _work_done(request, Caller(store_id, principal.token, ""), order_id)
    asked = Withdrawal(tuple(body.operations), tuple(body.parts), "other")
    decision_record = DecisionRecord(
        "counter", principal.subject, request.app.state.service.clock.now()
    )
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        order = await persistence.read_order(connection, store_id, order_id)
        changed, versions, _ = await _without(connection, order, asked, done, decision_record)
    return WithdrawalPreview(
        lines=changed.lines,
        estimate_cents=changed.estimate_cents,
        payable_cents=payable_cents(changed.lines),
        declined=versions[-1].lines,
    )


@router.post(
    "/orders/{order_id}/withdrawals",
    response_model=OrderView,
    tags=["estimates"],
    openapi_extra=serves("R4", "R12"),
)
async def withdraw_work(
    request: Request, order_id: str, body: WithdrawWork, command: Advisor
) -> JSONResponse:
    """Take out work that the customer does not want any more; the workshop stops what has begun.

    What was done of it is billed; the rest is declined, and offered again at the next visit.
    """
    if previous := await command.previous_response():
        return previous
    done = await _work_done(request, caller_of(command), order_id)
    asked = Withdrawal(tuple(body.operations), tuple(body.parts), body.reason)

    async def use_case(uow: UnitOfWork) -> BaseModel:
        connection = uow.connection
        order = await persistence.lock_order(connection, command.store_id, order_id)
        require_version(order, body.version)
        decision_record = DecisionRecord(body.channel, command.principal.subject, uow.now)
        changed, versions, events = await _without(connection, order, asked, done, decision_record)
        withdrawal.require_agreed(changed, body.agreed_cents)
        await persistence.forget_jobs(connection, command.store_id, order_id, body.operations)
        promisable = await persistence.promisable_times(connection, command.store_id, order_id)
        confirmed, revised = orders.confirm_promise(changed, promisable)
        saved = await persistence.save_order(uow, confirmed)
        await persistence.save_estimates(connection, versions)
        uow.publish([*events, *revised], command.causation)
        return order_view(saved)

    return await command.run(use_case)


async def _without(
    connection: Connection,
    order: Order,
    asked: Withdrawal,
    done: Sequence[WorkDone],
    decision_record: DecisionRecord,
) -> tuple[Order, list[EstimateVersion], list[WorkWithdrawn]]:
    versions = await persistence.estimate_versions(connection, order.store_id, order.order_id)
    return withdrawal.withdraw(order, versions, asked, done, decision_record, str(new_id()))


async def _work_done(request: Request, caller: Caller, order_id: str) -> list[WorkDone]:
    """How far the work is.

    Raises:
        Problem: 503, where the workshop does not respond: what has begun is not known.
    """
    try:
        return await workshop_of(request).work_done(caller, order_id)
    except WorkshopUnavailableError:
        raise unavailable("The workshop") from None
