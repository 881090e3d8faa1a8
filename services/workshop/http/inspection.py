"""Inspections (质检)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import Field

from services.workshop import booking, promises, store
from services.workshop.domain import job as jobs
from services.workshop.domain.job import Job
from services.workshop.http.common import Inspector, JobView, change_job, planner_of
from shared.body import Body
from shared.contracts.workshop import VehicleReady
from shared.duties import serves
from shared.ids import new_id
from shared.unit import Unit

router = APIRouter(prefix="/stores/{store_id}")

_REWORK_SHARE = 0.5


class InspectionBody(Body):
    passed: bool
    failed_items: Annotated[list[str], Field(max_length=30)] = []


@router.post(
    "/jobs/{job_id}/inspection",
    response_model=JobView,
    tags=["jobs"],
    openapi_extra=serves("R14"),
)
async def inspect_job(
    request: Request, job_id: str, body: InspectionBody, command: Inspector
) -> JSONResponse:
    """The calling inspector accepts the job or sends it back (质检)."""

    async def change(unit: Unit, job: Job, now: datetime) -> tuple[Job, Sequence[Any]]:
        inspector = command.principal.subject
        if body.passed:
            order_jobs = await store.jobs_of_order(unit.connection, job.store_id, job.order_id)
            passed, events = jobs.pass_inspection(job, inspector, order_jobs, now)
            if any(isinstance(event, VehicleReady) for event in events):
                await promises.ready(unit, planner_of(request), order_jobs)
            return passed, events
        failed, rework, failures = jobs.fail_inspection(
            job,
            inspector,
            tuple(body.failed_items),
            rework_job_id=str(new_id()),
            rework_hours=job.standard_hours * _REWORK_SHARE,
            now=now,
        )
        await store.save_jobs(unit.connection, [rework])
        await booking.plan_changed(unit, job.store_id, command.cause)
        return failed, failures

    return await change_job(request, command, job_id, change)
