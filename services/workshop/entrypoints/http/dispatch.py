"""Manual overrides of the plan (人工派工)."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from services.workshop.application import dispatch
from services.workshop.application.dispatch import (
    OverrideRequest,
    OverridesView,
    ReassignmentRequest,
    SwapJobsRequest,
    SwapView,
    TechnicianRequest,
)
from services.workshop.application.job_views import JobView
from services.workshop.entrypoints.http.access import DispatcherCommand, InjectedDeps, Overseer
from shared.group import CalendarDay
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post(
    "/jobs/{job_id}/reassignment",
    response_model=JobView,
    tags=["dispatch"],
    openapi_extra=serves("R12"),
)
async def reassign_job(
    job_id: str, body: ReassignmentRequest, command: DispatcherCommand, deps: InjectedDeps
) -> JSONResponse:
    """Move a planned job (改派) and keep it there."""
    return await command.run(lambda uow: dispatch.reassign_job(uow, job_id, body, deps))


@router.post(
    "/jobs/{job_id}/swap",
    response_model=SwapView,
    tags=["dispatch"],
    openapi_extra=serves("R12"),
)
async def swap_jobs(
    job_id: str, body: SwapJobsRequest, command: DispatcherCommand, deps: InjectedDeps
) -> JSONResponse:
    """Exchange technicians, bay and start of two planned jobs (互换) and keep them there."""
    return await command.run(lambda uow: dispatch.swap_jobs(uow, job_id, body, deps))


@router.post(
    "/jobs/{job_id}/pin", response_model=JobView, tags=["dispatch"], openapi_extra=serves("R12")
)
async def pin_job(
    job_id: str, body: OverrideRequest, command: DispatcherCommand, deps: InjectedDeps
) -> JSONResponse:
    """Pin a planned job to its technicians, bay and start (锁定)."""
    return await command.run(lambda uow: dispatch.pin_job(uow, job_id, body, deps))


@router.post(
    "/jobs/{job_id}/unpin",
    response_model=JobView,
    tags=["dispatch"],
    openapi_extra=serves("R12"),
)
async def unpin_job(
    job_id: str, body: OverrideRequest, command: DispatcherCommand, deps: InjectedDeps
) -> JSONResponse:
    """Unpin a job (解锁): the planner may move it again."""
    return await command.run(lambda uow: dispatch.unpin_job(uow, job_id, body, deps))


@router.post(
    "/jobs/{job_id}/forbid", response_model=JobView, tags=["dispatch"], openapi_extra=serves("R12")
)
async def forbid_technician(
    job_id: str, body: TechnicianRequest, command: DispatcherCommand, deps: InjectedDeps
) -> JSONResponse:
    """Forbid a technician for a planned job (禁派)."""
    return await command.run(lambda uow: dispatch.forbid_technician(uow, job_id, body, deps))


@router.post(
    "/jobs/{job_id}/allow", response_model=JobView, tags=["dispatch"], openapi_extra=serves("R12")
)
async def allow_technician(
    job_id: str, body: TechnicianRequest, command: DispatcherCommand, deps: InjectedDeps
) -> JSONResponse:
    """Allow a forbidden technician for a job again (解禁)."""
    return await command.run(lambda uow: dispatch.allow_technician(uow, job_id, body, deps))


@router.get("/overrides", tags=["dispatch"], openapi_extra=serves("R12", "R18"))
async def list_overrides(
    store_id: str,
    deps: InjectedDeps,
    _: Overseer,
    from_day: Annotated[CalendarDay | None, Query(alias="from")] = None,
    to_day: Annotated[CalendarDay | None, Query(alias="to")] = None,
) -> OverridesView:
    """List the manual overrides of a span of days, and their effect on lateness.

    The first and the last day are included.
    """
    return await dispatch.list_overrides(store_id, from_day, to_day, deps)
