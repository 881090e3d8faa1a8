"""Areas that nobody has looked at by their hour (R43).

Each store has one timer, which sets the next, so a day is noticed on which nothing happens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from services.reception import persistence
from services.reception.domain import daily_check as checks
from services.reception.domain.daily_check import CheckList
from shared import timers
from shared.envelope import Causation
from shared.group import Store
from shared.timers import Timer, TimerHandler
from shared.unit_of_work import UnitOfWork, UnitOfWorkFactory

CHECKS_DUE = "daily_checks_due"


@dataclass(frozen=True)
class CheckTimers:
    """Says which area was not looked at in time; closed days (休业日) need no check."""

    stores: Mapping[str, Store]
    lists: Sequence[CheckList]
    closed: frozenset[date]

    @property
    def timer_handlers(self) -> Mapping[str, TimerHandler]:
        return {CHECKS_DUE: TimerHandler(self.on_due)}

    async def begin(self, uow_factory: UnitOfWorkFactory) -> None:
        """Expect the next checks of each store for which none are expected yet."""
        async with uow_factory.open(self.stores) as uow:
            due = {store_id: self._next_due(store_id, uow.now) for store_id in self.stores}
            await timers.schedule_missing(uow, CHECKS_DUE, due, Causation(CHECKS_DUE, CHECKS_DUE))

    async def on_due(self, uow: UnitOfWork, timer: Timer) -> None:
        """Raise what is missing, and expect the next checks."""
        place = self.stores[timer.store_id]
        day = place.local_day(timer.due_at)
        await timers.schedule(
            uow,
            CHECKS_DUE,
            place.id,
            store_id=place.id,
            due_at=self._next_due(place.id, timer.due_at),
            causation=timer.causation,
        )
        if day in self.closed:
            return
        found = {
            check.area for check in await persistence.daily_checks(uow.connection, place.id, day)
        }
        missing = [
            checks.missing(place.id, each.area, day, timer.due_at)
            for each in self.lists
            if place.at(day, each.due) == timer.due_at and each.area not in found
        ]
        uow.publish(missing, timer.causation)

    def _next_due(self, store_id: str, after: datetime) -> datetime:
        """The first hour of an area after a moment."""
        place = self.stores[store_id]
        today = place.local_day(after)
        hours = [
            place.at(today + timedelta(days=later), each.due)
            for later in (0, 1)
            for each in self.lists
        ]
        return min(hour for hour in hours if hour > after).astimezone(UTC)
