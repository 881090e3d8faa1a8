"""Reasons for which the workshop refuses a command."""

from datetime import datetime

from shared.contracts.refusal import Refused


def unknown_operation(operation_id: str) -> Refused:
    return Refused(
        "unknown_code",
        f"{operation_id} is not in the catalogue.",
        field="operations",
        code=operation_id,
    )


def wrong_status(status: str, needed: str) -> Refused:
    return Refused(
        "wrong_status",
        f"The job is {status}; it must be {needed}.",
        field="job_id",
        kind="conflict",
        status=status,
        needed=needed,
    )


def not_your_job(technician_id: str) -> Refused:
    return Refused(
        "not_your_job",
        f"The job is not assigned to {technician_id}.",
        field="job_id",
        kind="forbidden",
    )


def technician_busy(technician_id: str, job_id: str) -> Refused:
    return Refused(
        "technician_busy",
        f"{technician_id} is clocked on another job.",
        field="technician_ids",
        kind="conflict",
        job_id=job_id,
    )


def bay_occupied(bay_id: str, job_id: str) -> Refused:
    return Refused(
        "bay_occupied",
        f"Bay {bay_id} is occupied by another job in progress.",
        field="bay_id",
        kind="conflict",
        job_id=job_id,
    )


def predecessor_open(job_id: str) -> Refused:
    return Refused(
        "predecessor_open",
        "An earlier job of this order is not finished yet.",
        field="job_id",
        kind="conflict",
        job_id=job_id,
    )


def not_qualified(technician_id: str, needed: str) -> Refused:
    return Refused(
        "not_qualified",
        f"{technician_id} lacks {needed}.",
        field="technician_ids",
        needed=needed,
    )


def bay_unsuitable(bay_id: str, needed: str) -> Refused:
    return Refused(
        "bay_unsuitable",
        f"Bay {bay_id} does not offer {needed}.",
        field="bay_id",
        needed=needed,
    )


def unknown(field: str, value: str) -> Refused:
    return Refused(
        f"unknown_{field.removesuffix('_id')}",
        f"There is no {field.removesuffix('_id').replace('_', ' ')} {value} in this store.",
        field=field,
        kind="not_found",
    )


def wrong_count(needed: int) -> Refused:
    return Refused(
        "wrong_number_of_technicians",
        f"The operation needs {needed} technician(s).",
        field="technician_ids",
        needed=needed,
    )


def items_missing() -> Refused:
    return Refused(
        "failed_items_missing",
        "A failed inspection names the items that failed.",
        field="failed_items",
    )


def ends_before_it_begins(field: str) -> Refused:
    return Refused("ends_before_it_begins", "It must end after it begins.", field=field)


def in_the_past(field: str) -> Refused:
    return Refused("in_the_past", "Planned work cannot begin in the past.", field=field)


def no_place(start_at: datetime) -> Refused:
    return Refused(
        "no_place",
        f"Work could begin at {start_at.isoformat()} at the earliest.",
        field="latest_start_at",
        kind="conflict",
        start_at=start_at.isoformat(),
    )
