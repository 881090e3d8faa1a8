"""Bookings of technicians and bays for work in progress (在修).

Every function runs inside a unit of work in which the store's plan is locked.

A booking lasts while the work goes on and ends with it.
"""

from services.workshop import persistence
from services.workshop.application.deps import Deps
from services.workshop.application.expected_finishes import renew_expected_finish
from services.workshop.application.learning import schedule_learning
from services.workshop.application.replanning import request_replan
from services.workshop.domain.job import Assignment, Job, is_wip
from shared import timers
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

OVERRUN = "overrun"


async def book_active_job(uow: UnitOfWork, job: Job, assignment: Assignment) -> None:
    """Book the resources of work in progress and replan the planned work in its way."""
    store_id, job_id = job.store_id, job.job_id
    await persistence.displace(uow.connection, store_id, job_id, assignment)
    await persistence.delete_resource_bookings(uow.connection, store_id, [job_id])
    await persistence.add_resource_bookings(uow.connection, store_id, [(job_id, None, assignment)])
    await timers.schedule(uow, OVERRUN, job_id, store_id=store_id, due_at=assignment.ends_at)
    await request_replan(uow, store_id)


async def extend_overrun(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Keep the slot of work in progress that overruns, and move the other jobs."""
    job = await persistence.read_job(uow.connection, timer.store_id, timer.entity_id)
    if not is_wip(job):
        return
    longer = await renew_expected_finish(uow.connection, job, uow.now, deps)
    if longer.assignment:
        await persistence.save_jobs(uow, [longer])
        await book_active_job(uow, longer, longer.assignment)


async def free_resources(uow: UnitOfWork, job: Job) -> None:
    """Free the resources of work in progress that has ended.

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
    await schedule_learning(uow, job.store_id)
    await request_replan(uow, job.store_id)
