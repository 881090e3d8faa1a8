"""Inspections (质检)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.workshop import persistence
from services.workshop.application import orders, plan_changes, promises
from services.workshop.application.planner import Planner
from services.workshop.domain import job as jobs
from services.workshop.domain.inspection import ChecklistItem, ItemResult, failed_items
from services.workshop.domain.job import Job
from services.workshop.entrypoints.http.common import (
    Inspector,
    JobView,
    Reader,
    catalog_of,
    change_job,
    config_of,
    planner_of,
)
from services.workshop.persistence.inspection import Inspection, save_inspection
from shared.contracts.base import Identifier
from shared.contracts.workshop import VehicleReady
from shared.duties import serves
from shared.ids import new_id
from shared.request_model import Seen
from shared.routing import Router
from shared.unit_of_work import UnitOfWork

router = Router(prefix="/stores/{store_id}")

_REWORK_SHARE = 0.5


class InspectionBody(Seen):
    """The result of every item of the checklist; one that failed sends the job back."""

    items: Annotated[dict[Identifier, ItemResult], Field(max_length=60)]


class ChecklistsView(BaseModel):
    """The items to inspect by trade (质检单)."""

    checklists: Mapping[str, Sequence[ChecklistItem]]


@router.get("/inspection-checklists", tags=["jobs"], openapi_extra=serves("R14"))
async def list_checklists(request: Request, _: Reader) -> ChecklistsView:
    """What an inspector looks at, by the trade of the job."""
    return ChecklistsView(checklists=catalog_of(request).checklists)


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

    async def change(uow: UnitOfWork, job: Job, now: datetime) -> tuple[Job, Sequence[Any]]:
        trade = config_of(request).operation(job.operation_id).trade
        failed = failed_items(catalog_of(request).checklists[trade], body.items)
        inspector_id = command.principal.subject
        if failed:
            changed, events = await _send_back(uow, job, inspector_id, failed)
            await plan_changes.request_replan(uow, job.store_id, command.causation)
        else:
            changed, events = await _accept(uow, job, inspector_id, planner_of(request))
        inspection = Inspection(job_id, inspector_id, now, not failed, body.items)
        await save_inspection(uow.connection, job.store_id, inspection)
        return changed, events

    return await change_job(request, command, job_id, change, seen=body.version)


async def _accept(
    uow: UnitOfWork, job: Job, inspector_id: str, planner: Planner
) -> tuple[Job, Sequence[Any]]:
    order_jobs = await persistence.jobs_of_order(uow.connection, job.store_id, job.order_id)
    passed, events = jobs.pass_inspection(job, inspector_id, order_jobs, uow.now)
    for event in events:
        if isinstance(event, VehicleReady):
            handover_min = planner.config.stores[job.store_id].handover_minutes
            await orders.ready(uow, event, order_jobs, handover_min)
            await promises.score_promise(uow, planner, order_jobs)
    return passed, events


async def _send_back(
    uow: UnitOfWork, job: Job, inspector_id: str, failed: Sequence[str]
) -> tuple[Job, Sequence[Any]]:
    sent_back, rework, events = jobs.fail_inspection(
        job,
        inspector_id,
        failed,
        rework_job_id=str(new_id()),
        rework_hours=job.standard_hours * _REWORK_SHARE,
        now=uow.now,
    )
    await persistence.save_jobs(uow, [rework])
    return sent_back, events
