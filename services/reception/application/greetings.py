"""Customers who wait to be greeted (接待)."""

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.domain import order as orders
from services.reception.domain.order import Order
from shared import timers
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

GREETING_OVERDUE = "greeting_overdue"


async def expect_greeting(uow: UnitOfWork, order: Order) -> None:
    """Schedule the check that the greeting comes within the store's limit."""
    await timers.schedule(
        uow,
        GREETING_OVERDUE,
        order.order_id,
        store_id=order.store_id,
        due_at=order.greeting_due_at,
    )


async def cancel_expected_greeting(uow: UnitOfWork, order_id: str) -> None:
    """Cancel the greeting check."""
    await timers.cancel(uow, GREETING_OVERDUE, order_id)


async def report_greeting_overdue(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Report that the customer's waiting time has reached the store's limit (R2)."""
    order = await persistence.read_order(uow.connection, timer.store_id, timer.entity_id)
    uow.publish(orders.greeting_overdue(order))
