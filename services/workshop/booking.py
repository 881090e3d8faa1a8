"""What commands, events and deadlines have in common: changing the plan and its bookings.

Every function runs inside a unit in which the store's plan is locked.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.workshop import store
from services.workshop.domain import job as jobs
from services.workshop.domain.job import Assignment, Job
from services.workshop.store import HeldJob, Hold
from shared import timers
from shared.contracts.reception import OrderOpened
from shared.envelope import Cause
from shared.unit import Unit

REPLAN = "replan"
CAPACITY = "capacity"
HOLD_EXPIRY = "hold_expiry"
OVERRUN = "overrun"

_CAPACITY_EVERY = timedelta(minutes=5)


async def plan_changed(unit: Unit, store_id: str, cause: Cause, *, replan: bool = True) -> None:
    """Have the rest replanned at once, and the free capacity published shortly."""
    if replan:
        await timers.schedule(
            unit, REPLAN, store_id, store_id=store_id, due_at=unit.now, cause=cause
        )
    since_epoch = unit.now.timestamp() // _CAPACITY_EVERY.total_seconds() + 1
    due_at = datetime.fromtimestamp(since_epoch * _CAPACITY_EVERY.total_seconds(), unit.now.tzinfo)
    await timers.schedule(unit, CAPACITY, store_id, store_id=store_id, due_at=due_at, cause=cause)


async def rebook(
    unit: Unit,
    store_id: str,
    changes: Sequence[tuple[Job, Assignment, str]],
    *,
    by: str,
    cause: Cause,
) -> list[Job]:
    """Give jobs their new assignments and bookings, each for a reason."""
    await store.unbook(unit.connection, store_id, [job.job_id for job, _, _ in changes])
    await store.book(
        unit.connection,
        store_id,
        [(job.job_id, None, assignment) for job, assignment, _ in changes],
    )
    changed = []
    for job, assignment, reason in changes:
        assigned, events = jobs.assign(job, assignment, reason=reason, by=by)
        changed.append(assigned)
        unit.publish(events, cause)
    return await store.save_jobs(unit.connection, changed)


async def occupy(unit: Unit, job: Job, assignment: Assignment, cause: Cause) -> None:
    """Book work in hand; planned work that stands in its way is replanned."""
    await store.displace(unit.connection, job.store_id, job.job_id, assignment)
    await store.unbook(unit.connection, job.store_id, [job.job_id])
    await store.book(unit.connection, job.store_id, [(job.job_id, None, assignment)])
    await timers.schedule(
        unit,
        OVERRUN,
        job.job_id,
        store_id=job.store_id,
        due_at=assignment.finish_at,
        cause=cause,
    )
    await plan_changed(unit, job.store_id, cause)


async def vacate(unit: Unit, job: Job, cause: Cause) -> None:
    """Work in hand has ended: what it occupied is free from now on.

    Planned work that should have begun meanwhile is replanned.
    """
    await store.unbook(unit.connection, job.store_id, [job.job_id])
    if job.started_at and job.bay_id and job.started_at < unit.now:
        done = Assignment(job.technician_ids, job.bay_id, job.started_at, unit.now)
        await store.displace(unit.connection, job.store_id, job.job_id, done)
        await store.book(unit.connection, job.store_id, [(job.job_id, None, done)])
    await timers.cancel(unit, OVERRUN, job.job_id)
    await plan_changed(unit, job.store_id, cause)


async def reserve(unit: Unit, hold: Hold, cause: Cause) -> None:
    """Keep the capacity of a new hold until it expires."""
    await store.save_hold(unit.connection, hold)
    await store.book(
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
    await plan_changed(unit, hold.store_id, cause, replan=False)


async def release(unit: Unit, hold: Hold, cause: Cause) -> None:
    """Give back the capacity of a hold that no order has confirmed."""
    if hold.status != "held":
        return
    await store.save_hold(unit.connection, hold.with_status("released"))
    await store.unbook(unit.connection, hold.store_id, [job.job_id for job in hold.jobs])
    await timers.cancel(unit, HOLD_EXPIRY, hold.hold_id)
    await plan_changed(unit, hold.store_id, cause)


async def take_in(
    unit: Unit, opened: OrderOpened, hold: Hold | None, new_ids: Sequence[str], cause: Cause
) -> None:
    """An order was opened: its hold becomes its jobs; without a hold the planner finds a place."""
    held = _matching(hold, opened)
    new_jobs = [
        Job(
            job_id=job_id,
            store_id=opened.store_id,
            order_id=opened.order_id,
            place=place,
            operation_id=operation.operation_id,
            standard_hours=operation.standard_hours,
            status="planned",
            promised_at=opened.promised_at,
            opened_at=opened.opened_at,
            waiting_customer=opened.waiting_customer,
        )
        for place, (job_id, operation) in enumerate(
            zip([job.job_id for job in held] or new_ids, opened.operations, strict=True)
        )
    ]
    if hold is None or not held:
        await store.save_jobs(unit.connection, new_jobs)
        await plan_changed(unit, opened.store_id, cause)
        return
    await store.save_hold(unit.connection, hold.with_status("confirmed"))
    await timers.cancel(unit, HOLD_EXPIRY, hold.hold_id)
    await rebook(
        unit,
        opened.store_id,
        [(job, part.assignment, "promised") for job, part in zip(new_jobs, held, strict=True)],
        by="planner",
        cause=cause,
    )
    await plan_changed(unit, opened.store_id, cause, replan=False)


def _matching(hold: Hold | None, opened: OrderOpened) -> tuple[HeldJob, ...]:
    """The held jobs if the hold still stands and is for these operations."""
    if hold is None or hold.status != "held":
        return ()
    wanted = [operation.operation_id for operation in opened.operations]
    return hold.jobs if [job.operation_id for job in hold.jobs] == wanted else ()
