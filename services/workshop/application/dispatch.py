"""Manual overrides of the plan (人工干预)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from services.workshop import persistence
from services.workshop.application.assignments import assign_jobs
from services.workshop.application.deps import Deps
from services.workshop.application.expected_finishes import expect_finish
from services.workshop.application.job_views import JobView, view
from services.workshop.application.locked_jobs import lock_seen_job
from services.workshop.application.replanning import request_replan
from services.workshop.domain import dispatch, errors
from services.workshop.domain.dispatch import Override, OverrideKind, OverrideReason
from services.workshop.domain.horizon import require_ahead
from services.workshop.domain.job import Assignment, Job
from services.workshop.domain.reasons import Reason
from services.workshop.domain.resources import Operation, able_technicians, find_technician
from shared.contracts.base import Identifier, Timestamp
from shared.ids import new_id
from shared.request_model import SeenVersion, VersionedRequest
from shared.unit_of_work import UnitOfWork

_DAYS_SHOWN = 7


class OverrideRequest(VersionedRequest):
    """Reason for which the plan is overridden."""

    reason: OverrideReason
    note: Annotated[str, Field(min_length=1, max_length=500)] | None = None


class ReassignmentRequest(OverrideRequest):
    technician_ids: Annotated[list[Identifier], Field(min_length=1, max_length=4)]
    bay_id: Identifier
    starts_at: Timestamp


class TechnicianRequest(OverrideRequest):
    technician_id: Identifier


class SwapJobsRequest(OverrideRequest):
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
    """Effect of manual overrides on lateness.

    ``share`` is the share of the span's ``jobs`` that were overridden. Minutes ``added_min`` and
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


async def reassign_job(
    uow: UnitOfWork, job_id: str, command: ReassignmentRequest, deps: Deps
) -> JobView:
    """Move a planned job (改派) and keep it there."""
    job = await lock_seen_job(uow, job_id, command.version)
    require_ahead("starts_at", command.starts_at, uow.now)
    wanted = await _slot(uow, job, command.technician_ids, command.bay_id, command.starts_at, deps)
    (moved,) = await _move(uow, "move", [(job, wanted)], command, deps)
    return await _view(uow, moved, deps)


async def swap_jobs(uow: UnitOfWork, job_id: str, command: SwapJobsRequest, deps: Deps) -> SwapView:
    """Exchange technicians, bay and start of two planned jobs (互换) and keep them there."""
    dispatch.require_two(job_id, command.other_job_id)
    job = await lock_seen_job(uow, job_id, command.version)
    other = await lock_seen_job(uow, command.other_job_id, command.other_version)
    slot, other_slot = dispatch.current_slot(job), dispatch.current_slot(other)
    there = await _swapped_slot(uow, job, other_slot, deps)
    here = await _swapped_slot(uow, other, slot, deps)
    start, other_start = dispatch.swap_starts(
        (slot, there.ends_at - there.starts_at),
        (other_slot, here.ends_at - here.starts_at),
    )
    there = await _slot(uow, job, there.technician_ids, there.bay_id, start, deps)
    here = await _slot(uow, other, here.technician_ids, here.bay_id, other_start, deps)
    swapped = await _move(uow, "swap", [(job, there), (other, here)], command, deps)
    return SwapView(jobs=[await _view(uow, each, deps) for each in swapped])


async def pin_job(uow: UnitOfWork, job_id: str, command: OverrideRequest, deps: Deps) -> JobView:
    """Pin a planned job to its technicians, bay and start (锁定)."""
    return await _constrain(uow, job_id, "pin", lambda job, _: dispatch.pin(job), command, deps)


async def unpin_job(uow: UnitOfWork, job_id: str, command: OverrideRequest, deps: Deps) -> JobView:
    """Unpin a job (解锁): the planner may move it again."""
    return await _constrain(uow, job_id, "unpin", lambda job, _: dispatch.unpin(job), command, deps)


async def forbid_technician(
    uow: UnitOfWork, job_id: str, command: TechnicianRequest, deps: Deps
) -> JobView:
    """Keep a technician from a planned job (禁派)."""
    workplace = await deps.workplace(uow.connection, uow.store_id)
    members = workplace.members
    find_technician(members, command.technician_id)

    def forbid(job: Job, operation: Operation) -> Job:
        able = able_technicians(operation, members)
        return dispatch.forbid(job, command.technician_id, able, operation.technicians)

    return await _constrain(uow, job_id, "forbid", forbid, command, deps)


async def allow_technician(
    uow: UnitOfWork, job_id: str, command: TechnicianRequest, deps: Deps
) -> JobView:
    """Allow a forbidden technician for a job again (解禁)."""

    workplace = await deps.workplace(uow.connection, uow.store_id)

    def allow(job: Job, _: Operation) -> Job:
        if command.technician_id not in job.forbidden_technicians:
            find_technician(workplace.members, command.technician_id)
        return dispatch.allow(job, command.technician_id)

    return await _constrain(uow, job_id, "allow", allow, command, deps)


async def list_overrides(
    store_id: str, from_day: date | None, to_day: date | None, deps: Deps
) -> OverridesView:
    """List the manual overrides of a span of days, and their effect on lateness.

    The first and the last day are included.
    """
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        last = to_day or store.local_day(deps.uow_factory.clock.now())
        first = from_day or last - timedelta(days=_DAYS_SHOWN - 1)
        if last < first:
            raise errors.ends_before_it_begins("to")
        begin, end = store.day_bounds(first)[0], store.day_bounds(last)[1]
        made = await persistence.overrides_between(connection, store_id, begin, end)
        effect = await persistence.override_effect(connection, store_id, begin, end)
        noted = [(each.override.order_id, each.note) for each in made if each.note]
        texts = iter(await deps.personal.decrypt_all(connection, store_id, noted))
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


async def _slot(
    uow: UnitOfWork,
    job: Job,
    technician_ids: Sequence[str],
    bay_id: str,
    starts_at: datetime,
    deps: Deps,
) -> Assignment:
    """Return the job's slot with this team in this bay from then on, if they can do it."""
    workplace = await deps.workplace(uow.connection, job.store_id)
    operations = await deps.operations(uow.connection, [job.op_code])
    day = workplace.store.local_day(starts_at)
    dispatch.require_assignable(
        job,
        operations[job.op_code],
        technician_ids,
        bay_id,
        workplace.roster.technicians_on(day),
        workplace.roster.bays_on(day),
    )
    ends_at = await expect_finish(uow.connection, job, technician_ids, starts_at, deps)
    return Assignment(tuple(technician_ids), bay_id, starts_at, ends_at)


async def _swapped_slot(uow: UnitOfWork, job: Job, other: Assignment, deps: Deps) -> Assignment:
    """Return the job's slot in place of another one, no earlier than now."""
    starts_at = max(other.starts_at, uow.now)
    return await _slot(uow, job, other.technician_ids, other.bay_id, starts_at, deps)


async def _move(
    uow: UnitOfWork,
    kind: OverrideKind,
    moves: Sequence[tuple[Job, Assignment]],
    command: OverrideRequest,
    deps: Deps,
) -> Sequence[Job]:
    """Move each job to its slot and replan the other work planned there."""
    connection, store_id = uow.connection, uow.store_id
    for job, wanted in moves:
        await persistence.reject_if_reserved(connection, store_id, job.job_id, wanted)
        await persistence.displace(connection, store_id, job.job_id, wanted)
    reason = Reason("override", {"why": command.reason})
    changes = [(replace(job, pinned=True), wanted, reason) for job, wanted in moves]
    moved = await assign_jobs(uow, store_id, changes, uow.person, deps)
    await _record(uow, kind, {job.job_id: job for job, _ in moves}, command, deps)
    return moved


async def _constrain(
    uow: UnitOfWork,
    job_id: str,
    kind: OverrideKind,
    change: Callable[[Job, Operation], Job],
    command: OverrideRequest,
    deps: Deps,
) -> JobView:
    """Set or lift a constraint that the planner has to respect about one job."""
    job = await lock_seen_job(uow, job_id, command.version)
    operations = await deps.operations(uow.connection, [job.op_code])
    (saved,) = await persistence.save_jobs(uow, [change(job, operations[job.op_code])])
    await _record(uow, kind, {job_id: job}, command, deps)
    return view(saved, operations)


async def _record(
    uow: UnitOfWork,
    kind: OverrideKind,
    before: Mapping[str, Job],
    command: OverrideRequest,
    deps: Deps,
) -> None:
    """Record the change and its effect on lateness, and request a replan.

    ``before`` holds the changed jobs as they were, by their ids.
    """
    connection, store_id = uow.connection, uow.store_id
    store = await deps.group.store(connection, store_id)
    for job in before.values():
        after = await persistence.jobs_of_order(connection, store_id, job.order_id)
        earlier = [before.get(each.job_id, each) for each in after]
        override = Override(
            override_id=str(new_id()),
            job_id=job.job_id,
            order_id=job.order_id,
            kind=kind,
            reason=command.reason,
            made_by=uow.person,
            made_at=uow.now,
            late_before_min=dispatch.lateness_min(earlier, store.delivery_lead_minutes),
            late_after_min=dispatch.lateness_min(after, store.delivery_lead_minutes),
            technician_id=command.technician_id if isinstance(command, TechnicianRequest) else None,
        )
        note = await deps.personal.encrypt(connection, store_id, job.order_id, command.note)
        await persistence.add_override(connection, store_id, override, note)
    await request_replan(uow, store_id)


async def _view(uow: UnitOfWork, job: Job, deps: Deps) -> JobView:
    return view(job, await deps.operations(uow.connection, [job.op_code]))


def _totals(made: Sequence[Override], effect: persistence.OverrideEffect) -> OverrideTotals:
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
