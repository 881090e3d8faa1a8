"""Reasons for which the workshop refuses a command.

A conflict names the colleague who was first and when, ``by`` and ``at``; None where no colleague
was.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from shared.contracts.violations import RuleViolation

_INFEASIBLE: Final = {
    "no_skill": "no technician here has the skill {skill_code} at level {level}",
    "no_certificate": "no technician here holds the certificate {certificate}",
    "no_bay": "there is no bay of type {bay_type} here",
    "too_few_technicians": "fewer technicians than the operation needs have the skill",
    "pin_unfit": "the pinned technician or bay cannot do it",
    "forbidden": "all technicians who could do it are excluded",
    "no_time": "there is no time left for it within the planning horizon",
    "predecessor": "an earlier job of the order cannot be planned",
}


def wrong_status(status: str, needed: str, by: str | None, at: datetime | None) -> RuleViolation:
    return RuleViolation(
        "wrong_status",
        f"The job is {status}; it must be {needed}.",
        field="job_id",
        kind="conflict",
        status=status,
        needed=needed,
        **_first(by, at),
    )


def not_your_job(technician_id: str) -> RuleViolation:
    return RuleViolation(
        "not_your_job",
        f"The job is not assigned to {technician_id}.",
        field="job_id",
        kind="forbidden",
    )


def not_clocked_in(technician_id: str) -> RuleViolation:
    return RuleViolation(
        "not_clocked_in",
        f"{technician_id} is not clocked in on this job.",
        field="job_id",
        kind="conflict",
    )


def technician_busy(technician_id: str, job_id: str) -> RuleViolation:
    return RuleViolation(
        "technician_busy",
        f"{technician_id} is clocked in on another job.",
        field="technician_ids",
        kind="conflict",
        job_id=job_id,
    )


def bay_occupied(bay_id: str, job_id: str, by: str | None, at: datetime | None) -> RuleViolation:
    return RuleViolation(
        "bay_occupied",
        f"Bay {bay_id} is occupied by another job in progress.",
        field="bay_id",
        kind="conflict",
        job_id=job_id,
        **_first(by, at),
    )


def predecessor_open(job_id: str) -> RuleViolation:
    return RuleViolation(
        "predecessor_open",
        "An earlier job of this order is not finished yet.",
        field="job_id",
        kind="conflict",
        job_id=job_id,
    )


def not_qualified(technician_id: str, needed: str) -> RuleViolation:
    return RuleViolation(
        "not_qualified",
        f"{technician_id} lacks {needed}.",
        field="technician_ids",
        needed=needed,
    )


def bay_unsuitable(bay_id: str, needed: str) -> RuleViolation:
    return RuleViolation(
        "bay_unsuitable",
        f"Bay {bay_id} does not offer {needed}.",
        field="bay_id",
        needed=needed,
    )


def not_yet_assigned() -> RuleViolation:
    return RuleViolation(
        "not_yet_assigned",
        "The job has no technician and bay yet.",
        field="job_id",
        kind="conflict",
    )


def technician_forbidden(technician_id: str) -> RuleViolation:
    return RuleViolation(
        "technician_forbidden",
        f"{technician_id} is excluded from this job.",
        field="technician_ids",
        kind="conflict",
        technician_id=technician_id,
    )


def too_few_technicians_left(technician_id: str) -> RuleViolation:
    return RuleViolation(
        "too_few_technicians_left",
        f"Without {technician_id} too few remain who can do the job.",
        field="technician_id",
        kind="conflict",
    )


def capacity_held(resource: str, by: str | None, at: datetime | None) -> RuleViolation:
    return RuleViolation(
        "capacity_held",
        f"{resource} is reserved for a customer at that time.",
        field="starts_at",
        kind="conflict",
        resource=resource,
        **_first(by, at),
    )


def swapped_with_itself() -> RuleViolation:
    return RuleViolation("same_job", "A job cannot be swapped with itself.", field="other_job_id")


def wrong_count(needed: int) -> RuleViolation:
    return RuleViolation(
        "wrong_number_of_technicians",
        f"The operation needs {needed} technician(s).",
        field="technician_ids",
        needed=needed,
    )


def items_missing(missing: Sequence[str]) -> RuleViolation:
    return RuleViolation(
        "items_missing",
        f"These items are not answered: {', '.join(missing)}.",
        field="items",
        missing=list(missing),
    )


def items_unknown(unknown: Sequence[str]) -> RuleViolation:
    return RuleViolation(
        "items_unknown",
        f"These items are not on the checklist: {', '.join(unknown)}.",
        field="items",
        unknown=list(unknown),
    )


def critical_items_skipped(critical: Sequence[str]) -> RuleViolation:
    return RuleViolation(
        "critical_items_apply",
        f"These critical items must be inspected: {', '.join(critical)}.",
        field="items",
        critical=list(critical),
    )


def self_inspection(inspector_id: str) -> RuleViolation:
    return RuleViolation(
        "self_inspection",
        f"{inspector_id} did this job and cannot inspect it.",
        field="job_id",
        kind="forbidden",
    )


def ends_before_it_begins(field: str) -> RuleViolation:
    return RuleViolation("ends_before_it_begins", "It must end after it begins.", field=field)


def absence_overlaps(absence_id: str) -> RuleViolation:
    return RuleViolation(
        "absence_overlaps",
        "The technician is already recorded as away for a part of that time.",
        field="starts_at",
        kind="conflict",
        absence_id=absence_id,
    )


def already_cancelled() -> RuleViolation:
    return RuleViolation(
        "already_cancelled",
        "The absence was already cancelled.",
        field="absence_id",
        kind="conflict",
    )


def in_the_future(field: str) -> RuleViolation:
    return RuleViolation("in_the_future", "Clocked time cannot be in the future.", field=field)


def before_the_order() -> RuleViolation:
    return RuleViolation(
        "before_the_order", "Work cannot begin before it was ordered.", field="started_at"
    )


def nothing_corrected() -> RuleViolation:
    return RuleViolation(
        "nothing_corrected",
        "The corrected time is the same as the recorded one.",
        field="started_at",
    )


def no_working_time() -> RuleViolation:
    return RuleViolation(
        "no_working_time", "The job's pauses leave no working time.", field="started_at"
    )


def clock_overlaps(field: str, job_id: str) -> RuleViolation:
    return RuleViolation(
        "clock_overlaps",
        "Another job of the technician, the bay or the vehicle was clocked at that time.",
        field=field,
        kind="conflict",
        job_id=job_id,
    )


def in_the_past(field: str) -> RuleViolation:
    return RuleViolation("in_the_past", "Planned work cannot begin in the past.", field=field)


def too_far_ahead(field: str, days: int) -> RuleViolation:
    return RuleViolation(
        "too_far_ahead", f"This is more than {days} days ahead.", field=field, days=days
    )


def no_capacity(
    starts_at: datetime, by: str | None = None, at: datetime | None = None
) -> RuleViolation:
    return RuleViolation(
        "no_capacity",
        f"Work could begin at {starts_at.isoformat()} at the earliest.",
        field="latest_start_at",
        kind="conflict",
        starts_at=starts_at.isoformat(),
        **_first(by, at),
    )


def cannot_promise(
    op_code: str, code: str, detail: Mapping[str, str | int], elsewhere: Mapping[str, int]
) -> RuleViolation:
    """Return a refusal to promise; ``elsewhere`` are other stores that can do it.

    Each comes with the number of its technicians.
    """
    reason = _INFEASIBLE[code].format_map(defaultdict(str, detail))
    return RuleViolation(
        code,
        f"{op_code} cannot be promised: {reason}.",
        field="op_codes",
        kind="conflict",
        op_code=op_code,
        elsewhere=[
            {"store_id": store_id, "technicians": capable}
            for store_id, capable in elsewhere.items()
        ],
        **dict(detail),
    )


def promise_later(promised_at: datetime) -> RuleViolation:
    return RuleViolation(
        "promise_later",
        f"The work can be promised for {promised_at.isoformat()} at the earliest.",
        field="latest_promise_at",
        kind="conflict",
        promised_at=promised_at.isoformat(),
    )


def _first(by: str | None, at: datetime | None) -> dict[str, str | None]:
    return {"by": by, "at": at.isoformat() if at else None}
