"""Absences of technicians (缺勤)."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from services.workshop.domain import errors
from services.workshop.domain.job import Assignment
from shared.contracts.workshop import AbsenceCancelled, AbsenceRecorded

AbsenceKind = Literal["leave", "sick", "training", "other"]
"""休假、病假、培训、其他."""


@dataclass(frozen=True)
class Absence:
    """An absence of a technician (缺勤), unless it was cancelled (销假)."""

    absence_id: str
    technician_id: str
    starts_at: datetime
    ends_at: datetime
    kind: AbsenceKind = "other"
    cancelled_at: datetime | None = None

    def cuts(self, assignment: Assignment) -> bool:
        """Return whether the technician is absent when the assignment begins or ends.

        An absence in between does not count: work is planned across one that is known.
        """
        return self.technician_id in assignment.technician_ids and (
            self.starts_at <= assignment.starts_at < self.ends_at
            or self.starts_at < assignment.ends_at <= self.ends_at
        )


def record(store_id: str, absence: Absence, known: Iterable[Absence]) -> AbsenceRecorded:
    """Record a technician as away; ``known`` are absences that end after this one begins.

    Raises:
        RuleViolation: the technician is recorded as away for a part of that time already.
    """
    for other in known:
        if other.technician_id == absence.technician_id and other.starts_at < absence.ends_at:
            raise errors.absence_overlaps(other.absence_id)
    return AbsenceRecorded(
        store_id=store_id,
        technician_id=absence.technician_id,
        starts_at=absence.starts_at,
        ends_at=absence.ends_at,
        kind=absence.kind,
    )


def cancel(store_id: str, absence: Absence, now: datetime) -> tuple[Absence, AbsenceCancelled]:
    """Cancel an absence (销假), so that the technician is available again.

    Raises:
        RuleViolation: it was cancelled before.
    """
    if absence.cancelled_at:
        raise errors.already_cancelled()
    return replace(absence, cancelled_at=now), AbsenceCancelled(
        store_id=store_id,
        technician_id=absence.technician_id,
        starts_at=absence.starts_at,
        ends_at=absence.ends_at,
        cancelled_at=now,
    )
