"""Areas that nobody has looked at by their hour (R43).

Each store has one timer, which sets the next, so a day is noticed on which nothing happens.
"""

from datetime import UTC, datetime, timedelta

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.clients.catalog import Catalog
from services.reception.domain import daily_check as checks
from shared import timers
from shared.envelope import Causation
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

CHECKS_DUE = "daily_checks_due"


async def expect_checks(deps: Deps) -> None:
    """Expect the next checks of each store for which none are expected yet."""
    stores = deps.catalog.stores
    async with deps.uow_factory.open(stores) as uow:
        due = {store_id: _next_due(store_id, uow.now, deps.catalog) for store_id in stores}
        await timers.schedule_missing(uow, CHECKS_DUE, due, Causation(CHECKS_DUE, CHECKS_DUE))


async def report_missing_checks(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Say which areas were not looked at in time, and expect the next checks; on closed days
    (休业日) none are needed."""
    catalog = deps.catalog
    place = catalog.stores[timer.store_id]
    day = place.local_day(timer.due_at)
    next_due = _next_due(place.id, timer.due_at, catalog)
    await timers.schedule(uow, CHECKS_DUE, place.id, store_id=place.id, due_at=next_due)
    if day in catalog.calendar.closed:
        return
    found = {check.area for check in await persistence.daily_checks(uow.connection, place.id, day)}
    uow.publish(
        checks.missing(place.id, each.area, day, timer.due_at)
        for each in catalog.check_lists
        if place.at(day, each.due) == timer.due_at and each.area not in found
    )


def _next_due(store_id: str, after: datetime, catalog: Catalog) -> datetime:
    """The first hour of an area after a moment."""
    place = catalog.stores[store_id]
    today = place.local_day(after)
    hours = [
        place.at(today + timedelta(days=later), each.due)
        for later in (0, 1)
        for each in catalog.check_lists
    ]
    return min(hour for hour in hours if hour > after).astimezone(UTC)
