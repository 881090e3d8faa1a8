"""Manual overrides of the plan (人工派工)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.workshop import persistence
from services.workshop.application import plan_changes
from services.workshop.application.planner import Planner
from services.workshop.clients.config import Operation, WorkshopConfig
from services.workshop.domain import dispatch, errors
from services.workshop.domain.dispatch import Override, OverrideKind, OverrideReason
from services.workshop.domain.horizon import check_ahead
from services.workshop.domain.job import Assignment, Job
from services.workshop.domain.reasons import Reason
from services.workshop.entrypoints.http.common import (
    Dispatcher,
    JobView,
    config_of,
    personal_of,
    planner_of,
    view,
)
from services.workshop.persistence import overrides
from shared.commands import CommandContext
from shared.contracts.base import Identifier, Moment
from shared.contracts.violations import unknown
from shared.db import transaction
from shared.duties import serves
from shared.group import CalendarDay
from shared.ids import new_id
from shared.personal_data import PersonalData
from shared.request_model import Seen, SeenVersion
from shared.routing import Router
from shared.security import Principal, require_roles
from shared.unit_of_work import UnitOfWork

router = Router(prefix="/stores/{store_id}")

Overseer = Annotated[Principal, Depends(require_roles("dispatcher", "manager", "group_manager"))]

_DAYS_SHOWN = 7


class OverrideRequest(Seen):
    """Why the plan is overridden."""

    reason: OverrideReason
    note: Annotated[str, Field(min_length=1, max_length=500)] | None = None


class ReassignmentBody(OverrideRequest):
    technician_ids: Annotated[list[Identifier], Field(min_length=1, max_length=4)]
    bay_id: Identifier
    start_at: Moment


class TechnicianBody(OverrideRequest):
    technician_id: Identifier


class SwapBody(OverrideRequest):
    other_job_id: Identifier
    other_version: SeenVersion


class SwapView(BaseModel):
    """Two jobs that have swapped their slots."""

    jobs: Sequence[JobView]


class OverrideView(BaseModel):
    """A manual override (人工干预).

    ``late_*_min`` are minutes past the order's promise: as planned before and after the change,
    and ``late_actual_min`` once the vehicle was ready.
    """

    override_id: str
    job_id: str
    order_id: str
    queue_number: int | None
    kind: OverrideKind
    reason: OverrideReason
    technician_id: str | None
    note: str | None
    made_by: str
    made_at: datetime
    late_before_min: int
    late_after_min: int
    late_actual_min: int | None


class OverrideTotals(BaseModel):
    """What manual overrides did to lateness.

    ``share`` is that of the span's ``jobs`` which were overridden. Minutes ``added_min`` and
    ``saved_min`` are as planned; the means are actual lateness of orders ready in the span.
    """

    count: int
    jobs: int
    overridden_jobs: int
    share: float
    added_min: int
    saved_min: int
    late_overridden_min: float | None
    late_untouched_min: float | None


class OverridesView(BaseModel):
    overrides: Sequence[OverrideView]
    totals: OverrideTotals


@router.post(
    "/jobs/{job_id}/reassignment",
    response_model=JobView,
    tags=["dispatch"],
    openapi_extra=serves("R12"),
)
async def reassign_job(
    request: Request, job_id: str, body: ReassignmentBody, command: Dispatcher
) -> JSONResponse:
    """Move a planned job (改派) and keep it there."""

    async def use_case(uow: UnitOfWork) -> BaseModel:
        context = _OverrideContext.of(request, uow, command, body)
        job = await context.lock_seen_job(job_id, body.version)
        if body.start_at < uow.now:
            raise errors.in_the_past("start_at")
        check_ahead("start_at", body.start_at, uow.now)
        people = tuple(body.technician_ids)
        wanted = await context.slot(job, people, body.bay_id, body.start_at)
        (moved,) = await context.move("move", [(job, wanted)])
        return view(moved, context.config)

    return await command.run(use_case)


@router.post(
    "/jobs/{job_id}/swap",
    response_model=SwapView,
    tags=["dispatch"],
    openapi_extra=serves("R12"),
)
async def swap_jobs(
    request: Request, job_id: str, body: SwapBody, command: Dispatcher
) -> JSONResponse:
    """Exchange technicians, bay and start of two planned jobs (互换) and keep them there."""
    if body.other_job_id == job_id:
        raise errors.swapped_with_itself()

    async def use_case(uow: UnitOfWork) -> BaseModel:
        context = _OverrideContext.of(request, uow, command, body)
        job = await context.lock_seen_job(job_id, body.version)
        other = await context.lock_seen_job(body.other_job_id, body.other_version)
        slot, other_slot = dispatch.current_slot(job), dispatch.current_slot(other)
        there, here = (
            await context.swapped_slot(job, other_slot),
            await context.swapped_slot(other, slot),
        )
        start, other_start = dispatch.swap_starts(
            (slot, there.finish_at - there.start_at),
            (other_slot, here.finish_at - here.start_at),
        )
        there = await context.slot(job, there.technician_ids, there.bay_id, start)
        here = await context.slot(other, here.technician_ids, here.bay_id, other_start)
        swapped = await context.move("swap", [(job, there), (other, here)])
        return SwapView(jobs=[view(each, context.config) for each in swapped])

    return await command.run(use_case)


@router.post(
    "/jobs/{job_id}/pin", response_model=JobView, tags=["dispatch"], openapi_extra=serves("R12")
)
async def pin_job(
    request: Request, job_id: str, body: OverrideRequest, command: Dispatcher
) -> JSONResponse:
    """Keep a planned job where it is (锁定)."""
    return await _set_constraint(request, command, job_id, body, "pin", dispatch.pin)


@router.post(
    "/jobs/{job_id}/unpin",
    response_model=JobView,
    tags=["dispatch"],
    openapi_extra=serves("R12"),
)
async def unpin_job(
    request: Request, job_id: str, body: OverrideRequest, command: Dispatcher
) -> JSONResponse:
    """Unpin a job (解锁): the planner may move it again."""
    return await _set_constraint(request, command, job_id, body, "unpin", dispatch.unpin)


@router.post(
    "/jobs/{job_id}/forbid", response_model=JobView, tags=["dispatch"], openapi_extra=serves("R12")
)
async def forbid_technician(
    request: Request, job_id: str, body: TechnicianBody, command: Dispatcher
) -> JSONResponse:
    """Keep a technician from a planned job (禁派)."""
    config = config_of(request)
    _require_member(config, command.store_id, body.technician_id)

    def forbid(job: Job) -> Job:
        operation = config.operation(job.operation_id)
        able = [
            member.technician_id
            for member in config.members[command.store_id]
            if not _lacks(config, command.store_id, operation, member.technician_id)
        ]
        return dispatch.forbid(job, body.technician_id, able, operation.technicians)

    return await _set_constraint(request, command, job_id, body, "forbid", forbid)


@router.post(
    "/jobs/{job_id}/allow", response_model=JobView, tags=["dispatch"], openapi_extra=serves("R12")
)
async def allow_technician(
    request: Request, job_id: str, body: TechnicianBody, command: Dispatcher
) -> JSONResponse:
    """Take back that a technician is kept from a job (解禁)."""
    _require_member(config_of(request), command.store_id, body.technician_id)
    return await _set_constraint(
        request,
        command,
        job_id,
        body,
        "allow",
        lambda job: dispatch.allow(job, body.technician_id),
    )


@router.get("/overrides", tags=["dispatch"], openapi_extra=serves("R12", "R18"))
async def list_overrides(
    request: Request,
    store_id: str,
    _: Overseer,
    from_day: Annotated[CalendarDay | None, Query(alias="from")] = None,
    to_day: Annotated[CalendarDay | None, Query(alias="to")] = None,
) -> OverridesView:
    """List the manual overrides from one day to another, both included, and their effect on
    lateness."""
    place = config_of(request).stores[store_id]
    last = to_day or place.local_day(request.app.state.service.clock.now())
    first = from_day or last - timedelta(days=_DAYS_SHOWN - 1)
    if last < first:
        raise errors.ends_before_it_begins("to")
    begin, end = place.day_bounds(first)[0], place.day_bounds(last)[1]
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        made = await overrides.between(connection, store_id, begin, end)
        effect = await overrides.effect(connection, store_id, begin, end)
        noted = [(each.override.order_id, each.note) for each in made if each.note]
        texts = iter(await personal_of(request).decrypt_all(connection, store_id, noted))
    return OverridesView(
        overrides=[
            OverrideView(
                **vars(each.override),
                queue_number=each.queue_number,
                note=next(texts) if each.note else None,
                late_actual_min=each.late_actual_min,
            )
            for each in made
        ],
        totals=_totals([each.override for each in made], effect),
    )


@dataclass(frozen=True)
class _OverrideContext:
    """One manual override in its unit of work."""

    uow: UnitOfWork
    command: CommandContext
    body: OverrideRequest
    planner: Planner
    personal: PersonalData

    @classmethod
    def of(
        cls, request: Request, uow: UnitOfWork, command: CommandContext, body: OverrideRequest
    ) -> "_OverrideContext":
        return cls(uow, command, body, planner_of(request), personal_of(request))

    @property
    def config(self) -> WorkshopConfig:
        return self.planner.config

    @property
    def store_id(self) -> str:
        return self.command.store_id

    async def lock_seen_job(self, job_id: str, version: str) -> Job:
        """Lock the plan and return the job, if it is as it was seen."""
        await persistence.lock_plan(self.uow.connection, self.store_id)
        job = await persistence.read_job(self.uow.connection, self.store_id, job_id)
        dispatch.require_seen(job, version)
        return job

    async def slot(
        self, job: Job, technician_ids: Sequence[str], bay_id: str, start_at: datetime
    ) -> Assignment:
        """Return the job's slot with these people in this bay from then on, if they can do it."""
        _check_override(self.config, job, technician_ids, bay_id)
        absences = await persistence.absences_after(
            self.uow.connection, self.store_id, self.uow.now
        )
        finish_at = self.planner.expected_finish(job, technician_ids, start_at, absences)
        return Assignment(tuple(technician_ids), bay_id, start_at, finish_at)

    async def swapped_slot(self, job: Job, other: Assignment) -> Assignment:
        """Return the job's slot in the place of another one, no earlier than now."""
        start_at = max(other.start_at, self.uow.now)
        return await self.slot(job, other.technician_ids, other.bay_id, start_at)

    async def move(
        self, kind: OverrideKind, moves: Sequence[tuple[Job, Assignment]]
    ) -> Sequence[Job]:
        """Move each job to its slot; whatever else is planned there is replanned."""
        connection = self.uow.connection
        for job, wanted in moves:
            await persistence.reject_if_reserved(connection, self.store_id, job.job_id, wanted)
            await persistence.displace(connection, self.store_id, job.job_id, wanted)
        reason = Reason("override", {"why": self.body.reason})
        moved = await plan_changes.assign_jobs(
            self.uow,
            self.store_id,
            [(replace(job, pinned=True), wanted, reason) for job, wanted in moves],
            handover=self.planner.handover(self.store_id),
            by=self.command.principal.subject,
            causation=self.command.causation,
        )
        await self.record(kind, {job.job_id: job for job, _ in moves})
        return moved

    async def record(
        self, kind: OverrideKind, before: Mapping[str, Job], technician_id: str | None = None
    ) -> None:
        """Keep what was changed and what it does to lateness; have the rest replanned.

        ``before`` are the changed jobs as they were, by their ids.
        """
        connection = self.uow.connection
        handover_min = self.config.stores[self.store_id].handover_minutes
        for job in before.values():
            after = await persistence.jobs_of_order(connection, self.store_id, job.order_id)
            earlier = [before.get(each.job_id, each) for each in after]
            override = Override(
                override_id=str(new_id()),
                job_id=job.job_id,
                order_id=job.order_id,
                kind=kind,
                reason=self.body.reason,
                made_by=self.command.principal.subject,
                made_at=self.uow.now,
                late_before_min=dispatch.lateness_min(earlier, handover_min),
                late_after_min=dispatch.lateness_min(after, handover_min),
                technician_id=technician_id,
            )
            note = await self.personal.encrypt(
                connection, self.store_id, job.order_id, self.body.note
            )
            await overrides.add(connection, self.store_id, override, note)
        await plan_changes.request_replan(self.uow, self.store_id, self.command.causation)


async def _set_constraint(
    request: Request,
    command: CommandContext,
    job_id: str,
    body: OverrideRequest,
    kind: OverrideKind,
    change: Callable[[Job], Job],
) -> JSONResponse:
    """Set or lift a constraint that the planner has to respect about one job."""

    async def use_case(uow: UnitOfWork) -> BaseModel:
        context = _OverrideContext.of(request, uow, command, body)
        job = await context.lock_seen_job(job_id, body.version)
        (saved,) = await persistence.save_jobs(uow, [change(job)])
        technician_id = body.technician_id if isinstance(body, TechnicianBody) else None
        await context.record(kind, {job_id: job}, technician_id)
        return view(saved, context.config)

    return await command.run(use_case)


def _check_override(
    config: WorkshopConfig, job: Job, technician_ids: Sequence[str], bay_id: str
) -> None:
    """Refuse people who cannot or may not do the job and bays that do not fit."""
    operation = config.operation(job.operation_id)
    if len(set(technician_ids)) != operation.technicians:
        raise errors.wrong_count(operation.technicians)
    for technician_id in technician_ids:
        _require_member(config, job.store_id, technician_id)
        if lacking := _lacks(config, job.store_id, operation, technician_id):
            raise errors.not_qualified(technician_id, lacking)
        if technician_id in job.forbidden_technicians:
            raise errors.technician_forbidden(technician_id)
    bays = {bay.bay_id: bay for bay in config.bays[job.store_id]}
    if bay_id not in bays:
        raise unknown("bay_id", bay_id)
    if operation.bay_type not in bays[bay_id].capabilities:
        raise errors.bay_unsuitable(bay_id, operation.bay_type)


def _require_member(config: WorkshopConfig, store_id: str, technician_id: str) -> None:
    members = {member.technician_id for member in config.members[store_id]}
    if technician_id not in members:
        raise unknown("technician_id", technician_id)


def _lacks(
    config: WorkshopConfig, store_id: str, operation: Operation, technician_id: str
) -> str | None:
    """The skill or certificate that the operation wants and the technician lacks."""
    member = next(each for each in config.members[store_id] if each.technician_id == technician_id)
    if member.skills.get(operation.trade, 0) < operation.level:
        return f"{operation.trade} {operation.level}"
    if operation.certificate and operation.certificate not in member.certificates:
        return operation.certificate
    return None


def _totals(made: Sequence[Override], effect: overrides.Effect) -> OverrideTotals:
    changes = [each.late_after_min - each.late_before_min for each in made]
    return OverrideTotals(
        count=len(made),
        jobs=effect.jobs,
        overridden_jobs=effect.overridden,
        share=effect.overridden / effect.jobs if effect.jobs else 0.0,
        added_min=sum(max(0, change) for change in changes),
        saved_min=sum(max(0, -change) for change in changes),
        late_overridden_min=effect.late_overridden_min,
        late_untouched_min=effect.late_untouched_min,
    )
