"""Events and deadlines that the workshop acts on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from services.workshop import booking, store
from services.workshop.domain import job as jobs
from services.workshop.domain.job import Assignment
from services.workshop.load import load_between
from services.workshop.planner import Planner, Proposal
from shared.contracts import Event
from shared.contracts.reception import (
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentMoved,
    OrderCancelled,
    OrderOpened,
)
from shared.contracts.workshop import CapacityChanged, FreeCapacity
from shared.envelope import Cause, Received
from shared.ids import new_id
from shared.timers import Deadline, StalePreparationError, Timer
from shared.unit import Unit

INTERESTS: tuple[type[Event], ...] = (
    OrderOpened,
    OrderCancelled,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentMoved,
)

_CAPACITY_AHEAD = timedelta(days=2)


@dataclass(frozen=True)
class Handlers:
    """The workshop's reactions; the planner computes outside the transaction."""

    planner: Planner

    @property
    def deadlines(self) -> Mapping[str, Deadline]:
        return {
            booking.REPLAN: Deadline(self.on_replan, _lock_plan, self.planner.replan),
            booking.CAPACITY: Deadline(self.on_capacity, _lock_plan),
            booking.HOLD_EXPIRY: Deadline(self.on_hold_expiry, _lock_plan),
            booking.OVERRUN: Deadline(self.on_overrun, _lock_plan),
        }

    async def handle(self, unit: Unit, batch: Sequence[Received]) -> None:
        """Apply each event in order."""
        for store_id in sorted({received.envelope.store_id for received in batch}):
            await store.lock_plan(unit.connection, store_id)
        for received in batch:
            cause = received.envelope.cause
            match received.event:
                case OrderOpened() as event:
                    hold = await _hold(unit, event.store_id, event.hold_id)
                    new_ids = [str(new_id()) for _ in event.operations]
                    await booking.take_in(unit, event, hold, new_ids, cause)
                case OrderCancelled() as event:
                    await self._cancel(unit, event, cause)
                case AppointmentCancelled() | AppointmentMissed() as event:
                    await self._give_back(unit, event.store_id, event.hold_id, cause)
                case AppointmentMoved() as event:
                    await self._give_back(unit, event.store_id, event.replaced_hold_id, cause)

    async def _give_back(
        self, unit: Unit, store_id: str, hold_id: str | None, cause: Cause
    ) -> None:
        """Release what an appointment does not need any more."""
        if hold := await _hold(unit, store_id, hold_id):
            await booking.release(unit, hold, cause)

    async def _cancel(self, unit: Unit, event: OrderCancelled, cause: Cause) -> None:
        connection = unit.connection
        found = await store.jobs_of_order(connection, event.store_id, event.order_id)
        cancelled = [jobs.cancel(job) for job in found]
        await store.save_jobs(connection, cancelled)
        await store.unbook(
            connection,
            event.store_id,
            [job.job_id for job in cancelled if job.status == "cancelled"],
        )
        if hold := await _hold(unit, event.store_id, event.hold_id):
            await booking.release(unit, hold, cause)
        await booking.plan_changed(unit, event.store_id, cause)

    async def on_replan(self, unit: Unit, timer: Timer) -> None:
        """Apply the fresh plan, unless the plan has changed while it was computed."""
        proposal: Proposal = timer.prepared
        version = await store.plan_version(unit.connection, timer.store_id)
        if version != proposal.version + 1:
            raise StalePreparationError
        open_jobs = await store.open_jobs(unit.connection, timer.store_id)
        booked = await store.booked_jobs(unit.connection, timer.store_id)
        changes = [
            (job, proposal.assignments[job.job_id], proposal.reasons.get(job.job_id, "made_room"))
            for job in open_jobs
            if job.job_id in proposal.assignments
            and (job.assignment != proposal.assignments[job.job_id] or job.job_id not in booked)
        ]
        await booking.rebook(unit, timer.store_id, changes, by="planner", cause=timer.cause)
        await booking.plan_changed(unit, timer.store_id, timer.cause, replan=False)

    async def on_hold_expiry(self, unit: Unit, timer: Timer) -> None:
        """Nobody confirmed the hold in time."""
        if hold := await _hold(unit, timer.store_id, timer.subject):
            await booking.release(unit, hold, timer.cause)

    async def on_overrun(self, unit: Unit, timer: Timer) -> None:
        """Work in hand needs longer than expected: keep its place and move the others."""
        job = await store.read_job(unit.connection, timer.store_id, timer.subject)
        if job.status not in ("in_progress", "paused") or job.bay_id is None:
            return
        finish_at = self.planner.still_expected(job, unit.now)
        longer = replace(job, planned_finish_at=finish_at)
        await store.save_jobs(unit.connection, [longer])
        assignment = Assignment(
            job.technician_ids, job.bay_id, job.started_at or unit.now, finish_at
        )
        await booking.occupy(unit, longer, assignment, timer.cause)

    async def on_capacity(self, unit: Unit, timer: Timer) -> None:
        """Publish the store's free time (R1, R11)."""
        store_id, now = timer.store_id, unit.now
        load = await load_between(
            unit.connection, self.planner, store_id, now, now + _CAPACITY_AHEAD
        )
        event = CapacityChanged(
            store_id=store_id,
            plan_version=await store.plan_version(unit.connection, store_id),
            free=tuple(
                FreeCapacity(
                    trade=each.trade, starts_at=each.starts_at, free_minutes=each.free_minutes
                )
                for each in load
                if each.free_minutes
            ),
        )
        unit.publish([event], timer.cause)


async def _lock_plan(unit: Unit, store_id: str, _subject: str) -> None:
    await store.lock_plan(unit.connection, store_id)


async def _hold(unit: Unit, store_id: str, hold_id: str | None) -> store.Hold | None:
    return await store.lock_hold(unit.connection, store_id, hold_id) if hold_id else None
