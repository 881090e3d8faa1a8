"""Bookings of technicians and bays (占用)."""

from dataclasses import dataclass
from datetime import datetime

from services.workshop.domain.job import Assignment


@dataclass(frozen=True)
class ResourceBooking:
    """A booking of a technician or a bay from ``starts_at`` until before ``ends_at``."""

    job_id: str
    hold_id: str | None
    resource: str
    starts_at: datetime
    ends_at: datetime


def resources_of(assignment: Assignment) -> list[str]:
    """Return the resources that an assignment books, always in the same order."""
    return [
        *(f"technician:{technician_id}" for technician_id in sorted(assignment.technician_ids)),
        f"bay:{assignment.bay_id}",
    ]
