"""Events and deadlines that reporting acts on."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.reporting.rectifying import Rectifying
from services.reporting.store import facts, log, reports
from shared import timers
from shared.contracts import CONTRACTS, Event
from shared.contracts.reporting import DailyReportPublished
from shared.contracts.workshop import CapacityChanged
from shared.envelope import Cause, Received
from shared.group import Store
from shared.timers import Deadline, StalePreparationError, Timer
from shared.unit import Unit

INTERESTS: tuple[type[Event], ...] = tuple(
    contract for contract in CONTRACTS.values() if contract is not CapacityChanged
)
"""Every event but CapacityChanged, whose compacted topic cannot be replayed from its start."""

LANES = 2
"""Batches are folded side by side in two transactions: facts of different keys commute."""

CLOSING = "closing"

_PATIENCE_S = 10.0


@dataclass(frozen=True)
class Handlers:
    """Folds events into log and facts, and reports each day of each store at closing time."""

    stores: Mapping[str, Store]
    catch_up: Callable[[float], Awaitable[bool]]
    rectifying: Rectifying

    @property
    def deadlines(self) -> Mapping[str, Deadline]:
        """Closing time, once the day's events are read."""
        return {CLOSING: Deadline(self.on_closing, prepare=self.prepare_closing)}

    async def handle(self, unit: Unit, batch: Sequence[Received]) -> None:
        """Log and fold a batch, whatever the order of its events' types."""
        await log.append(unit.connection, batch)
        await facts.record(unit.connection, batch)
        published = [
            received.event for received in batch if isinstance(received.event, DailyReportPublished)
        ]
        if published:
            await reports.keep(unit.connection, published)
        for received in batch:
            await self.rectifying.handle(unit, received)
        await self._open_days(unit, batch)

    async def _open_days(self, unit: Unit, batch: Sequence[Received]) -> None:
        """Set the deadline of each day on which something happened before closing (R30).

        It follows from the events alone, so neither a restart nor a clock that jumps can lose a
        day or report it twice.
        """
        first: dict[tuple[str, date], datetime] = {}
        for received in batch:
            if received.event.publisher != "reporting":
                store_id, time = received.envelope.store_id, received.envelope.time
                day = self.stores[store_id].local_day(time)
                first[store_id, day] = min(time, first.get((store_id, day), time))
        days = {each for each, time in first.items() if time < self._closing(*each)}
        for store_id, day in await reports.open_days(unit.connection, sorted(days)):
            subject = f"{store_id}/{day}"
            await timers.schedule(
                unit,
                CLOSING,
                subject,
                store_id=store_id,
                due_at=self._closing(store_id, day),
                cause=Cause(correlation_id=subject, causation_id=subject),
                data={"day": day.isoformat()},
            )

    def _closing(self, store_id: str, day: date) -> datetime:
        place = self.stores[store_id]
        return place.at(day, place.closing)

    async def prepare_closing(self, _store_id: str, _subject: str) -> None:
        """Read on until what was published so far is in the facts: no outage shortens a report."""
        if not await self.catch_up(_PATIENCE_S):
            raise StalePreparationError

    async def on_closing(self, unit: Unit, timer: Timer) -> None:
        """Publish the store's daily report (日报), once a day."""
        day = date.fromisoformat(timer.data["day"])
        if await reports.is_published(unit.connection, timer.store_id, day):
            return
        begin, end = self.stores[timer.store_id].day_bounds(day)
        figures = await reports.figures(unit.connection, timer.store_id, begin, min(end, unit.now))
        report = DailyReportPublished(
            store_id=timer.store_id,
            day=day.isoformat(),
            published_at=unit.now,
            **dict(figures),
        )
        await reports.keep(unit.connection, [report])
        unit.publish([report], timer.cause)
