"""Inspections (质检)."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from services.workshop import persistence
from services.workshop.application.deps import Deps
from services.workshop.application.job_views import JobView
from services.workshop.application.locked_jobs import lock_seen_job, save_job
from services.workshop.application.orders import record_ready
from services.workshop.application.promises import score_promise
from services.workshop.application.replanning import request_replan
from services.workshop.domain import job as jobs
from services.workshop.domain.inspection import ChecklistItem, Inspection, ItemResult, failed_items
from services.workshop.domain.job import Job
from shared.contracts import Event
from shared.contracts.base import Identifier
from shared.contracts.management import InspectionChecklistRules, WorkshopRules
from shared.contracts.workshop import VehicleReady
from shared.db import Connection
from shared.ids import new_id
from shared.request_model import VersionedRequest
from shared.unit_of_work import UnitOfWork

_WHOLE_BP = 10_000


class InspectionRequest(VersionedRequest):
    """Result of every checklist item; one failed item sends the job back."""

    items: Annotated[dict[Identifier, ItemResult], Field(max_length=60)]


class ChecklistsView(BaseModel):
    """The items to inspect by skill (质检单)."""

    checklists: Mapping[str, Sequence[ChecklistItem]]


async def list_checklists(store_id: str, deps: Deps) -> ChecklistsView:
    """List the items that an inspector checks, by the skill of the job."""
    async with deps.uow_factory.read(store_id) as connection:
        return ChecklistsView(checklists=await _checklists(connection, store_id, deps))


async def inspect_job(
    uow: UnitOfWork, job_id: str, command: InspectionRequest, deps: Deps
) -> JobView:
    """Record an inspection (质检): accept the job or send it back."""
    job = await lock_seen_job(uow, job_id, command.version)
    operations = await deps.operations(uow.connection, [job.op_code])
    checklists = await _checklists(uow.connection, job.store_id, deps)
    failed = failed_items(checklists.get(operations[job.op_code].skill_code, ()), command.items)
    if failed:
        changed, events = await _send_back(uow, job, failed, deps)
    else:
        changed, events = await _accept(uow, job, deps)
    inspection = Inspection(job_id, uow.person, uow.now, not failed, command.items)
    await persistence.save_inspection(uow.connection, job.store_id, inspection)
    return await save_job(uow, changed, events, deps)


async def _checklists(
    connection: Connection, store_id: str, deps: Deps
) -> dict[str, list[ChecklistItem]]:
    """Return the items by skill as they are decided today; a store's own replace the group's."""
    store = await deps.group.store(connection, store_id)
    today = store.local_day(deps.uow_factory.clock.now())
    own, of_group = await deps.group.rules(connection, InspectionChecklistRules, store_id, today)
    return {
        each.skill_code: [ChecklistItem(**dict(item)) for item in each.items]
        for rules in (of_group, own)
        if rules
        for each in rules.skills
    }


async def _accept(uow: UnitOfWork, job: Job, deps: Deps) -> tuple[Job, Sequence[Event]]:
    order_jobs = await persistence.jobs_of_order(uow.connection, job.store_id, job.order_id)
    passed, events = jobs.pass_inspection(job, uow.person, order_jobs, uow.now)
    for event in events:
        if isinstance(event, VehicleReady):
            await record_ready(uow, event, order_jobs, deps)
            await score_promise(uow, order_jobs, deps)
    return passed, events


async def _send_back(
    uow: UnitOfWork, job: Job, failed: Sequence[str], deps: Deps
) -> tuple[Job, Sequence[Event]]:
    rules = await deps.group.rules_today(uow.connection, WorkshopRules, job.store_id)
    sent_back, rework, events = jobs.fail_inspection(
        job,
        uow.person,
        failed,
        rework_job_id=str(new_id()),
        rework_share=rules.rework_share_bp / _WHOLE_BP,
        now=uow.now,
    )
    await persistence.save_jobs(uow, [rework])
    await request_replan(uow, job.store_id)
    return sent_back, events
