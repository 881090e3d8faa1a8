"""What commands, events and timers have in common: changing the plan and its resource bookings.

Every function runs inside a unit of work in which the store's plan is locked.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.workshop import persistence
from services.workshop.domain import job as jobs
from services.workshop.domain.job import Assignment, Job
from services.workshop.domain.reasons import PLANNER, Reason
from services.workshop.persistence import Hold
from shared import timers
from shared.envelope import Causation
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

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


async def request_replan(
    uow: UnitOfWork, store_id: str, causation: Causation, *, replan: bool = True
) -> None:
    """Request a replan at once, then a check of the promises, and publish the free capacity
    shortly."""
    if replan:
        await timers.schedule(
            uow, REPLAN, store_id, store_id=store_id, due_at=uow.now, causation=causation
        )
    due_at = _next(_CAPACITY_EVERY, uow.now)
    await timers.schedule(
        uow, CAPACITY, store_id, store_id=store_id, due_at=due_at, causation=causation
    )
    due_at = uow.now + _RISK_CHECK_AFTER
    await timers.schedule(
        uow, PROMISE_RISK_CHECK, store_id, store_id=store_id, due_at=due_at, causation=causation
    )


async def schedule_risk_check(uow: UnitOfWork, store_id: str, causation: Causation) -> None:
    """Schedule the next check of the open promises, even if nothing happens."""
    due_at = uow.now + _RISK_CHECK_EVERY
    await timers.schedule(
        uow, PROMISE_RISK_CHECK, store_id, store_id=store_id, due_at=due_at, causation=causation
    )


async def schedule_improvement(uow: UnitOfWork, store_id: str, causation: Causation) -> None:
    """Schedule the search for a better plan, when the disturbances pause."""
    due_at = uow.now + _IMPROVE_AFTER
    await timers.schedule(
        uow, IMPROVE, store_id, store_id=store_id, due_at=due_at, causation=causation
    )


async def assign_jobs(
    uow: UnitOfWork,
    store_id: str,
    changes: Sequence[tuple[Job, Assignment, Reason]],
    *,
    handover: timedelta,
    by: str,
    causation: Causation,
) -> list[Job]:
    """Assign jobs and book their resources, each for a reason."""
    await persistence.delete_resource_bookings(
        uow.connection, store_id, [job.job_id for job, _, _ in changes]
    )
    await persistence.add_resource_bookings(
        uow.connection,
        store_id,
        [(job.job_id, None, assignment) for job, assignment, _ in changes],
    )
    changed = []
    for job, assignment, reason in changes:
        assigned, events = jobs.assign(job, assignment, handover=handover, reason=reason, by=by)
        changed.append(assigned)
        uow.publish(events, causation)
    saved = await persistence.save_jobs(uow, changed)
    await schedule_start_check(uow, store_id, causation)
    return saved


async def schedule_start_check(uow: UnitOfWork, store_id: str, causation: Causation) -> None:
    """Schedule a check for when the next job should have begun."""
    start_at = await persistence.next_start(uow.connection, store_id)
    if start_at is not None:
        due_at = max(start_at, uow.now) + _START_GRACE
        await timers.schedule(
            uow, START_DUE, store_id, store_id=store_id, due_at=due_at, causation=causation
        )


async def on_start_due(uow: UnitOfWork, timer: Timer) -> None:
    """Somebody should have begun by now (未按时开工): what has not is planned anew."""
    start_at = await persistence.next_start(uow.connection, timer.store_id)
    if start_at is not None and start_at + _START_GRACE <= uow.now:
        await request_replan(uow, timer.store_id, timer.causation)
    await schedule_start_check(uow, timer.store_id, timer.causation)


async def book_active_job(
    uow: UnitOfWork, job: Job, assignment: Assignment, causation: Causation
) -> None:
    """Book the resources of work in hand; planned work in its way is replanned."""
    await persistence.displace(uow.connection, job.store_id, job.job_id, assignment)
    await persistence.delete_resource_bookings(uow.connection, job.store_id, [job.job_id])
    await persistence.add_resource_bookings(
        uow.connection, job.store_id, [(job.job_id, None, assignment)]
    )
    await timers.schedule(
        uow,
        OVERRUN,
        job.job_id,
        store_id=job.store_id,
        due_at=assignment.finish_at,
        causation=causation,
    )
    await request_replan(uow, job.store_id, causation)


async def free_resources(uow: UnitOfWork, job: Job, causation: Causation) -> None:
    """Free the resources of work in hand that has ended.

    Planned work that should have begun meanwhile is replanned.
    """
    await persistence.delete_resource_bookings(uow.connection, job.store_id, [job.job_id])
    if job.started_at and job.bay_id and job.started_at < uow.now:
        done = Assignment(job.technician_ids, job.bay_id, job.started_at, uow.now)
        await persistence.displace(uow.connection, job.store_id, job.job_id, done)
        await persistence.add_resource_bookings(
            uow.connection, job.store_id, [(job.job_id, None, done)]
        )
    await timers.cancel(uow, OVERRUN, job.job_id)
    await schedule_learning(uow, job.store_id, causation)
    await request_replan(uow, job.store_id, causation)


async def schedule_learning(uow: UnitOfWork, store_id: str, causation: Causation) -> None:
    """Schedule learning durations from the finished jobs."""
    due_at = _next(_LEARN_EVERY, uow.now)
    await timers.schedule(
        uow, LEARN, store_id, store_id=store_id, due_at=due_at, causation=causation
    )


async def reserve(uow: UnitOfWork, hold: Hold, causation: Causation) -> None:
    """Keep the capacity of a new hold until it expires."""
    await persistence.save_hold(uow.connection, hold)
    await persistence.add_resource_bookings(
        uow.connection,
        hold.store_id,
        [(job.job_id, hold.hold_id, job.assignment) for job in hold.jobs],
    )
    await timers.schedule(
        uow,
        HOLD_EXPIRY,
        hold.hold_id,
        store_id=hold.store_id,
        due_at=hold.expires_at,
        causation=causation,
    )
    await request_replan(uow, hold.store_id, causation, replan=False)


async def release(uow: UnitOfWork, hold: Hold, causation: Causation) -> None:
    """Give back the capacity of a hold that no order has confirmed."""
    if hold.status != "held":
        return
    await persistence.save_hold(uow.connection, hold.with_status("released"))
    await persistence.delete_resource_bookings(
        uow.connection, hold.store_id, [job.job_id for job in hold.jobs]
    )
    await timers.cancel(uow, HOLD_EXPIRY, hold.hold_id)
    await request_replan(uow, hold.store_id, causation)


async def add_jobs(
    uow: UnitOfWork,
    new: Sequence[Job],
    hold: Hold | None,
    handover: timedelta,
    causation: Causation,
) -> None:
    """Add ordered jobs to the plan: in the slots of their hold, or where the planner puts them."""
    store_id = new[0].store_id
    if hold is None:
        await persistence.save_jobs(uow, new)
        await request_replan(uow, store_id, causation)
        return
    await persistence.save_hold(uow.connection, hold.with_status("confirmed"))
    await timers.cancel(uow, HOLD_EXPIRY, hold.hold_id)
    promised = Reason("promised")
    slots = [(job, held.assignment, promised) for job, held in zip(new, hold.jobs, strict=True)]
    await assign_jobs(uow, store_id, slots, handover=handover, by=PLANNER, causation=causation)
    await request_replan(uow, store_id, causation, replan=False)


def _next(interval: timedelta, now: datetime) -> datetime:
    """The first whole multiple of ``interval`` after ``now``, the same for all who ask."""
    seconds = interval.total_seconds()
    return datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, now.tzinfo)
