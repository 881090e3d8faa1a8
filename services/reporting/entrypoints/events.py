"""Events and timers that reporting acts on."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from services.reporting.application.rectifications import Rectifying
from services.reporting.domain import daily_report
from services.reporting.domain.daily_report import BusinessDay
from services.reporting.persistence import facts, log, reports
from shared import timers
from shared.contracts import CONTRACTS, Event
from shared.contracts.reporting import DailyReportPublished
from shared.contracts.workshop import CapacityChanged
from shared.envelope import Causation, ReceivedEvent
from shared.group import Store
from shared.timers import Lane, StaleStateError, Timer, TimerHandler
from shared.unit_of_work import UnitOfWork

SUBSCRIPTIONS: tuple[type[Event], ...] = tuple(
    contract for contract in CONTRACTS.values() if contract is not CapacityChanged
)
"""Every event but CapacityChanged, whose compacted topic cannot be replayed from its start."""

LANES = 2
"""Batches are folded side by side in two transactions: facts of different keys commute."""

CLOSING = "closing"

_CLOSINGS = Lane("own events", concurrency=4, timeout_s=60)

_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Handlers:
    """Folds events into log and facts, and reports each day of each store at closing time."""

    stores: Mapping[str, Store]
    catch_up: Callable[[float], Awaitable[bool]]
    rectifying: Rectifying

    @property
    def timer_handlers(self) -> Mapping[str, TimerHandler]:
        """Closing time, once the day's events are read."""
        return {
            CLOSING: TimerHandler(self.on_closing, prepare=self.prepare_closing, lane=_CLOSINGS)
        }

    async def handle(self, uow: UnitOfWork, batch: Sequence[ReceivedEvent]) -> None:
        """Log and fold a batch, whatever the order of its events' types."""
        await log.append(uow.connection, batch)
        await facts.record(uow.connection, batch)
        published = [
            received.event for received in batch if isinstance(received.event, DailyReportPublished)
        ]
        if published:
            await reports.keep(uow.connection, published)
        for received in batch:
            await self.rectifying.handle(uow, received)
        await self._open_days(uow, batch)

    async def _open_days(self, uow: UnitOfWork, batch: Sequence[ReceivedEvent]) -> None:
        """Set the timer of each business day on which something happened (R30).

        It follows from the events alone, so neither a restart nor a clock that jumps can lose a
        day. An event that comes late sets the timer of its day once more.
        """
        days = {
            (store_id, self.stores[store_id].business_day(received.envelope.time))
            for received in batch
            if not isinstance(received.event, DailyReportPublished)
            for store_id in [received.envelope.store_id]
        }
        for store_id, day in await reports.open_days(uow.connection, sorted(days)):
            subject = f"{store_id}/{day}"
            await timers.schedule(
                uow,
                CLOSING,
                subject,
                store_id=store_id,
                due_at=self.stores[store_id].business_day_bounds(day)[1],
                causation=Causation(correlation_id=subject, causation_id=subject),
                data={"day": day.isoformat()},
            )

    async def prepare_closing(self, _store_id: str, _subject: str) -> None:
        """Read on until what was published so far is in the facts: no outage shortens a report."""
        if not await self.catch_up(_TIMEOUT_S):
            raise StaleStateError

    async def on_closing(self, uow: UnitOfWork, timer: Timer) -> None:
        """Publish the store's daily report (日报), or a revision when a total has changed since."""
        connection, place = uow.connection, self.stores[timer.store_id]
        day = date.fromisoformat(timer.data["day"])
        await reports.close_day(connection, place.id, day)
        before = await reports.latest(connection, place.id, day - timedelta(days=1))
        begin = (before and before.covers_until) or place.business_day_bounds(day)[0]
        events = daily_report.report(
            BusinessDay(place.id, day, begin, timer.due_at),
            await reports.figures(connection, place, begin, timer.due_at),
            await reports.latest(connection, place.id, day),
            uow.now,
        )
        await reports.keep(connection, events)
        uow.publish(events, timer.causation)
