"""Manual overrides of the plan (人工干预)."""

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
    return await command.run(lambda uow: dispatch.swap_jobs(uow, job_id, body, deps))


@router.post(
    "/jobs/{job_id}/pin", response_model=JobView, tags=["dispatch"], openapi_extra=serves("R12")
)
async def pin_job(
    job_id: str, body: OverrideRequest, command: DispatcherCommand, deps: InjectedDeps
) -> JSONResponse:
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
    return await command.run(lambda uow: dispatch.unpin_job(uow, job_id, body, deps))


@router.post(
    "/jobs/{job_id}/forbid", response_model=JobView, tags=["dispatch"], openapi_extra=serves("R12")
)
async def forbid_technician(
    job_id: str, body: TechnicianRequest, command: DispatcherCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: dispatch.forbid_technician(uow, job_id, body, deps))


@router.post(
    "/jobs/{job_id}/allow", response_model=JobView, tags=["dispatch"], openapi_extra=serves("R12")
)
async def allow_technician(
    job_id: str, body: TechnicianRequest, command: DispatcherCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: dispatch.allow_technician(uow, job_id, body, deps))


@router.get("/overrides", tags=["dispatch"], openapi_extra=serves("R12", "R18"))
async def list_overrides(
    store_id: str,
    deps: InjectedDeps,
    _: Overseer,
    from_day: Annotated[CalendarDay | None, Query(alias="from")] = None,
    to_day: Annotated[CalendarDay | None, Query(alias="to")] = None,
) -> OverridesView:
    return await dispatch.list_overrides(store_id, from_day, to_day, deps)
