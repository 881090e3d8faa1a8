"""Jobs (派工单) and their clocks."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from services.workshop.application import jobs
from services.workshop.application.job_views import JobView
from services.workshop.application.jobs import PauseRequest
from services.workshop.domain.job import JobStatus
from services.workshop.entrypoints.http.access import InjectedDeps, JobReader, TechnicianCommand
from shared.contracts.base import Identifier
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/jobs", tags=["jobs"], openapi_extra=serves("R13"))
async def list_jobs(
    store_id: str,
    deps: InjectedDeps,
    _: JobReader,
    technician_id: Identifier | None = None,
    order_id: Identifier | None = None,
    status: Annotated[list[JobStatus] | None, Query(max_length=10)] = None,
) -> list[JobView]:
    return await jobs.list_jobs(store_id, technician_id, order_id, status, deps)


@router.get("/jobs/{job_id}", tags=["jobs"], openapi_extra=serves("R13"))
async def get_job(store_id: str, job_id: str, deps: InjectedDeps, _: JobReader) -> JobView:
    return await jobs.get_job(store_id, job_id, deps)


@router.post(
    "/jobs/{job_id}/start", response_model=JobView, tags=["jobs"], openapi_extra=serves("R13")
)
async def start_job(job_id: str, command: TechnicianCommand, deps: InjectedDeps) -> JSONResponse:
    return await command.run(lambda uow: jobs.start_job(uow, job_id, deps))


@router.post(
    "/jobs/{job_id}/pause", response_model=JobView, tags=["jobs"], openapi_extra=serves("R13")
)
async def pause_job(
    job_id: str, body: PauseRequest, command: TechnicianCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: jobs.pause_job(uow, job_id, body, deps))


@router.post(
    "/jobs/{job_id}/resume", response_model=JobView, tags=["jobs"], openapi_extra=serves("R13")
)
async def resume_job(job_id: str, command: TechnicianCommand, deps: InjectedDeps) -> JSONResponse:
    """The calling technician clocks in again (复工), or joins a job that another has begun."""
    return await command.run(lambda uow: jobs.resume_job(uow, job_id, deps))


@router.post(
    "/jobs/{job_id}/finish", response_model=JobView, tags=["jobs"], openapi_extra=serves("R13")
)
async def finish_job(job_id: str, command: TechnicianCommand, deps: InjectedDeps) -> JSONResponse:
    return await command.run(lambda uow: jobs.finish_job(uow, job_id, deps))
