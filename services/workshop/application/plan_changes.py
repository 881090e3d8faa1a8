"""What commands, events and deadlines have in common: changing the plan and its resource bookings.

Every function runs inside a unit in which the store's plan is locked.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.workshop import persistence
from services.workshop.domain import job as jobs
from services.workshop.domain.job import Assignment, Job
from services.workshop.domain.reasons import PLANNER, Reason
from services.workshop.persistence import Hold
from shared import timers
from shared.envelope import Cause
from shared.timers import Timer
from shared.unit import Unit

REPLAN = "replan"
IMPROVE = "improve"
LEARN = "learn"
PROMISE_RISK_CHECK = "promise_risk_check"
CAPACITY = "capacity"
HOLD_EXPIRY = "hold_expiry"
OVERRUN = "overrun"
START_DUE = "start_due"

_CAPACITY_EVERY = timedelta(minutes=5)
_LEARN_EVERY = timedelta(minutes=15)
_IMPROVE_AFTER = timedelta(milliseconds=300)
"""Disturbances rarely come alone; the search begins when it is quiet for so long."""
_START_GRACE = timedelta(minutes=10)
"""Work that has not begun so long after its planned start is planned anew."""
_RISK_CHECK_AFTER = timedelta(milliseconds=500)
_RISK_CHECK_EVERY = timedelta(minutes=5)


async def request_replan(unit: Unit, store_id: str, cause: Cause, *, replan: bool = True) -> None:
    """Request a replan at once, then a check of the promises, and publish the free capacity
    shortly."""
    if replan:
        await timers.schedule(
            unit, REPLAN, store_id, store_id=store_id, due_at=unit.now, cause=cause
        )
    due_at = _next(_CAPACITY_EVERY, unit.now)
    await timers.schedule(unit, CAPACITY, store_id, store_id=store_id, due_at=due_at, cause=cause)
    due_at = unit.now + _RISK_CHECK_AFTER
    await timers.schedule(
        unit, PROMISE_RISK_CHECK, store_id, store_id=store_id, due_at=due_at, cause=cause
    )


async def schedule_risk_check(unit: Unit, store_id: str, cause: Cause) -> None:
    """Schedule the next check of the open promises, even if nothing happens."""
    due_at = unit.now + _RISK_CHECK_EVERY
    await timers.schedule(
        unit, PROMISE_RISK_CHECK, store_id, store_id=store_id, due_at=due_at, cause=cause
    )


async def schedule_improvement(unit: Unit, store_id: str, cause: Cause) -> None:
    """Schedule the search for a better plan, when the disturbances pause."""
    due_at = unit.now + _IMPROVE_AFTER
    await timers.schedule(unit, IMPROVE, store_id, store_id=store_id, due_at=due_at, cause=cause)


async def assign_jobs(
    unit: Unit,
    store_id: str,
    changes: Sequence[tuple[Job, Assignment, Reason]],
    *,
    handover: timedelta,
    by: str,
    cause: Cause,
) -> list[Job]:
    """Assign jobs and book their resources, each for a reason."""
    await persistence.delete_resource_bookings(
        unit.connection, store_id, [job.job_id for job, _, _ in changes]
    )
    await persistence.add_resource_bookings(
        unit.connection,
        store_id,
        [(job.job_id, None, assignment) for job, assignment, _ in changes],
    )
    changed = []
    for job, assignment, reason in changes:
        assigned, events = jobs.assign(job, assignment, handover=handover, reason=reason, by=by)
        changed.append(assigned)
        unit.publish(events, cause)
    saved = await persistence.save_jobs(unit, changed)
    await schedule_start_check(unit, store_id, cause)
    return saved


async def schedule_start_check(unit: Unit, store_id: str, cause: Cause) -> None:
    """Schedule a check for when the next job should have begun."""
    start_at = await persistence.next_start(unit.connection, store_id)
    if start_at is not None:
        due_at = max(start_at, unit.now) + _START_GRACE
        await timers.schedule(
            unit, START_DUE, store_id, store_id=store_id, due_at=due_at, cause=cause
        )


async def on_start_due(unit: Unit, timer: Timer) -> None:
    """Somebody should have begun by now (未按时开工): what has not is planned anew."""
    start_at = await persistence.next_start(unit.connection, timer.store_id)
    if start_at is not None and start_at + _START_GRACE <= unit.now:
        await request_replan(unit, timer.store_id, timer.cause)
    await schedule_start_check(unit, timer.store_id, timer.cause)


async def book_active_job(unit: Unit, job: Job, assignment: Assignment, cause: Cause) -> None:
    """Book the resources of work in hand; planned work in its way is replanned."""
    await persistence.displace(unit.connection, job.store_id, job.job_id, assignment)
    await persistence.delete_resource_bookings(unit.connection, job.store_id, [job.job_id])
    await persistence.add_resource_bookings(
        unit.connection, job.store_id, [(job.job_id, None, assignment)]
    )
    await timers.schedule(
        unit,
        OVERRUN,
        job.job_id,
        store_id=job.store_id,
        due_at=assignment.finish_at,
        cause=cause,
    )
    await request_replan(unit, job.store_id, cause)


async def free_resources(unit: Unit, job: Job, cause: Cause) -> None:
    """Free the resources of work in hand that has ended.

    Planned work that should have begun meanwhile is replanned.
    """
    await persistence.delete_resource_bookings(unit.connection, job.store_id, [job.job_id])
    if job.started_at and job.bay_id and job.started_at < unit.now:
        done = Assignment(job.technician_ids, job.bay_id, job.started_at, unit.now)
        await persistence.displace(unit.connection, job.store_id, job.job_id, done)
        await persistence.add_resource_bookings(
            unit.connection, job.store_id, [(job.job_id, None, done)]
        )
    await timers.cancel(unit, OVERRUN, job.job_id)
    await schedule_learning(unit, job.store_id, cause)
    await request_replan(unit, job.store_id, cause)


async def schedule_learning(unit: Unit, store_id: str, cause: Cause) -> None:
    """Schedule learning durations from the finished jobs."""
    due_at = _next(_LEARN_EVERY, unit.now)
    await timers.schedule(unit, LEARN, store_id, store_id=store_id, due_at=due_at, cause=cause)


async def reserve(unit: Unit, hold: Hold, cause: Cause) -> None:
    """Keep the capacity of a new hold until it expires."""
    await persistence.save_hold(unit.connection, hold)
    await persistence.add_resource_bookings(
        unit.connection,
        hold.store_id,
        [(job.job_id, hold.hold_id, job.assignment) for job in hold.jobs],
    )
    await timers.schedule(
        unit,
        HOLD_EXPIRY,
        hold.hold_id,
        store_id=hold.store_id,
        due_at=hold.expires_at,
        cause=cause,
    )
    await request_replan(unit, hold.store_id, cause, replan=False)


async def release(unit: Unit, hold: Hold, cause: Cause) -> None:
    """Give back the capacity of a hold that no order has confirmed."""
    if hold.status != "held":
        return
    await persistence.save_hold(unit.connection, hold.with_status("released"))
    await persistence.delete_resource_bookings(
        unit.connection, hold.store_id, [job.job_id for job in hold.jobs]
    )
    await timers.cancel(unit, HOLD_EXPIRY, hold.hold_id)
    await request_replan(unit, hold.store_id, cause)


async def add_jobs(
    unit: Unit, new: Sequence[Job], hold: Hold | None, handover: timedelta, cause: Cause
) -> None:
    """Add ordered jobs to the plan: in the slots of their hold, or where the planner puts them."""
    store_id = new[0].store_id
    if hold is None:
        await persistence.save_jobs(unit, new)
        await request_replan(unit, store_id, cause)
        return
    await persistence.save_hold(unit.connection, hold.with_status("confirmed"))
    await timers.cancel(unit, HOLD_EXPIRY, hold.hold_id)
    promised = Reason("promised")
    slots = [(job, held.assignment, promised) for job, held in zip(new, hold.jobs, strict=True)]
    await assign_jobs(unit, store_id, slots, handover=handover, by=PLANNER, cause=cause)
    await request_replan(unit, store_id, cause, replan=False)


def _next(interval: timedelta, now: datetime) -> datetime:
    """The first whole multiple of ``interval`` after ``now``, the same for all who ask."""
    seconds = interval.total_seconds()
    return datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, now.tzinfo)
