"""What happens when the customer no longer wants ordered work (撤项), or stops it (中止施工)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.application.changes import lock_seen
from services.reception.application.deps import Deps
from services.reception.application.views import OrderView, order_view
from services.reception.clients.workshop import Caller, WorkshopUnavailableError
from services.reception.domain import promise, withdrawal
from services.reception.domain.estimate import payable_cents
from services.reception.domain.estimate_version import DecisionRecord, EstimateVersion
from services.reception.domain.order import Order
from services.reception.domain.repair_order import RepairOrder
from services.reception.domain.withdrawal import Withdrawal, WorkDone
from shared.contracts.base import Identifier
from shared.contracts.reception import (
    EstimateLine,
    ReportedChannel,
    WithdrawalReason,
    WorkWithdrawn,
)
from shared.db import Connection
from shared.ids import new_id
from shared.problems import unavailable
from shared.request_model import RequestModel, VersionedRequest
from shared.security import Principal
from shared.unit_of_work import UnitOfWork

Codes = Annotated[list[Identifier], Field(max_length=120)]


class UnwantedWork(RequestModel):
    """Operations and parts by code.

    Withdrawn operations are not begun or are stopped; a part that is not named is invoiced.
    """

    op_codes: Codes = []
    parts: Codes = []


class WithdrawWorkRequest(VersionedRequest, UnwantedWork):
    """Request to withdraw work.

    ``agreed_cents`` is what remains, as the customer has agreed to it.
    """

    reason: WithdrawalReason
    channel: ReportedChannel
    agreed_cents: Annotated[int, Field(ge=0, le=10**12)]


class WithdrawalPreview(BaseModel):
    """Amounts that would remain and be invoiced, and be declined, in cents."""

    lines: Sequence[EstimateLine]
    estimate_cents: int
    payable_cents: int
    declined: Sequence[EstimateLine]


async def preview_withdrawal(
    principal: Principal, store_id: str, order_id: str, command: UnwantedWork, deps: Deps
) -> WithdrawalPreview:
    """Preview the order without some work; nothing is changed.

    The workshop is asked in the name of ``principal``.
    """
    done = await ask_work_done(Caller(store_id, principal.token, ""), order_id, deps)
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        changed, versions, _ = await _without(
            connection,
            await persistence.read_order(connection, store_id, order_id),
            Withdrawal(tuple(command.op_codes), tuple(command.parts), "other"),
            done,
            DecisionRecord("in_person", principal.subject, now),
        )
    return WithdrawalPreview(
        lines=changed.lines,
        estimate_cents=changed.estimate_cents,
        payable_cents=payable_cents(changed.lines),
        declined=versions[-1].lines,
    )


async def ask_work_done(caller: Caller, order_id: str, deps: Deps) -> list[WorkDone]:
    """Ask the workshop for the progress of the order's work.

    Raises:
        Problem: 503, where the workshop does not respond: the begun work is not known.
    """
    try:
        return await deps.workshop.work_done(caller, order_id)
    except WorkshopUnavailableError:
        raise unavailable("The workshop") from None


async def withdraw_work(
    uow: UnitOfWork, order_id: str, command: WithdrawWorkRequest, done: Sequence[WorkDone]
) -> OrderView:
    """Withdraw work that the customer no longer wants; the workshop stops what has begun.

    What is ``done`` of it is invoiced; the rest is declined, and offered again at the next visit.
    """
    connection, store_id = uow.connection, uow.store_id
    order = await lock_seen(uow, order_id, command.version)
    changed, versions, events = await _without(
        connection,
        order,
        Withdrawal(tuple(command.op_codes), tuple(command.parts), command.reason),
        done,
        DecisionRecord(command.channel, uow.person, uow.now),
    )
    withdrawal.require_agreed(changed, command.agreed_cents)
    await persistence.forget_jobs(connection, store_id, order_id, command.op_codes)
    promisable = await persistence.promisable_times(connection, store_id, order_id)
    confirmed, revised = promise.confirm(changed, promisable)
    saved = await persistence.save_order(uow, replace(order, repair_order=confirmed))
    await persistence.save_estimates(connection, versions)
    uow.publish([*events, *revised])
    return order_view(saved)


async def _without(
    connection: Connection,
    order: Order,
    asked: Withdrawal,
    done: Sequence[WorkDone],
    decision_record: DecisionRecord,
) -> tuple[RepairOrder, list[EstimateVersion], list[WorkWithdrawn]]:
    versions = await persistence.estimate_versions(connection, order.store_id, order.order_id)
    return withdrawal.withdraw(
        order.repair_order,
        versions,
        asked,
        done,
        decision_record,
        str(new_id()),
        has_invoice=order.account.has_invoice,
    )
