"""Events and timers that the workshop acts on."""

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
from shared.envelope import Causation, ReceivedEvent
from shared.ids import new_id
from shared.timers import StaleStateError, Timer, TimerHandler
from shared.unit_of_work import UnitOfWork

SUBSCRIPTIONS: tuple[type[Event], ...] = (
    OrderOpened,
    PromiseRevised,
    OrderCancelled,
    WorkWithdrawn,
    AppointmentCancelled,
    AppointmentMissed,
    AppointmentMoved,
    *orders.SUBSCRIPTIONS,
)

_CAPACITY_AHEAD = timedelta(days=2)


@dataclass(frozen=True)
class Handlers:
    """The workshop's reactions; the planner computes outside the transaction."""

    planner: Planner
    staffing: Staffing

    @property
    def timer_handlers(self) -> Mapping[str, TimerHandler]:
        planner, staffing = self.planner, self.staffing
        return {
            plan_changes.REPLAN: TimerHandler(self.on_replan, _lock_plan, planner.replan),
            plan_changes.CAPACITY: TimerHandler(self.on_capacity, _lock_plan),
            promises.PROMISE_DUE: TimerHandler(self.on_promise_due, _lock_plan),
            plan_changes.HOLD_EXPIRY: TimerHandler(self.on_hold_expiry, _lock_plan),
            plan_changes.OVERRUN: TimerHandler(self.on_overrun, _lock_plan),
            plan_changes.START_DUE: TimerHandler(plan_changes.on_start_due, _lock_plan),
            plan_changes.IMPROVE: TimerHandler(self.on_improve, _lock_plan, planner.improve),
            plan_changes.PROMISE_RISK_CHECK: TimerHandler(
                self.on_promise_risk_check, None, planner.assess_promise_risks
            ),
            plan_changes.LEARN: TimerHandler(self.on_learn, None, planner.learn),
            STAFFING: TimerHandler(staffing.on_staffing, None, staffing.figures),
            clocks.CLOCK_OFF: TimerHandler(clocks.on_clock_off, _lock_plan),
        }

    async def handle(self, uow: UnitOfWork, batch: Sequence[ReceivedEvent]) -> None:
        """Apply each event in order."""
        for store_id in sorted({received.envelope.store_id for received in batch}):
            await persistence.lock_plan(uow.connection, store_id)
        for received in batch:
            await self._react(uow, received.event, received.envelope.causation)
            place = self.planner.config.stores[received.envelope.store_id]
            await orders.project_order_event(
                uow, received.event, place, received.envelope.causation
            )

    async def _react(self, uow: UnitOfWork, event: Event, causation: Causation) -> None:
        match event:
            case OrderOpened():
                await self._open(uow, event, causation)
            case AdditionalWorkAuthorized():
                await self._add(uow, event, causation)
            case PromiseRevised():
                await self._revise(uow, event, causation)
            case OrderCancelled():
                await self._cancel(uow, event, causation)
            case WorkWithdrawn():
                await self._withdraw(uow, event, causation)
            case AppointmentCancelled() | AppointmentMissed():
                await self._give_back(uow, event.store_id, event.hold_id, causation)
            case AppointmentMoved():
                await self._give_back(uow, event.store_id, event.replaced_hold_id, causation)

    async def _open(self, uow: UnitOfWork, event: OrderOpened, causation: Causation) -> None:
        hold = await _usable_hold(uow, event.store_id, event.hold_id, event.operations, causation)
        new = jobs.ordered(event, _job_ids(hold, event.operations))
        handover = self.planner.handover(event.store_id)
        await plan_changes.add_jobs(uow, new, hold, handover, causation)
        if hold:
            await promises.record_promise(uow, event.order_id, hold, causation)

    async def _add(
        self, uow: UnitOfWork, event: AdditionalWorkAuthorized, causation: Causation
    ) -> None:
        hold = await _usable_hold(uow, event.store_id, event.hold_id, event.operations, causation)
        order_jobs = await persistence.jobs_of_order(uow.connection, event.store_id, event.order_id)
        new = jobs.added(event, order_jobs, _job_ids(hold, event.operations))
        handover = self.planner.handover(event.store_id)
        await plan_changes.add_jobs(uow, new, hold, handover, causation)
        if event.promised_at:
            await persistence.save_jobs(uow, jobs.promise(order_jobs, event.promised_at))
            await plan_changes.request_replan(uow, event.store_id, causation)
        if event.promised_at and hold:
            await promises.record_promise(uow, event.order_id, hold, causation)

    async def _revise(self, uow: UnitOfWork, event: PromiseRevised, causation: Causation) -> None:
        order_jobs = await persistence.jobs_of_order(uow.connection, event.store_id, event.order_id)
        await persistence.save_jobs(uow, jobs.promise(order_jobs, event.promised_at))
        await plan_changes.request_replan(uow, event.store_id, causation)

    async def _give_back(
        self, uow: UnitOfWork, store_id: str, hold_id: str | None, causation: Causation
    ) -> None:
        """Release what an appointment does not need any more."""
        if hold := await _hold(uow, store_id, hold_id):
            await plan_changes.release(uow, hold, causation)

    async def _cancel(self, uow: UnitOfWork, event: OrderCancelled, causation: Causation) -> None:
        connection = uow.connection
        found = await persistence.jobs_of_order(connection, event.store_id, event.order_id)
        cancelled = [jobs.cancel(job) for job in found]
        await persistence.save_jobs(uow, cancelled)
        await persistence.delete_resource_bookings(
            connection, event.store_id, _cancelled(cancelled)
        )
        if hold := await _hold(uow, event.store_id, event.hold_id):
            await plan_changes.release(uow, hold, causation)
        await promises.delete_promise(uow, event.store_id, event.order_id)
        await plan_changes.request_replan(uow, event.store_id, causation)

    async def _withdraw(self, uow: UnitOfWork, event: WorkWithdrawn, causation: Causation) -> None:
        """Stop what the customer does not want any more; its people and bays are free (R12)."""
        store_id, connection = event.store_id, uow.connection
        found = await persistence.jobs_of_order(connection, store_id, event.order_id)
        ended, events = jobs.withdraw(found, event.withdrawn_operations, uow.now)
        if not ended:
            return
        for job in await persistence.save_jobs(uow, ended):
            if job.status == "stopped":
                await plan_changes.free_resources(uow, job, causation)
                await clocks.cancel_auto_clock_out(uow, job)
        await persistence.delete_resource_bookings(connection, store_id, _cancelled(ended))
        for each in events:
            if isinstance(each, VehicleReady):
                minutes = self.planner.config.stores[store_id].handover_minutes
                await orders.ready(uow, each, found, minutes)
        await promises.delete_promise(uow, store_id, event.order_id)
        await plan_changes.request_replan(uow, store_id, causation)
        uow.publish(events, causation)

    async def on_replan(self, uow: UnitOfWork, timer: Timer) -> None:
        """Apply the fresh plan, and have a better one looked for."""
        await self._apply(uow, timer, timer.prepared)
        await plan_changes.schedule_improvement(uow, timer.store_id, timer.causation)

    async def on_improve(self, uow: UnitOfWork, timer: Timer) -> None:
        """Apply the better plan, if one was found."""
        if timer.prepared is not None:
            await self._apply(uow, timer, timer.prepared)

    async def _apply(self, uow: UnitOfWork, timer: Timer, plan_update: PlanUpdate) -> None:
        """Move the jobs, unless the plan has changed while the new one was computed."""
        version = await persistence.plan_version(uow.connection, timer.store_id)
        if version != plan_update.version + 1:
            raise StaleStateError
        open_jobs = await persistence.open_jobs(uow.connection, timer.store_id)
        booked = await persistence.booked_jobs(uow.connection, timer.store_id)
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
            uow, timer.store_id, changes, handover=handover, by=PLANNER, causation=timer.causation
        )
        await plan_changes.request_replan(uow, timer.store_id, timer.causation, replan=False)

    async def on_promise_risk_check(self, uow: UnitOfWork, timer: Timer) -> None:
        """Warn of promises that will hardly be kept (R9, R12)."""
        store_id, connection = timer.store_id, uow.connection
        still_open = {job.order_id for job in await persistence.open_jobs(connection, store_id)}
        watched, events = update_alerts(
            [each for each in timer.prepared if each.order_id in still_open],
            {
                each.order_id: each.alerted_at
                for each in await persistence.promise_risks(connection, store_id)
                if each.alerted_at
            },
            store_id=store_id,
            threshold=self.planner.config.stores[store_id].risk_threshold,
            now=uow.now,
        )
        await persistence.save_promise_risks(connection, store_id, watched, uow.now)
        uow.publish(events, timer.causation)
        if still_open:
            await plan_changes.schedule_risk_check(uow, store_id, timer.causation)

    async def on_learn(self, uow: UnitOfWork, timer: Timer) -> None:
        """Plan with what the finished jobs have taught from now on."""
        await persistence.save_durations(uow.connection, timer.store_id, timer.prepared)

    async def on_promise_due(self, uow: UnitOfWork, timer: Timer) -> None:
        """The work of an order had to be done by now."""
        await promises.record_missed_promise(uow, timer.store_id, timer.subject)

    async def on_hold_expiry(self, uow: UnitOfWork, timer: Timer) -> None:
        """Nobody confirmed the hold in time."""
        if hold := await _hold(uow, timer.store_id, timer.subject):
            await plan_changes.release(uow, hold, timer.causation)

    async def on_overrun(self, uow: UnitOfWork, timer: Timer) -> None:
        """Work in hand needs longer than expected: keep its slot and move the others."""
        job = await persistence.read_job(uow.connection, timer.store_id, timer.subject)
        if not jobs.is_in_hand(job):
            return
        begun_at = job.started_at or uow.now
        absences = await persistence.absences_after(uow.connection, timer.store_id, begun_at)
        longer = self.planner.in_hand(job, absences, uow.now)
        if longer.assignment:
            await persistence.save_jobs(uow, [longer])
            await plan_changes.book_active_job(uow, longer, longer.assignment, timer.causation)

    async def on_capacity(self, uow: UnitOfWork, timer: Timer) -> None:
        """Publish the store's free time (R1, R11)."""
        store_id, now = timer.store_id, uow.now
        load = await load_between(
            uow.connection, self.planner, store_id, now, now + _CAPACITY_AHEAD
        )
        event = CapacityChanged(
            store_id=store_id,
            plan_version=await persistence.plan_version(uow.connection, store_id),
            free=tuple(free_time(load, self.planner.handover(store_id))),
        )
        uow.publish([event], timer.causation)


def _cancelled(found: Sequence[Job]) -> list[str]:
    return [job.job_id for job in found if job.status == "cancelled"]


async def _lock_plan(uow: UnitOfWork, store_id: str, _subject: str) -> None:
    await persistence.lock_plan(uow.connection, store_id)


async def _hold(uow: UnitOfWork, store_id: str, hold_id: str | None) -> persistence.Hold | None:
    return await persistence.lock_hold(uow.connection, store_id, hold_id) if hold_id else None


async def _usable_hold(
    uow: UnitOfWork,
    store_id: str,
    hold_id: str | None,
    operations: Sequence[OrderedOperation],
    causation: Causation,
) -> persistence.Hold | None:
    """Return the hold, if it still covers these operations.

    Work in hand that takes longer may have taken the slot of a part of it; the rest is given back.
    """
    hold = await _hold(uow, store_id, hold_id)
    wanted = [operation.operation_id for operation in operations]
    if hold is None or not hold.covers(wanted):
        return None
    if await persistence.count_booked_jobs_of_hold(uow.connection, store_id, hold.hold_id) == len(
        hold.jobs
    ):
        return hold
    await plan_changes.release(uow, hold, causation)
    return None


def _job_ids(hold: persistence.Hold | None, operations: Sequence[OrderedOperation]) -> list[str]:
    """A held job keeps its id."""
    return [job.job_id for job in hold.jobs] if hold else [str(new_id()) for _ in operations]
