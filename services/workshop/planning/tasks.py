"""A store's jobs, holds and bookings as the planner's tasks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from services.workshop.domain.hold import Hold
from services.workshop.domain.job import Assignment, Job, is_wip
from services.workshop.domain.resources import Operation, TechnicianConfig, find_operation
from services.workshop.planning.durations import Durations, Estimate
from services.workshop.planning.model import (
    Bay,
    PlanAssignment,
    PlanTask,
    ReservedTask,
    Stay,
    Technician,
    Workshop,
)
from services.workshop.planning.real_time import minute, moment, next_minute, slot
from services.workshop.planning.wip import MIN_REMAINING_MINUTES

_RUSH_WEIGHT: Final = 3

_FAMILIAR: Final = 0.75
"""Share of the time that rework takes those who did the job before."""

_COMEBACK_WEIGHT: Final = 2
"""Weight of a comeback, so that its customer does not wait again."""


@dataclass(frozen=True)
class RequestedOperation:
    """A requested labor operation, with the id that its job will have."""

    job_id: str
    op_code: str


@dataclass(frozen=True)
class PlanningContext:
    """Context from which tasks of a store's jobs are made.

    The catalog, the store's technicians, the minutes between the end of the work and the customer's
    departure, and the durations learned.
    """

    operations: Mapping[str, Operation]
    members: Sequence[TechnicianConfig]
    delivery_lead_minutes: int
    durations: Durations

    def estimate(self, operation: Operation, standard_hours: float) -> Estimate:
        """Return the estimate for an operation of the given standard hours in this store."""
        return self.durations.estimate(operation.op_code, operation.skill_code, standard_hours * 60)

    def labor(self, op_code: str, standard_hours: float) -> tuple[str, float]:
        """Return the skill of an operation, and its expected hours of technicians."""
        operation = find_operation(self.operations, op_code)
        minutes = self.estimate(operation, standard_hours).minutes
        return operation.skill_code, minutes / 60 * operation.technicians


def workshop_at(
    context: PlanningContext,
    now: datetime,
    technicians: tuple[Technician, ...],
    bays: tuple[Bay, ...],
    jobs: Sequence[Job],
    holds: Sequence[Hold],
) -> Workshop:
    """Return the workshop as planned at ``now``; an order's jobs follow each other by line."""
    in_sequence = sorted(jobs, key=lambda job: (job.order_id, job.line_number, job.opened_at))
    before = {
        job.job_id: earlier.job_id
        for earlier, job in pairwise(in_sequence)
        if earlier.order_id == job.order_id
    }
    return Workshop(
        now=next_minute(now),
        technicians=technicians,
        bays=bays,
        jobs=tuple(task(context, job, before.get(job.job_id), minute(now)) for job in jobs),
        current_plan=tuple(
            PlanAssignment(*slot(job.assignment), job.job_id)
            for job in jobs
            if job.assignment is not None
        ),
        reservations=tuple(each for hold in holds for each in _reservations(context, hold)),
        residual_quantiles=context.durations.residual_quantiles,
    )


def work_since(jobs: Sequence[Job], now: datetime) -> datetime:
    """Return since when work goes on that is in progress ``now``."""
    return min([now, *(job.started_at for job in jobs if job.started_at and is_wip(job))])


def task(context: PlanningContext, job: Job, before: str | None, now: int) -> PlanTask:
    """Return a job as the planner's task; ``before`` is the order's preceding job."""
    operation = find_operation(context.operations, job.op_code)
    fixed_assignment = None
    if is_wip(job) and job.assignment is not None:
        finish = latest_expected_finish(job, moment(now))
        wip = replace(job.assignment, ends_at=finish)
        fixed_assignment = PlanAssignment(*slot(wip), job.job_id)
    estimate = context.estimate(operation, job.standard_hours)
    return PlanTask(
        job_id=job.job_id,
        order_id=job.order_id,
        skill_code=operation.skill_code,
        level=operation.level,
        bay_type=operation.bay_type,
        minutes=estimate.minutes,
        log_stddev=estimate.log_stddev,
        own_minutes=_familiar(context, job, estimate.minutes),
        certificate=operation.certificate,
        technicians_needed=operation.technicians,
        after=(before,) if before else (),
        earliest_start=minute(_not_before(job)),
        parts_eta=next_minute(job.parts_eta) if job.parts_eta else 0,
        promise=minute(job.promised_at) - context.delivery_lead_minutes,
        weight=_weight(job),
        waiting_customer=job.waiting_customer,
        pinned_technicians=job.technician_ids if job.pinned else (),
        pinned_bay=job.bay_id if job.pinned else None,
        forbidden_technicians=frozenset(job.forbidden_technicians),
        fixed_assignment=fixed_assignment,
    )


def requested_tasks(
    context: PlanningContext,
    workshop: Workshop,
    open_jobs: Iterable[Job],
    requested_operations: Sequence[RequestedOperation],
    order_id: str | None,
    not_before: datetime,
) -> list[PlanTask]:
    """Return one order's new work as tasks, one operation after the other.

    Work for an order that is open already follows what is planned and reserved for it.

    Raises:
        RuleViolation: the catalog does not have an operation.
    """
    own = [job for job in open_jobs if job.order_id == order_id]
    reserved = [each for each in workshop.reservations if each.job.order_id == order_id]
    finishes = [job.planned_finish_at for job in own if job.planned_finish_at]
    finishes += [moment(each.slot.finish) for each in reserved]
    earliest_start = minute(max([not_before, *finishes]))
    ahead = [job.job_id for job in sorted(own, key=lambda job: job.line_number)]
    ahead += [each.job.job_id for each in sorted(reserved, key=lambda each: each.slot.start)]
    predecessors = [ahead[-1] if ahead else None, *(each.job_id for each in requested_operations)]
    return [
        _requested_task(context, order_id or "new", requested, before, earliest_start)
        for before, requested in zip(predecessors, requested_operations, strict=False)
    ]


def stay(job: Job) -> Stay:
    """Return where the finished job left the vehicle."""
    starts_at, ends_at = job.started_at or job.opened_at, job.finished_at or job.opened_at
    done = Assignment(job.technician_ids, job.bay_id or "", starts_at, ends_at)
    return Stay(*slot(done), job.order_id)


def latest_expected_finish(job: Job, now: datetime) -> datetime:
    """Return the latest expected finish of work in progress.

    That is the planned one, or a short time from now if that is past.
    """
    planned = job.planned_finish_at or now
    return planned if planned > now else now + timedelta(minutes=MIN_REMAINING_MINUTES)


def _reservations(context: PlanningContext, hold: Hold) -> Iterator[ReservedTask]:
    """Return the hold's jobs in their slots, one after the other."""
    before = None
    for held in hold.jobs:
        reserved = PlanAssignment(*slot(held.assignment), held.job_id)
        requested = RequestedOperation(held.job_id, held.op_code)
        order_id = hold.order_id or hold.hold_id
        job = _requested_task(context, order_id, requested, before, reserved.start)
        yield ReservedTask(job, reserved)
        before = held.job_id


def _requested_task(
    context: PlanningContext,
    order_id: str,
    requested: RequestedOperation,
    before: str | None,
    earliest_start: int,
) -> PlanTask:
    """Return an operation that is not ordered yet as the planner's task."""
    operation = find_operation(context.operations, requested.op_code)
    estimate = context.estimate(operation, operation.standard_hours)
    return PlanTask(
        job_id=requested.job_id,
        order_id=order_id,
        skill_code=operation.skill_code,
        level=operation.level,
        bay_type=operation.bay_type,
        minutes=estimate.minutes,
        log_stddev=estimate.log_stddev,
        certificate=operation.certificate,
        technicians_needed=operation.technicians,
        after=(before,) if before else (),
        earliest_start=earliest_start,
    )


def _familiar(context: PlanningContext, job: Job, minutes: int) -> dict[str, int]:
    """Return the minutes of technicians who know the vehicle from the work that is done again."""
    return {
        member.technician_id: max(1, round(minutes * member.time_factor * _FAMILIAR))
        for member in context.members
        if member.technician_id in job.rework_for
    }


def _not_before(job: Job) -> datetime:
    """Return when a job may begin; a pinned one not before its start when it was pinned."""
    return job.planned_start_at if job.pinned and job.planned_start_at else job.opened_at


def _weight(job: Job) -> int:
    return (_RUSH_WEIGHT if job.rush else 1) * (_COMEBACK_WEIGHT if job.comeback_of else 1)
