"""Areas that nobody has looked at by the store's hour (R43).

Each deadline sets that of the next day, so that a day is noticed on which nothing happens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta

from services.reception import store
from services.reception.domain import daily_check as checks
from services.reception.domain.daily_check import CheckList
from shared import timers
from shared.envelope import Cause
from shared.group import Store
from shared.timers import Deadline, Timer
from shared.unit import Unit

CHECK_DUE = "daily_check_due"


async def expect_checks(unit: Unit, place: Store, lists: Sequence[CheckList], cause: Cause) -> None:
    """Look after each area's next hour: today's, or tomorrow's where that has passed."""
    today = place.local_day(unit.now)
    for each in lists:
        passed = place.at(today, each.due) <= unit.now
        await _expect(unit, place, each, today + timedelta(days=passed), cause)


async def _expect(unit: Unit, place: Store, each: CheckList, day: date, cause: Cause) -> None:
    await timers.schedule(
        unit,
        CHECK_DUE,
        f"{place.id}/{each.area}/{day}",
        store_id=place.id,
        due_at=place.at(day, each.due).astimezone(UTC),
        cause=cause,
        data={"area": each.area, "day": day.isoformat()},
    )


@dataclass(frozen=True)
class CheckDeadlines:
    """Says which area was not looked at in time; closed days (休业日) need no check."""

    stores: Mapping[str, Store]
    lists: Sequence[CheckList]
    closed: frozenset[date]

    @property
    def deadlines(self) -> Mapping[str, Deadline]:
        return {CHECK_DUE: Deadline(self.on_due)}

    async def on_due(self, unit: Unit, timer: Timer) -> None:
        """Raise what is missing, and expect the next day's check."""
        place, day = self.stores[timer.store_id], date.fromisoformat(timer.data["day"])
        listed = next((each for each in self.lists if each.area == timer.data["area"]), None)
        if listed is None:
            return
        await _expect(unit, place, listed, day + timedelta(days=1), timer.cause)
        found = await store.daily_checks(unit.connection, place.id, day)
        if day not in self.closed and listed.area not in {check.area for check in found}:
            unit.publish([checks.missing(place.id, listed.area, day, timer.due_at)], timer.cause)
