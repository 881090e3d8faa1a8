"""Manual overrides (人工干预): jobs moved, pinned, swapped or forbidden to technicians."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from services.workshop.domain import errors
from services.workshop.domain.job import Assignment, Job
from services.workshop.domain.resources import (
    BayConfig,
    Operation,
    TechnicianConfig,
    find_bay,
    find_technician,
    is_suitable,
    missing_qualification,
)
from shared.contracts.versioned import require_version

OverrideKind = Literal["move", "pin", "unpin", "forbid", "allow", "swap"]
"""改派、锁定、解锁、禁派、解禁、互换."""

OverrideReason = Literal[
    "customer_request",
    "skill",
    "shift_handover",
    "workload",
    "bay",
    "vehicle",
    "training",
    "other",
]
"""客户要求、技能、交接班、工作量、工位、车辆、带教、其他."""


@dataclass(frozen=True)
class Override:
    """A manual override (人工干预), with the order's expected lateness before and after it.

    ``late_*_min`` are the minutes past the order's promise, 0 when it would be kept.
    """

    override_id: str
    job_id: str
    order_id: str
    kind: OverrideKind
    reason: OverrideReason
    made_by: str
    made_at: datetime
    late_before_min: int
    late_after_min: int
    technician_id: str | None = None


def require_seen(job: Job, seen: str) -> None:
    """Refuse to decide on a job that has changed since the caller has seen it.

    The violation's values are the job's present state.
    """
    require_version(
        job,
        seen,
        job_id=job.job_id,
        status=job.status,
        technician_ids=list(job.technician_ids),
        bay_id=job.bay_id,
        planned_start_at=_text(job.planned_start_at),
        planned_finish_at=_text(job.planned_finish_at),
        pinned=job.pinned,
    )


def require_assignable(
    job: Job,
    operation: Operation,
    technician_ids: Sequence[str],
    bay_id: str,
    members: Sequence[TechnicianConfig],
    bays: Sequence[BayConfig],
) -> None:
    """Refuse technicians who cannot or may not do the job and bays that do not fit.

    ``members`` and ``bays`` are those of the store.
    """
    if len(set(technician_ids)) != operation.technicians:
        raise errors.wrong_count(operation.technicians)
    for technician_id in technician_ids:
        member = find_technician(members, technician_id)
        if lacking := missing_qualification(operation, member):
            raise errors.not_qualified(technician_id, lacking)
        if technician_id in job.forbidden_technicians:
            raise errors.technician_forbidden(technician_id)
    if not is_suitable(operation, find_bay(bays, bay_id)):
        raise errors.bay_unsuitable(bay_id, operation.bay_type)


def require_two(job_id: str, other_job_id: str) -> None:
    """Refuse to swap a job with itself."""
    if other_job_id == job_id:
        raise errors.swapped_with_itself()


def pin(job: Job) -> Job:
    """Pin the job to its technicians, its bay and its earliest start (锁定)."""
    current_slot(job)
    return replace(job, pinned=True)


def unpin(job: Job) -> Job:
    """Let the planner move the job again (解锁)."""
    _require_planned(job)
    return replace(job, pinned=False)


def forbid(job: Job, technician_id: str, able: Iterable[str], needed: int) -> Job:
    """Forbid a technician for the job (禁派), and unpin it if it is pinned to them.

    ``able`` are the technicians who could do it, of whom ``needed`` must remain.
    """
    _require_planned(job)
    forbidden = {*job.forbidden_technicians, technician_id}
    if len(set(able) - forbidden) < needed:
        raise errors.too_few_technicians_left(technician_id)
    return replace(
        job,
        forbidden_technicians=tuple(sorted(forbidden)),
        pinned=job.pinned and technician_id not in job.technician_ids,
    )


def allow(job: Job, technician_id: str) -> Job:
    """Allow a forbidden technician for the job again (解禁)."""
    _require_planned(job)
    left = tuple(each for each in job.forbidden_technicians if each != technician_id)
    return replace(job, forbidden_technicians=left)


def current_slot(job: Job) -> Assignment:
    """Return the slot of a job that has not begun.

    Raises:
        RuleViolation: it has begun, or the planner has not found a slot for it yet.
    """
    _require_planned(job)
    if job.assignment is None:
        raise errors.not_yet_assigned()
    return job.assignment


def is_swappable(job: Job) -> bool:
    """Return whether the job may be swapped: it has a slot and has not begun."""
    return job.status == "planned" and job.assignment is not None


def swap_starts(
    first: tuple[Assignment, timedelta], second: tuple[Assignment, timedelta]
) -> tuple[datetime, datetime]:
    """Return when two jobs begin that swap their slots (互换).

    Given each job's slot and how long it would take in the other's: each begins when the other
    would have, or, where they would overlap, when the earlier of them is done.
    """
    (slot, length), (other, other_length) = first, second
    start, other_start = other.starts_at, slot.starts_at
    if slot.bay_id == other.bay_id or set(slot.technician_ids) & set(other.technician_ids):
        if start <= other_start:
            other_start = max(other_start, start + length)
        else:
            start = max(start, other_start + other_length)
    return start, other_start


def lateness_min(order_jobs: Sequence[Job], delivery_lead_min: int) -> int:
    """Return the minutes past its promise at which an order would be handed over; 0 if kept.

    ``delivery_lead_min`` lie between the end of the work and the customer's departure.
    """
    finishes = [
        finish
        for job in order_jobs
        if job.status != "cancelled"
        and (finish := job.finished_at or job.planned_finish_at) is not None
    ]
    if not finishes:
        return 0
    late = max(finishes) + timedelta(minutes=delivery_lead_min) - order_jobs[0].promised_at
    return max(0, int(late.total_seconds() // 60))


def ready_lateness_min(
    order_jobs: Sequence[Job], delivery_lead_min: int, ready_at: datetime
) -> int:
    """Return the minutes past its promise at which an order's vehicle was ready."""
    waited = ready_at - order_jobs[0].promised_at
    return max(lateness_min(order_jobs, delivery_lead_min), int(waited.total_seconds() // 60))


def _require_planned(job: Job) -> None:
    if job.status != "planned":
        raise errors.wrong_status(job.status, "planned", job.changed_by, job.changed_at)


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
