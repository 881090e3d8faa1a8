"""Jobs (派工单) and their clocks."""

from collections.abc import Collection

from services.workshop import persistence
from services.workshop.application.active_work import book_active_job, free_resources
from services.workshop.application.clocks import cancel_auto_clock_out, schedule_auto_clock_out
from services.workshop.application.deps import Deps
from services.workshop.application.expected_finishes import expect_finish
from services.workshop.application.job_views import JobView, view
from services.workshop.application.locked_jobs import lock_job, save_job
from services.workshop.domain import job as jobs
from services.workshop.domain.job import JobStatus, PauseReason
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork


class PauseRequest(RequestModel):
    reason: PauseReason


async def list_jobs(
    store_id: str,
    technician_id: str | None,
    order_id: str | None,
    status: Collection[JobStatus] | None,
    deps: Deps,
) -> list[JobView]:
    """List an order's jobs, or the unfinished and uninspected ones, by planned start."""
    async with deps.uow_factory.read(store_id) as connection:
        if order_id:
            found = await persistence.jobs_of_order(connection, store_id, order_id)
        else:
            found = await persistence.current_jobs(connection, store_id)
        operations = await deps.operations(connection, [job.op_code for job in found])
    return [
        view(job, operations)
        for job in found
        if (technician_id is None or technician_id in job.technician_ids)
        and (status is None or job.status in status)
    ]


async def get_job(store_id: str, job_id: str, deps: Deps) -> JobView:
    """Return one job."""
    async with deps.uow_factory.read(store_id) as connection:
        job = await persistence.read_job(connection, store_id, job_id)
        return view(job, await deps.operations(connection, [job.op_code]))


async def start_job(uow: UnitOfWork, job_id: str, deps: Deps) -> JobView:
    """Clock in the technician who begins the job (开工)."""
    connection = uow.connection
    job = await lock_job(uow, job_id)
    ends_at = await expect_finish(connection, job, job.technician_ids, uow.now, deps)
    open_jobs = await persistence.open_jobs(connection, job.store_id)
    started, events = jobs.start(job, uow.person, open_jobs, ends_at, uow.now)
    (saved,) = await persistence.save_jobs(uow, [started])
    if started.assignment:
        await book_active_job(uow, started, started.assignment)
    await schedule_auto_clock_out(uow, started, deps)
    uow.publish(events)
    return view(saved, await deps.operations(connection, [saved.op_code]))


async def pause_job(uow: UnitOfWork, job_id: str, command: PauseRequest, deps: Deps) -> JobView:
    """Clock out the technician for a while (暂停); the others of the job go on."""
    job = await lock_job(uow, job_id)
    paused, events = jobs.pause(job, uow.person, command.reason, uow.now)
    if paused.status == "paused":
        await cancel_auto_clock_out(uow, job)
    return await save_job(uow, paused, events, deps)


async def resume_job(uow: UnitOfWork, job_id: str, deps: Deps) -> JobView:
    """Clock in the technician again (复工), or the first time on a job already begun."""
    job = await lock_job(uow, job_id)
    others = await persistence.open_jobs(uow.connection, job.store_id)
    resumed, events = jobs.resume(job, uow.person, others, uow.now)
    await schedule_auto_clock_out(uow, resumed, deps)
    return await save_job(uow, resumed, events, deps)


async def finish_job(uow: UnitOfWork, job_id: str, deps: Deps) -> JobView:
    """Finish the technician's work (完工); the job is finished with the last one clocked in."""
    job = await lock_job(uow, job_id)
    finished, events = jobs.finish(job, uow.person, uow.now)
    if finished.status == "finished":
        await free_resources(uow, finished)
        await cancel_auto_clock_out(uow, finished)
    return await save_job(uow, finished, events, deps)
