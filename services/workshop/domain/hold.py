"""Capacity holds (产能预留)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.workshop.domain.absence import Absence
from services.workshop.domain.job import Assignment
from shared.contracts.management import AppointmentRules, PromiseRules


@dataclass(frozen=True)
class HeldJob:
    """A job that a hold reserves; the job keeps its id when it is ordered."""

    job_id: str
    op_code: str
    assignment: Assignment


@dataclass(frozen=True)
class Hold:
    """Reserved capacity (产能预留) that an order confirms before it expires.

    ``calibrated_at`` is the end of the work that holds with just the ``confidence``,
    ``expected_at`` the median one, ``spread_minutes`` the working minutes from there to the end
    that nine in ten cases do not exceed. ``made_by`` is the colleague who reserved it, None where a
    service did for an appointment that had waited. ``order_id`` is the open order whose additional
    work it is for, None for an order that is not open yet.
    """

    hold_id: str
    store_id: str
    status: str
    expires_at: datetime
    promised_at: datetime
    confidence: float
    expected_at: datetime
    spread_minutes: float
    jobs: tuple[HeldJob, ...]
    made_by: str | None
    made_at: datetime | None
    order_id: str | None
    calibrated_at: datetime

    def covers(self, op_codes: Sequence[str]) -> bool:
        """Return whether it is active and covers these operations in this order."""
        wanted = [job.op_code for job in self.jobs]
        return self.status == "held" and wanted == list(op_codes)

    def is_cut(self, absences: Iterable[Absence]) -> bool:
        """Return whether one of its jobs begins or ends while a technician of it is absent."""
        slots = [job.assignment for job in self.jobs]
        return any(absence.cuts(slot) for absence in absences for slot in slots)

    def with_status(self, status: str) -> "Hold":
        return replace(self, status=status)


def expiry(
    now: datetime,
    appointment_at: datetime | None,
    promises: PromiseRules,
    appointments: AppointmentRules,
) -> datetime:
    """Return when a hold made ``now`` expires.

    That is soon, but not before a customer with an appointment may have come.
    """
    expires_at = now + timedelta(minutes=promises.hold_minutes)
    if appointment_at is None:
        return expires_at
    return max(expires_at, appointment_at + timedelta(minutes=appointments.hold_grace_minutes))
