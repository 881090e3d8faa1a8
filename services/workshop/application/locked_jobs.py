"""Jobs that commands change, under the lock of the store's plan."""

from collections.abc import Sequence

from services.workshop import persistence
from services.workshop.application.deps import Deps
from services.workshop.application.job_views import JobView, view
from services.workshop.domain.dispatch import require_seen
from services.workshop.domain.job import Job
from shared.contracts import Event
from shared.unit_of_work import UnitOfWork


async def lock_job(uow: UnitOfWork, job_id: str) -> Job:
    """Lock the plan and return the job."""
    await persistence.begin_plan_change(uow.connection, uow.store_id)
    return await persistence.read_job(uow.connection, uow.store_id, job_id)


async def lock_seen_job(uow: UnitOfWork, job_id: str, version: str) -> Job:
    """Lock the plan and return the job, if its version is the one that the caller has seen."""
    job = await lock_job(uow, job_id)
    require_seen(job, version)
    return job


async def save_job(uow: UnitOfWork, job: Job, events: Sequence[Event], deps: Deps) -> JobView:
    """Store the job, publish its events and return the view of the stored job."""
    (saved,) = await persistence.save_jobs(uow, [job])
    uow.publish(events)
    return view(saved, await deps.operations(uow.connection, [saved.op_code]))
