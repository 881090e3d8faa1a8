"""Events and deadlines that the workshop acts on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.workshop import persistence
from services.workshop.application import clocks, orders, plan_changes, promises
from services.workshop.application.load import free_time, load_between
from services.workshop.application.planner import Planner, PlanUpdate
from services.workshop.application.staffing import STAFFING, Staffing
from services.workshop.domain import job as jobs
from services.workshop.domain.job import Job
from services.workshop.domain.promise_risk import update_alerts
from services.workshop.domain.reasons import PLANNER, Reason
from shared.contracts import Event
from shared.contracts.reception import (
    AdditionalWorkAuthorized,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentMoved,
    OrderCancelled,
    OrderedOperation,
    OrderOpened,
    PromiseRevised,
    WorkWithdrawn,
)
from shared.contracts.workshop import CapacityChanged, VehicleReady
from shared.envelope import Cause, Received
from shared.ids import new_id
from shared.timers import Deadline, StalePreparationError, Timer
from shared.unit import Unit

INTERESTS: tuple[type[Event], ...] = (
    OrderOpened,
    PromiseRevised,
    OrderCancelled,
    WorkWithdrawn,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentMoved,
    *orders.INTERESTS,
)

_CAPACITY_AHEAD = timedelta(days=2)


@dataclass(frozen=True)
class Handlers:
    """The workshop's reactions; the planner computes outside the transaction."""

    planner: Planner
    staffing: Staffing

    @property
    def deadlines(self) -> Mapping[str, Deadline]:
        planner, staffing = self.planner, self.staffing
        return {
            plan_changes.REPLAN: Deadline(self.on_replan, _lock_plan, planner.replan),
            plan_changes.CAPACITY: Deadline(self.on_capacity, _lock_plan),
            promises.PROMISE_DUE: Deadline(self.on_promise_due, _lock_plan),
            plan_changes.HOLD_EXPIRY: Deadline(self.on_hold_expiry, _lock_plan),
            plan_changes.OVERRUN: Deadline(self.on_overrun, _lock_plan),
            plan_changes.START_DUE: Deadline(plan_changes.on_start_due, _lock_plan),
            plan_changes.IMPROVE: Deadline(self.on_improve, _lock_plan, planner.improve),
            plan_changes.PROMISE_RISK_CHECK: Deadline(
                self.on_promise_risk_check, None, planner.assess_promise_risks
            ),
            plan_changes.LEARN: Deadline(self.on_learn, None, planner.learn),
            STAFFING: Deadline(staffing.on_staffing, None, staffing.figures),
            clocks.CLOCK_OFF: Deadline(clocks.on_clock_off, _lock_plan),
        }

    async def handle(self, unit: Unit, batch: Sequence[Received]) -> None:
        """Apply each event in order."""
        for store_id in sorted({received.envelope.store_id for received in batch}):
            await persistence.lock_plan(unit.connection, store_id)
        for received in batch:
            await self._react(unit, received.event, received.envelope.cause)
            place = self.planner.workforce.stores[received.envelope.store_id]
            await orders.take_note(unit, received.event, place, received.envelope.cause)

    async def _react(self, unit: Unit, event: Event, cause: Cause) -> None:
        match event:
            case OrderOpened():
                await self._open(unit, event, cause)
            case AdditionalWorkAuthorized():
                await self._add(unit, event, cause)
            case PromiseRevised():
                await self._revise(unit, event, cause)
            case OrderCancelled():
                await self._cancel(unit, event, cause)
            case WorkWithdrawn():
                await self._withdraw(unit, event, cause)
            case AppointmentCancelled() | AppointmentMissed():
                await self._give_back(unit, event.store_id, event.hold_id, cause)
            case AppointmentMoved():
                await self._give_back(unit, event.store_id, event.replaced_hold_id, cause)

    async def _open(self, unit: Unit, event: OrderOpened, cause: Cause) -> None:
        hold = await _usable_hold(unit, event.store_id, event.hold_id, event.operations, cause)
        new = jobs.ordered(event, _job_ids(hold, event.operations))
        handover = self.planner.handover(event.store_id)
        await plan_changes.add_jobs(unit, new, hold, handover, cause)
        if hold:
            await promises.record_promise(unit, event.order_id, hold, cause)

    async def _add(self, unit: Unit, event: AdditionalWorkAuthorized, cause: Cause) -> None:
        hold = await _usable_hold(unit, event.store_id, event.hold_id, event.operations, cause)
        order_jobs = await persistence.jobs_of_order(
            unit.connection, event.store_id, event.order_id
        )
        new = jobs.added(event, order_jobs, _job_ids(hold, event.operations))
        handover = self.planner.handover(event.store_id)
        await plan_changes.add_jobs(unit, new, hold, handover, cause)
        if event.promised_at:
            await persistence.save_jobs(unit, jobs.promise(order_jobs, event.promised_at))
            await plan_changes.request_replan(unit, event.store_id, cause)
        if event.promised_at and hold:
            await promises.record_promise(unit, event.order_id, hold, cause)

    async def _revise(self, unit: Unit, event: PromiseRevised, cause: Cause) -> None:
        order_jobs = await persistence.jobs_of_order(
            unit.connection, event.store_id, event.order_id
        )
        await persistence.save_jobs(unit, jobs.promise(order_jobs, event.promised_at))
        await plan_changes.request_replan(unit, event.store_id, cause)

    async def _give_back(
        self, unit: Unit, store_id: str, hold_id: str | None, cause: Cause
    ) -> None:
        """Release what an appointment does not need any more."""
        if hold := await _hold(unit, store_id, hold_id):
            await plan_changes.release(unit, hold, cause)

    async def _cancel(self, unit: Unit, event: OrderCancelled, cause: Cause) -> None:
        connection = unit.connection
        found = await persistence.jobs_of_order(connection, event.store_id, event.order_id)
        cancelled = [jobs.cancel(job) for job in found]
        await persistence.save_jobs(unit, cancelled)
        await persistence.delete_resource_bookings(
            connection, event.store_id, _cancelled(cancelled)
        )
        if hold := await _hold(unit, event.store_id, event.hold_id):
            await plan_changes.release(unit, hold, cause)
        await promises.delete_promise(unit, event.store_id, event.order_id)
        await plan_changes.request_replan(unit, event.store_id, cause)

    async def _withdraw(self, unit: Unit, event: WorkWithdrawn, cause: Cause) -> None:
        """Stop what the customer does not want any more; its people and bays are free (R12)."""
        store_id, connection = event.store_id, unit.connection
        found = await persistence.jobs_of_order(connection, store_id, event.order_id)
        ended, events = jobs.withdraw(found, event.withdrawn_operations, unit.now)
        if not ended:
            return
        for job in await persistence.save_jobs(unit, ended):
            if job.status == "stopped":
                await plan_changes.free_resources(unit, job, cause)
                await clocks.cancel_auto_clock_out(unit, job)
        await persistence.delete_resource_bookings(connection, store_id, _cancelled(ended))
        for each in events:
            if isinstance(each, VehicleReady):
                minutes = self.planner.workforce.stores[store_id].handover_minutes
                await orders.ready(unit, each, found, minutes)
        await promises.delete_promise(unit, store_id, event.order_id)
        await plan_changes.request_replan(unit, store_id, cause)
        unit.publish(events, cause)

    async def on_replan(self, unit: Unit, timer: Timer) -> None:
        """Apply the fresh plan, and have a better one looked for."""
        await self._apply(unit, timer, timer.prepared)
        await plan_changes.schedule_improvement(unit, timer.store_id, timer.cause)

    async def on_improve(self, unit: Unit, timer: Timer) -> None:
        """Apply the better plan, if one was found."""
        if timer.prepared is not None:
            await self._apply(unit, timer, timer.prepared)

    async def _apply(self, unit: Unit, timer: Timer, plan_update: PlanUpdate) -> None:
        """Move the jobs, unless the plan has changed while the new one was computed."""
        version = await persistence.plan_version(unit.connection, timer.store_id)
        if version != plan_update.version + 1:
            raise StalePreparationError
        open_jobs = await persistence.open_jobs(unit.connection, timer.store_id)
        booked = await persistence.booked_jobs(unit.connection, timer.store_id)
        plan_improved = Reason("plan_improved")
        changes = [
            (
                job,
                plan_update.assignments[job.job_id],
                plan_update.reasons.get(job.job_id, plan_improved),
            )
            for job in open_jobs
            if job.job_id in plan_update.assignments
            and (job.assignment != plan_update.assignments[job.job_id] or job.job_id not in booked)
        ]
        handover = self.planner.handover(timer.store_id)
        await plan_changes.assign_jobs(
            unit, timer.store_id, changes, handover=handover, by=PLANNER, cause=timer.cause
        )
        await plan_changes.request_replan(unit, timer.store_id, timer.cause, replan=False)

    async def on_promise_risk_check(self, unit: Unit, timer: Timer) -> None:
        """Warn of promises that will hardly be kept (R9, R12)."""
        store_id, connection = timer.store_id, unit.connection
        still_open = {job.order_id for job in await persistence.open_jobs(connection, store_id)}
        watched, events = update_alerts(
            [each for each in timer.prepared if each.order_id in still_open],
            {
                each.order_id: each.alerted_at
                for each in await persistence.promise_risks(connection, store_id)
                if each.alerted_at
            },
            store_id=store_id,
            threshold=self.planner.workforce.stores[store_id].risk_threshold,
            now=unit.now,
        )
        await persistence.save_promise_risks(connection, store_id, watched, unit.now)
        unit.publish(events, timer.cause)
        if still_open:
            await plan_changes.schedule_risk_check(unit, store_id, timer.cause)

    async def on_learn(self, unit: Unit, timer: Timer) -> None:
        """Plan with what the finished jobs have taught from now on."""
        await persistence.save_durations(unit.connection, timer.store_id, timer.prepared)

    async def on_promise_due(self, unit: Unit, timer: Timer) -> None:
        """The work of an order had to be done by now."""
        await promises.record_missed_promise(unit, timer.store_id, timer.subject)

    async def on_hold_expiry(self, unit: Unit, timer: Timer) -> None:
        """Nobody confirmed the hold in time."""
        if hold := await _hold(unit, timer.store_id, timer.subject):
            await plan_changes.release(unit, hold, timer.cause)

    async def on_overrun(self, unit: Unit, timer: Timer) -> None:
        """Work in hand needs longer than expected: keep its slot and move the others."""
        job = await persistence.read_job(unit.connection, timer.store_id, timer.subject)
        if not jobs.is_in_hand(job):
            return
        begun_at = job.started_at or unit.now
        absences = await persistence.absences_after(unit.connection, timer.store_id, begun_at)
        longer = self.planner.in_hand(job, absences, unit.now)
        if longer.assignment:
            await persistence.save_jobs(unit, [longer])
            await plan_changes.book_active_job(unit, longer, longer.assignment, timer.cause)

    async def on_capacity(self, unit: Unit, timer: Timer) -> None:
        """Publish the store's free time (R1, R11)."""
        store_id, now = timer.store_id, unit.now
        load = await load_between(
            unit.connection, self.planner, store_id, now, now + _CAPACITY_AHEAD
        )
        event = CapacityChanged(
            store_id=store_id,
            plan_version=await persistence.plan_version(unit.connection, store_id),
            free=tuple(free_time(load, self.planner.handover(store_id))),
        )
        unit.publish([event], timer.cause)


def _cancelled(found: Sequence[Job]) -> list[str]:
    return [job.job_id for job in found if job.status == "cancelled"]


async def _lock_plan(unit: Unit, store_id: str, _subject: str) -> None:
    await persistence.lock_plan(unit.connection, store_id)


async def _hold(unit: Unit, store_id: str, hold_id: str | None) -> persistence.Hold | None:
    return await persistence.lock_hold(unit.connection, store_id, hold_id) if hold_id else None


async def _usable_hold(
    unit: Unit,
    store_id: str,
    hold_id: str | None,
    operations: Sequence[OrderedOperation],
    cause: Cause,
) -> persistence.Hold | None:
    """Return the hold, if it still covers these operations.

    Work in hand that takes longer may have taken the slot of a part of it; the rest is given back.
    """
    hold = await _hold(unit, store_id, hold_id)
    wanted = [operation.operation_id for operation in operations]
    if hold is None or not hold.covers(wanted):
        return None
    if await persistence.count_booked_jobs_of_hold(unit.connection, store_id, hold.hold_id) == len(
        hold.jobs
    ):
        return hold
    await plan_changes.release(unit, hold, cause)
    return None


def _job_ids(hold: persistence.Hold | None, operations: Sequence[OrderedOperation]) -> list[str]:
    """A held job keeps its id."""
    return [job.job_id for job in hold.jobs] if hold else [str(new_id()) for _ in operations]
