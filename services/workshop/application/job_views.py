"""Views of a job (派工单)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import BaseModel

from services.workshop.application.workplace import Operations
from services.workshop.domain.clocking import split_credits
from services.workshop.domain.job import Job, JobStatus, PartsReason
from shared.contracts.workshop import LaborCredit
from shared.request_model import Version


class ReasonView(BaseModel):
    """Reason for a job's last assignment, as a code and values, and its author."""

    code: str
    detail: Mapping[str, str | int]
    by: str


class ClockingView(BaseModel):
    """One technician's clocked time on a job until ``resumed_at``, if they are clocked in."""

    technician_id: str
    clocked_s: int
    resumed_at: datetime | None


class JobView(BaseModel):
    """One job (派工单).

    ``clockings`` are each technician's own time, ``credits`` the standard hours that it earns once
    the job is finished.
    """

    job_id: str
    order_id: str
    op_code: str
    skill_code: str
    status: JobStatus
    technician_ids: Sequence[str]
    bay_id: str | None
    planned_start_at: datetime | None
    planned_finish_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    clocked_s: int
    missed_punches: int
    standard_hours: float
    promised_at: datetime
    waiting_customer: bool
    pinned: bool
    forbidden_technicians: Sequence[str]
    rework_of: str | None
    rush: bool
    parts_eta: datetime | None
    parts_reason: PartsReason | None
    reason: ReasonView | None
    comeback_of: str | None
    clockings: Sequence[ClockingView]
    credits: Sequence[LaborCredit]
    diagnosis: Sequence[str]
    version: Version


_MADE = ("skill_code", "reason", "clockings", "credits")
_VIEW_FIELDS = [name for name in JobView.model_fields if name not in _MADE]


def view(job: Job, operations: Operations) -> JobView:
    """Return the view of a job; ``operations`` have its own."""
    return JobView(
        **{name: getattr(job, name) for name in _VIEW_FIELDS},
        skill_code=operations[job.op_code].skill_code,
        reason=_reason(job),
        clockings=[ClockingView(**dict(each)) for each in job.clockings],
        credits=split_credits(job.earned_hours, job.clockings) if job.finished_at else (),
    )


def _reason(job: Job) -> ReasonView | None:
    if job.reason is None or job.planned_by is None:
        return None
    return ReasonView(code=job.reason.code, detail=dict(job.reason.detail), by=job.planned_by)
