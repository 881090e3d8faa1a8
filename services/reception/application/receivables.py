"""Chasing what is owed (应收): one deadline for each share of a bill that is not paid."""

from collections.abc import Sequence

from services.reception.domain import settlement
from services.reception.domain.order import Order
from shared import timers
from shared.contracts.reception import Payer
from shared.envelope import Causation
from shared.unit_of_work import UnitOfWork

RECEIVABLE_OVERDUE = "receivable_overdue"


async def watch(
    uow: UnitOfWork, order: Order, overdue_days: Sequence[int], causation: Causation
) -> None:
    """Set the next reminder of each unpaid share, and drop those of shares that are paid."""
    for share in settlement.receivable_shares(order):
        subject = subject_of(order.order_id, share.payer)
        due_at = settlement.next_reminder(share.due_at, overdue_days, uow.now)
        if share.balance_cents and due_at:
            await timers.schedule(
                uow,
                RECEIVABLE_OVERDUE,
                subject,
                store_id=order.store_id,
                due_at=due_at,
                causation=causation,
                data={"payer": share.payer},
            )
        else:
            await timers.cancel(uow, RECEIVABLE_OVERDUE, subject)


def subject_of(order_id: str, payer: Payer) -> str:
    """What the reminder of a share is about."""
    return f"{order_id}/{payer}"


def order_of(subject: str) -> str:
    """The order that a reminder is about."""
    return subject.partition("/")[0]
