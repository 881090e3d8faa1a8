"""What technicians and bays are booked for (占用)."""

from dataclasses import dataclass
from datetime import datetime

from services.workshop.domain.job import Assignment


@dataclass(frozen=True)
class ResourceBooking:
    """A technician or a bay is taken from ``starts_at`` until before ``ends_at``."""

    job_id: str
    hold_id: str | None
    resource: str
    starts_at: datetime
    ends_at: datetime


def resources_of(assignment: Assignment) -> list[str]:
    """What an assignment books, in one order for all."""
    return [
        *(f"technician:{technician_id}" for technician_id in sorted(assignment.technician_ids)),
        f"bay:{assignment.bay_id}",
    ]
