"""Which technicians a store is short of (人员建议, R18)."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.workshop import persistence, planning
from services.workshop.application.planner import Planner
from services.workshop.clients.config import HORIZON, interval
from services.workshop.domain.job import Job
from services.workshop.persistence import OrderedHours
from shared import timers
from shared.contracts.workshop import StaffingShort
from shared.db import transaction
from shared.envelope import Causation
from shared.group import Store
from shared.service import Service
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

STAFFING = "staffing"

WEEKS = 8
"""Past weeks that are looked at."""
_WEEK = timedelta(weeks=1)
_MONDAY = 1
_BEFORE_OPENING = timedelta(hours=1)


@dataclass(frozen=True)
class Figures:
    """A store's demand by trade, and where its people do not suffice."""

    weeks_observed: int
    demands: tuple[planning.Demand, ...]
    shortages: tuple[planning.Shortage, ...]


@dataclass(frozen=True)
class Staffing:
    """Sets the hours ordered against those that the store's people can work."""

    planner: Planner
    service: Service

    async def figures(self, store_id: str, _subject: str = "") -> Figures:
        """Demand of the past weeks, the queue and the people of the next two weeks."""
        place, now = self.planner.config.stores[store_id], self.service.clock.now()
        until = place.day_bounds(place.local_day(now))[0]
        async with transaction(self.service.pool, [store_id]) as connection:
            ordered = await persistence.ordered_hours(connection, store_id, until, WEEKS)
            queue = await persistence.open_jobs(connection, store_id)
            absences = await persistence.absences_after(connection, store_id, now)
        demands = self._demands(place, ordered, queue)
        shortages = await self.planner.shortages(
            self.planner.technicians(store_id, now, absences),
            demands,
            interval(now, now + HORIZON),
        )
        return Figures(max((each.weeks_ago for each in ordered), default=0), demands, shortages)

    async def on_staffing(self, uow: UnitOfWork, timer: Timer) -> None:
        """Monday before opening: say which trades are short, and look again in a week."""
        figures: Figures = timer.prepared
        place = self.planner.config.stores[timer.store_id]
        growth = place.growth
        if figures.weeks_observed:
            uow.publish(
                [
                    StaffingShort(
                        store_id=timer.store_id,
                        trade=short.trade,
                        needed_hours=short.needed_hours,
                        missing_hours=short.missing_hours,
                        people=short.people,
                        weeks_observed=figures.weeks_observed,
                        growth=growth,
                        computed_at=uow.now,
                    )
                    for short in figures.shortages
                ],
                timer.causation,
            )
        await timers.schedule(
            uow,
            STAFFING,
            timer.store_id,
            store_id=timer.store_id,
            due_at=next_look(place, uow.now),
            causation=timer.causation,
        )

    async def begin(self) -> None:
        """Have every store looked at next Monday, unless it will be already."""
        stores, now = self.planner.config.stores, self.service.clock.now()
        async with self.service.uow_factory.open(stores) as uow:
            await timers.schedule_missing(
                uow,
                STAFFING,
                {store_id: next_look(place, now) for store_id, place in stores.items()},
                Causation("staffing", "start"),
            )

    def _demands(
        self, place: Store, ordered: list[OrderedHours], queue: list[Job]
    ) -> tuple[planning.Demand, ...]:
        weeks = max((each.weeks_ago for each in ordered), default=0)
        by_week: dict[str, list[float]] = defaultdict(lambda: [0.0] * weeks)
        queued: dict[str, float] = defaultdict(float)
        for each in ordered:
            trade, hours = self.planner.work(place.id, each.operation_id, each.standard_hours)
            by_week[trade][weeks - each.weeks_ago] += hours
        for job in queue:
            trade, hours = self.planner.work(place.id, job.operation_id, job.standard_hours)
            queued[trade] += hours
        return tuple(
            planning.Demand(trade, tuple(by_week[trade]), queued[trade], place.growth)
            for trade in sorted({*by_week, *queued})
        )


def next_look(place: Store, now: datetime) -> datetime:
    """The next Monday, an hour before the store opens."""
    day = place.local_day(now)
    monday = day + timedelta(days=(_MONDAY - day.isoweekday()) % 7)
    look_at = place.at(monday, place.opening) - _BEFORE_OPENING
    return look_at if look_at > now else look_at + _WEEK
