"""Jobs (派工单) and their clocks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.workshop import persistence
from services.workshop.application import clocks, plan_changes
from services.workshop.domain import job as jobs
from services.workshop.domain.job import Job, JobStatus, PauseReason
from services.workshop.entrypoints.http.common import (
    JobView,
    Reader,
    Technician,
    change_job,
    config_of,
    locked_job,
    planner_of,
    view,
)
from shared.contracts.base import Identifier
from shared.db import transaction
from shared.duties import serves
from shared.request_model import RequestModel
from shared.routing import Router
from shared.unit_of_work import UnitOfWork

router = Router(prefix="/stores/{store_id}")


class PauseBody(RequestModel):
    reason: PauseReason


@router.get("/jobs", tags=["jobs"], openapi_extra=serves("R13"))
async def list_jobs(
    request: Request,
    store_id: str,
    _: Reader,
    technician_id: Identifier | None = None,
    order_id: Identifier | None = None,
    status: Annotated[list[JobStatus] | None, Query(max_length=10)] = None,
) -> list[JobView]:
    """An order's jobs, or the unfinished and uninspected ones, in order of their planned start."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        if order_id:
            found = await persistence.jobs_of_order(connection, store_id, order_id)
        else:
            found = await persistence.current_jobs(connection, store_id)
    return [
        view(job, config_of(request))
        for job in found
        if (technician_id is None or technician_id in job.technician_ids)
        and (status is None or job.status in status)
    ]


@router.get("/jobs/{job_id}", tags=["jobs"], openapi_extra=serves("R13"))
async def get_job(request: Request, store_id: str, job_id: str, _: Reader) -> JobView:
    """One job."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        job = await persistence.read_job(connection, store_id, job_id)
    return view(job, config_of(request))


@router.post(
    "/jobs/{job_id}/start", response_model=JobView, tags=["jobs"], openapi_extra=serves("R13")
)
async def start_job(request: Request, job_id: str, command: Technician) -> JSONResponse:
    """The calling technician clocks on (开工)."""
    planner = planner_of(request)

    async def use_case(uow: UnitOfWork) -> BaseModel:
        connection, store_id = uow.connection, command.store_id
        job = await locked_job(uow, store_id, job_id)
        absences = await persistence.absences_after(connection, store_id, uow.now)
        started, events = jobs.start(
            job,
            command.principal.subject,
            await persistence.open_jobs(connection, store_id),
            planner.expected_finish(job, job.technician_ids, uow.now, absences),
            uow.now,
        )
        (saved,) = await persistence.save_jobs(uow, [started])
        if started.assignment:
            await plan_changes.book_active_job(uow, started, started.assignment, command.causation)
        await clocks.schedule_auto_clock_out(uow, started, planner.config, command.causation)
        uow.publish(events, command.causation)
        return view(saved, planner.config)

    return await command.run(use_case)


@router.post(
    "/jobs/{job_id}/pause", response_model=JobView, tags=["jobs"], openapi_extra=serves("R13")
)
async def pause_job(
    request: Request, job_id: str, body: PauseBody, command: Technician
) -> JSONResponse:
    """The calling technician clocks out for a while (暂停); the others of the job go on."""

    async def change(uow: UnitOfWork, job: Job, now: datetime) -> tuple[Job, Sequence[Any]]:
        paused, events = jobs.pause(job, command.principal.subject, body.reason, now)
        if paused.status == "paused":
            await clocks.cancel_auto_clock_out(uow, job)
        return paused, events

    return await change_job(request, command, job_id, change, seen=None)


@router.post(
    "/jobs/{job_id}/resume", response_model=JobView, tags=["jobs"], openapi_extra=serves("R13")
)
async def resume_job(request: Request, job_id: str, command: Technician) -> JSONResponse:
    """The calling technician clocks in again (复工), or joins a job that another has begun."""

    async def change(uow: UnitOfWork, job: Job, now: datetime) -> tuple[Job, Sequence[Any]]:
        others = await persistence.open_jobs(uow.connection, command.store_id)
        resumed, events = jobs.resume(job, command.principal.subject, others, now)
        await clocks.schedule_auto_clock_out(uow, resumed, config_of(request), command.causation)
        return resumed, events

    return await change_job(request, command, job_id, change, seen=None)


@router.post(
    "/jobs/{job_id}/finish", response_model=JobView, tags=["jobs"], openapi_extra=serves("R13")
)
async def finish_job(request: Request, job_id: str, command: Technician) -> JSONResponse:
    """The calling technician is done (完工); the job is finished with the last one clocked in."""

    async def change(uow: UnitOfWork, job: Job, now: datetime) -> tuple[Job, Sequence[Any]]:
        finished, events = jobs.finish(job, command.principal.subject, now)
        if finished.status == "finished":
            await plan_changes.free_resources(uow, finished, command.causation)
            await clocks.cancel_auto_clock_out(uow, finished)
        return finished, events

    return await change_job(request, command, job_id, change, seen=None)
