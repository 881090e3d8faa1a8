"""Receivables (应收): their list, and one deadline for each unpaid payer split of an invoice."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.application.settlement import settlement_rules
from services.reception.domain import invoicing
from services.reception.domain.account import OrderAccount
from services.reception.domain.order import Order
from shared import timers
from shared.contracts.reception import Payer
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

RECEIVABLE_OVERDUE = "receivable_overdue"


class Receivable(BaseModel):
    """Balance that a payer owes of an invoice (应收)."""

    order_id: str
    invoice_id: str
    payer: Payer
    customer_ref: str | None
    advisor_id: str | None
    amount_cents: int
    received_cents: int
    balance_cents: int
    due_at: datetime
    days_overdue: int


async def list_receivables(store_id: str, deps: Deps) -> list[Receivable]:
    """List the balances that customers and manufacturer owe (应收台账), the oldest first."""
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        unpaid = await persistence.unpaid_orders(connection, store_id)
    return [each for order in unpaid for each in _receivables(order, now)]


async def schedule_next_reminder(uow: UnitOfWork, account: OrderAccount, deps: Deps) -> None:
    """Set the next reminder of each unpaid payer split, and drop those of splits that are paid."""
    if not account.receivable_splits:
        return
    rules = await settlement_rules(uow.connection, account.store_id, uow.now, deps)
    for split in account.receivable_splits:
        entity_id = _subject_of(account.order_id, split.payer)
        due_at = invoicing.next_reminder(split.due_at, rules.dunning_days, uow.now)
        if split.balance_cents and due_at:
            await timers.schedule(
                uow,
                RECEIVABLE_OVERDUE,
                entity_id,
                store_id=account.store_id,
                due_at=due_at,
                data={"payer": split.payer},
            )
        else:
            await timers.cancel(uow, RECEIVABLE_OVERDUE, entity_id)


async def report_overdue(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Report an unpaid payer split of an invoice, and schedule the next reminder (R8)."""
    order_id = _order_of(timer.entity_id)
    visit = await persistence.read_visit(uow.connection, timer.store_id, order_id)
    account = await persistence.read_account(uow.connection, timer.store_id, order_id)
    uow.publish(
        invoicing.receivable_overdue(account, timer.data["payer"], visit.advisor_id, uow.now)
    )
    await schedule_next_reminder(uow, account, deps)


async def lock_order(uow: UnitOfWork, store_id: str, entity_id: str) -> None:
    """Lock the order of a reminder."""
    await persistence.lock_repair_order(uow.connection, store_id, _order_of(entity_id))


def _subject_of(order_id: str, payer: Payer) -> str:
    return f"{order_id}/{payer}"


def _order_of(entity_id: str) -> str:
    return entity_id.partition("/")[0]


def _receivables(order: Order, now: datetime) -> Sequence[Receivable]:
    return [
        Receivable(
            order_id=order.order_id,
            invoice_id=order.account.invoice_id or "",
            customer_ref=order.visit.customer_ref,
            advisor_id=order.visit.advisor_id,
            balance_cents=split.balance_cents,
            days_overdue=max(0, (now - split.due_at).days),
            **split.model_dump(),
        )
        for split in order.account.receivable_splits
        if split.balance_cents
    ]
