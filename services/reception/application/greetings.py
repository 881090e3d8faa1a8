"""Customers who wait to be greeted (接待)."""

from datetime import timedelta

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.domain import visit as visits
from services.reception.domain.visit import Visit
from shared import timers
from shared.contracts.management import GreetingRules
from shared.group import Store
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

GREETING_OVERDUE = "greeting_overdue"


async def greeting_limit(uow: UnitOfWork, store: Store, deps: Deps) -> timedelta:
    """Return how long a customer waits in a store at most, by the rules of its present day."""
    day = store.local_day(uow.now)
    rules = await deps.group.rules_on(uow.connection, GreetingRules, store.id, day)
    return timedelta(seconds=rules.limit_s)


async def expect_greeting(uow: UnitOfWork, visit: Visit) -> None:
    """Schedule the check that the greeting comes within the store's limit."""
    await timers.schedule(
        uow,
        GREETING_OVERDUE,
        visit.order_id,
        store_id=visit.store_id,
        due_at=visit.greeting_due_at,
    )


async def cancel_expected_greeting(uow: UnitOfWork, order_id: str) -> None:
    """Cancel the greeting check."""
    await timers.cancel(uow, GREETING_OVERDUE, order_id)


async def report_greeting_overdue(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Report that the customer's waiting time has reached the store's limit (R2)."""
    key = (timer.store_id, timer.entity_id)
    visit = await persistence.read_visit(uow.connection, *key)
    repair_order = await persistence.read_repair_order(uow.connection, *key)
    uow.publish(visits.greeting_overdue(visit, repair_order.status))
