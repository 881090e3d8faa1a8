"""Chasing what is owed (应收): one deadline for each share of a bill that is not paid."""

from collections.abc import Sequence

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.domain import settlement
from services.reception.domain.order import Order
from shared import timers
from shared.contracts.reception import Payer
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

RECEIVABLE_OVERDUE = "receivable_overdue"


async def watch(uow: UnitOfWork, order: Order, overdue_days: Sequence[int]) -> None:
    """Set the next reminder of each unpaid share, and drop those of shares that are paid."""
    for share in settlement.receivable_shares(order):
        subject = _subject_of(order.order_id, share.payer)
        due_at = settlement.next_reminder(share.due_at, overdue_days, uow.now)
        if share.balance_cents and due_at:
            await timers.schedule(
                uow,
                RECEIVABLE_OVERDUE,
                subject,
                store_id=order.store_id,
                due_at=due_at,
                data={"payer": share.payer},
            )
        else:
            await timers.cancel(uow, RECEIVABLE_OVERDUE, subject)


async def lock_order(uow: UnitOfWork, store_id: str, subject: str) -> None:
    """Lock the order that a reminder is about."""
    await persistence.lock_order(uow.connection, store_id, _order_of(subject))


async def report_overdue(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Say that a share of a bill is not paid; it is chased again later (R8)."""
    order_id = _order_of(timer.subject)
    order = await persistence.read_order(uow.connection, timer.store_id, order_id)
    uow.publish(settlement.receivable_overdue(order, timer.data["payer"], uow.now))
    await watch(uow, order, deps.catalog.overdue_days)


def _subject_of(order_id: str, payer: Payer) -> str:
    return f"{order_id}/{payer}"


def _order_of(subject: str) -> str:
    return subject.partition("/")[0]
