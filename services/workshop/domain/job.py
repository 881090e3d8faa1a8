"""A job (派工单): one labor operation of an order in the workshop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from services.workshop.domain import errors
from services.workshop.domain.clocking import (
    Clockings,
    clock_in,
    clock_out,
    clocked_in,
    split_credits,
)
from services.workshop.domain.reasons import Reason, why_planned
from shared.contracts.reception import AdditionalWorkAuthorized, OrderOpened
from shared.contracts.versioned import Versioned
from shared.contracts.workshop import (
    AdditionalWorkRecommended,
    DiagnosisRecorded,
    JobAssigned,
    JobFinished,
    JobPaused,
    JobReassigned,
    JobResumed,
    JobStarted,
    JobStopped,
    QualityInspectionFailed,
    QualityInspectionPassed,
    VehicleReady,
)

JobStatus = Literal[
    "planned", "in_progress", "paused", "finished", "passed", "failed", "stopped", "cancelled"
]
"""待开工、施工中、已暂停、待质检、质检合格、质检不合格、已中止、已取消."""

WorkState = Literal["open", "begun", "finished"]
"""未开工、已开工、已完工."""

PauseReason = Literal[
    "break", "waiting_part", "waiting_customer", "other_job", "tool", "end_of_shift"
]
"""休息、等备件、等客户、其他任务、等工具设备、下班."""

PartsReason = Literal["ordered", "delayed", "wrong_part", "arrived"]
"""订货在途、到货延误、错件重订、已到货."""

_WIP = ("in_progress", "paused")
_UNFINISHED = ("planned", *_WIP)
_ENDED = ("passed", "failed", "stopped", "cancelled")


@dataclass(frozen=True)
class Assignment:
    """Technicians, bay and time of a job (派工)."""

    technician_ids: tuple[str, ...]
    bay_id: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Job(Versioned):
    """One labor operation of an order in the workshop (派工单).

    ``line_number`` is its position among the order's jobs; ``clocked_s`` leaves pauses out. It is
    in progress while a technician works on it, and ``clockings`` are each one's own time.

    ``parts_eta`` is when its last part is expected (到料), ``rush`` a customer's request to hurry
    (加急), ``reason`` and ``planned_by`` say why and by whom it was last given its slot.
    ``rework_of`` is the job that it does again and ``rework_for`` are the technicians of that job,
    ``comeback_of`` is the earlier order of a comeback. ``missed_punches`` counts how often its
    clock was closed automatically, ``diagnosis`` which symptoms were found.
    """

    job_id: str
    store_id: str
    order_id: str
    line_number: int
    op_code: str
    standard_hours: float
    status: JobStatus
    promised_at: datetime
    opened_at: datetime
    technician_ids: tuple[str, ...] = ()
    bay_id: str | None = None
    planned_start_at: datetime | None = None
    planned_finish_at: datetime | None = None
    waiting_customer: bool = False
    pinned: bool = False
    forbidden_technicians: tuple[str, ...] = ()
    started_at: datetime | None = None
    resumed_at: datetime | None = None
    clocked_s: int = 0
    finished_at: datetime | None = None
    rework_of: str | None = None
    rework_for: tuple[str, ...] = ()
    comeback_of: str | None = None
    missed_punches: int = 0
    diagnosis: tuple[str, ...] = ()
    parts_eta: datetime | None = None
    parts_reason: PartsReason | None = None
    rush: bool = False
    reason: Reason | None = None
    planned_by: str | None = None
    clockings: Clockings = ()

    @property
    def earned_hours(self) -> float:
        """Standard hours that its technicians are credited; stopped work earns none."""
        return 0.0 if self.status == "stopped" else self.standard_hours

    @property
    def assignment(self) -> Assignment | None:
        if self.bay_id is None or self.planned_start_at is None or self.planned_finish_at is None:
            return None
        return Assignment(
            self.technician_ids, self.bay_id, self.planned_start_at, self.planned_finish_at
        )


def ordered(opened: OrderOpened, job_ids: Sequence[str]) -> list[Job]:
    """Return the jobs of a repair order that was opened, in order of their lines."""
    return [
        Job(
            job_id=job_id,
            store_id=opened.store_id,
            order_id=opened.order_id,
            line_number=line_number,
            op_code=operation.op_code,
            standard_hours=operation.standard_hours,
            status="planned",
            promised_at=opened.promised_at,
            opened_at=opened.opened_at,
            waiting_customer=opened.waiting_customer,
            rush=opened.rush,
        )
        for line_number, (job_id, operation) in enumerate(
            zip(job_ids, opened.labor_operations, strict=True)
        )
    ]


def added(
    authorized: AdditionalWorkAuthorized, order_jobs: Sequence[Job], job_ids: Sequence[str]
) -> list[Job]:
    """Return the jobs of additional work (增项), which follow ``order_jobs``."""
    last = max(order_jobs, key=lambda job: job.line_number)
    return [
        Job(
            job_id=job_id,
            store_id=authorized.store_id,
            order_id=authorized.order_id,
            line_number=line_number,
            op_code=operation.op_code,
            standard_hours=operation.standard_hours,
            status="planned",
            promised_at=authorized.promised_at or last.promised_at,
            opened_at=authorized.authorized_at,
            waiting_customer=last.waiting_customer,
            rush=last.rush,
            comeback_of=last.comeback_of,
        )
        for line_number, (job_id, operation) in enumerate(
            zip(job_ids, authorized.labor_operations, strict=True), start=last.line_number + 1
        )
    ]


def promise(order_jobs: Sequence[Job], promised_at: datetime) -> list[Job]:
    """Return the jobs of an order with its revised promise (承诺变更)."""
    return [replace(job, promised_at=promised_at) for job in order_jobs]


def set_parts_eta(job: Job, at: datetime | None, reason: PartsReason) -> Job:
    """Set when the last part of a planned job is expected, ``at``, or is there (到料变更)."""
    _require(job, "planned")
    return replace(job, parts_eta=at, parts_reason=reason)


def assign(
    job: Job, assignment: Assignment, *, delivery_lead: timedelta, reason: Reason, by: str
) -> tuple[Job, list[JobAssigned | JobReassigned]]:
    """Assign a job to its technicians, bay and time; after the first time it is reassigned.

    ``delivery_lead`` lies between the end of the work and the customer's departure.
    """
    _require(job, "planned")
    if job.assignment == assignment:
        return job, []
    assigned = replace(
        job,
        technician_ids=assignment.technician_ids,
        bay_id=assignment.bay_id,
        planned_start_at=assignment.starts_at,
        planned_finish_at=assignment.ends_at,
        reason=reason,
        planned_by=by,
    )
    if job.assignment is None:
        return assigned, [
            JobAssigned(
                store_id=job.store_id,
                order_id=job.order_id,
                job_id=job.job_id,
                op_code=job.op_code,
                standard_hours=job.standard_hours,
                technician_ids=assignment.technician_ids,
                bay_id=assignment.bay_id,
                planned_start_at=assignment.starts_at,
                planned_finish_at=assignment.ends_at,
                promisable_at=assignment.ends_at + delivery_lead,
                reason=reason.code,
            )
        ]
    return assigned, [
        JobReassigned(
            store_id=job.store_id,
            order_id=job.order_id,
            job_id=job.job_id,
            technician_ids=assignment.technician_ids,
            bay_id=assignment.bay_id,
            planned_start_at=assignment.starts_at,
            planned_finish_at=assignment.ends_at,
            reason=reason.code,
            by=by,
            explanation=why_planned(reason, by),
        )
    ]


def start(
    job: Job,
    technician_id: str,
    open_jobs: Sequence[Job],
    expected_finish_at: datetime,
    now: datetime,
) -> tuple[Job, list[JobStarted]]:
    """Clock in and begin the job (开工).

    A technician works on one job at a time, a bay holds one job, and an order's jobs follow each
    other. The other technicians of the team clock in by :func:`resume`.

    ``open_jobs`` are the store's unfinished jobs; ``expected_finish_at`` replaces the planned one.
    """
    _require(job, "planned")
    _require_technician(job, technician_id)
    for forbidden in sorted({*job.technician_ids} & {*job.forbidden_technicians}):
        raise errors.technician_forbidden(forbidden)
    for other in open_jobs:
        if other.order_id == job.order_id and other.line_number < job.line_number:
            raise errors.predecessor_open(other.job_id)
        _require_free(technician_id, other)
        if is_wip(other) and other.bay_id == job.bay_id:
            raise errors.bay_occupied(
                str(job.bay_id), other.job_id, other.changed_by, other.changed_at
            )
    started = replace(
        job,
        status="in_progress",
        started_at=now,
        resumed_at=now,
        clockings=clock_in((), technician_id, now),
        planned_start_at=now,
        planned_finish_at=expected_finish_at,
    )
    event = JobStarted(
        store_id=job.store_id,
        order_id=job.order_id,
        job_id=job.job_id,
        technician_ids=job.technician_ids,
        started_at=now,
    )
    return started, [event]


def pause(
    job: Job, technician_id: str, reason: PauseReason, now: datetime
) -> tuple[Job, list[JobPaused]]:
    """Clock out for a while (暂停); without another technician on it the job is paused."""
    left = _clocked_out(job, technician_id, now)
    if clocked_in(left.clockings):
        return left, []
    paused = replace(left, status="paused", clocked_s=_clocked(job, now), resumed_at=None)
    event = JobPaused(
        store_id=job.store_id,
        order_id=job.order_id,
        job_id=job.job_id,
        reason=reason,
        paused_at=now,
    )
    return paused, [event]


def close_missed_punch(job: Job, shift_end_at: datetime) -> tuple[Job, list[JobPaused]]:
    """Clock out at the end of the shift a technician who forgot to (忘打卡).

    A job on which no technician works does not change.
    """
    if job.status != "in_progress":
        return job, []
    closed_at = max(shift_end_at, job.resumed_at or shift_end_at)
    closed = replace(
        job,
        status="paused",
        clocked_s=_clocked(job, closed_at),
        resumed_at=None,
        clockings=clock_out(job.clockings, clocked_in(job.clockings), closed_at),
        missed_punches=job.missed_punches + 1,
    )
    event = JobPaused(
        store_id=job.store_id,
        order_id=job.order_id,
        job_id=job.job_id,
        reason="missed_punch",
        paused_at=closed_at,
        auto_closed=True,
    )
    return closed, [event]


def resume(
    job: Job, technician_id: str, open_jobs: Sequence[Job], now: datetime
) -> tuple[Job, list[JobResumed]]:
    """Clock in again (复工), or join a job that another technician has begun."""
    if technician_id in clocked_in(job.clockings) or not is_wip(job):
        raise errors.wrong_status(job.status, "paused", job.changed_by, job.changed_at)
    _require_technician(job, technician_id)
    for other in open_jobs:
        _require_free(technician_id, other)
    working = replace(job, clockings=clock_in(job.clockings, technician_id, now))
    if job.status == "in_progress":
        return working, []
    event = JobResumed(
        store_id=job.store_id, order_id=job.order_id, job_id=job.job_id, resumed_at=now
    )
    return replace(working, status="in_progress", resumed_at=now), [event]


def finish(job: Job, technician_id: str, now: datetime) -> tuple[Job, list[JobFinished]]:
    """Finish the technician's work (完工); with the last one's the job goes to inspection."""
    left = _clocked_out(job, technician_id, now)
    if clocked_in(left.clockings):
        return left, []
    clocked = _clocked(job, now)
    finished = replace(left, status="finished", clocked_s=clocked, resumed_at=None, finished_at=now)
    event = JobFinished(
        store_id=job.store_id,
        order_id=job.order_id,
        job_id=job.job_id,
        technician_ids=job.technician_ids,
        standard_hours=job.standard_hours,
        clocked_s=clocked,
        credits=split_credits(finished.earned_hours, finished.clockings),
        finished_at=now,
    )
    return finished, [event]


def diagnose(
    job: Job, technician_id: str, symptoms: Sequence[str], now: datetime
) -> tuple[Job, list[DiagnosisRecorded]]:
    """Record what is wrong with the vehicle (诊断), in symptom codes."""
    _require_begun(job, technician_id)
    event = DiagnosisRecorded(
        store_id=job.store_id,
        order_id=job.order_id,
        job_id=job.job_id,
        symptoms=tuple(symptoms),
        technician_id=technician_id,
        recorded_at=now,
    )
    return replace(job, diagnosis=tuple(symptoms)), [event]


def find_additional_work(
    job: Job,
    technician_id: str,
    additional_work_id: str,
    op_codes: Sequence[str],
    part_numbers: Sequence[str],
    now: datetime,
) -> AdditionalWorkRecommended:
    """Report that more is needed than was ordered (增项); the customer is asked."""
    _require_begun(job, technician_id)
    return AdditionalWorkRecommended(
        store_id=job.store_id,
        order_id=job.order_id,
        additional_work_id=additional_work_id,
        job_id=job.job_id,
        op_codes=tuple(op_codes),
        part_numbers=tuple(part_numbers),
        recommended_by=technician_id,
        recommended_at=now,
    )


def pass_inspection(
    job: Job, inspector_id: str, order_jobs: Sequence[Job], now: datetime
) -> tuple[Job, list[QualityInspectionPassed | VehicleReady]]:
    """Accept a job (质检合格); with the order's last one the vehicle is ready (竣工).

    ``order_jobs`` are all jobs of the order.
    """
    _require(job, "finished")
    _require_other_eyes(job, inspector_id)
    events: list[QualityInspectionPassed | VehicleReady] = [
        QualityInspectionPassed(
            store_id=job.store_id,
            order_id=job.order_id,
            job_id=job.job_id,
            inspector_id=inspector_id,
            inspected_at=now,
        )
    ]
    others = [other for other in order_jobs if other.job_id != job.job_id]
    if all(other.status in _ENDED for other in others):
        events.append(VehicleReady(store_id=job.store_id, order_id=job.order_id, ready_at=now))
    return replace(job, status="passed"), events


def fail_inspection(
    job: Job,
    inspector_id: str,
    failed_items: Sequence[str],
    *,
    rework_job_id: str,
    rework_share: float,
    now: datetime,
) -> tuple[Job, Job, list[QualityInspectionFailed]]:
    """Send a job back (质检不合格) and return its rework (返修) as a new, linked job.

    Rework takes ``rework_share`` of the job's standard hours.
    """
    _require(job, "finished")
    _require_other_eyes(job, inspector_id)
    rework = Job(
        job_id=rework_job_id,
        store_id=job.store_id,
        order_id=job.order_id,
        line_number=job.line_number,
        op_code=job.op_code,
        standard_hours=job.standard_hours * rework_share,
        status="planned",
        promised_at=job.promised_at,
        opened_at=now,
        waiting_customer=job.waiting_customer,
        rush=job.rush,
        rework_of=job.job_id,
        rework_for=job.technician_ids,
        comeback_of=job.comeback_of,
    )
    event = QualityInspectionFailed(
        store_id=job.store_id,
        order_id=job.order_id,
        job_id=job.job_id,
        rework_job_id=rework_job_id,
        rework_of_job_id=job.rework_of,
        inspector_id=inspector_id,
        failed_items=tuple(failed_items),
        inspected_at=now,
    )
    return replace(job, status="failed"), rework, [event]


def cancel(job: Job) -> Job:
    """Cancel a job whose order was cancelled before work began."""
    return replace(job, status="cancelled") if job.status == "planned" else job


def withdraw(
    order_jobs: Sequence[Job], op_codes: Sequence[str], now: datetime
) -> tuple[list[Job], list[JobStopped | VehicleReady]]:
    """End the unfinished jobs of operations that the customer has withdrawn (中止).

    Returns the jobs that end. Where all others are done, the vehicle is ready (竣工).
    """
    ended = [
        _stopped(job, now) for job in order_jobs if job.op_code in op_codes and is_unfinished(job)
    ]
    events: list[JobStopped | VehicleReady] = [
        JobStopped(
            store_id=job.store_id,
            order_id=job.order_id,
            job_id=job.job_id,
            technician_ids=job.technician_ids,
            clocked_s=job.clocked_s,
            credits=split_credits(job.earned_hours, job.clockings),
            stopped_at=now,
        )
        for job in ended
    ]
    after = {job.job_id: job for job in (*order_jobs, *ended)}
    if ended and all(job.status in _ENDED for job in after.values()):
        first = order_jobs[0]
        events.append(VehicleReady(store_id=first.store_id, order_id=first.order_id, ready_at=now))
    return ended, events


def _stopped(job: Job, now: datetime) -> Job:
    if not is_wip(job):
        return replace(job, status="cancelled")
    return replace(
        job,
        status="stopped",
        clocked_s=_clocked(job, now),
        resumed_at=None,
        clockings=clock_out(job.clockings, clocked_in(job.clockings), now),
        finished_at=now,
    )


@dataclass(frozen=True)
class WorkDone:
    """Progress of one operation of an order; ``labor_s`` is all its technicians' time."""

    op_code: str
    state: WorkState
    labor_s: int


def work_done(order_jobs: Sequence[Job], now: datetime) -> list[WorkDone]:
    """Return the progress of each wanted operation of an order; rework counts with its job."""
    by_id = {job.job_id: job for job in order_jobs}
    redone = {job.rework_of for job in order_jobs}
    return [
        WorkDone(job.op_code, _state(job), _labor_s(job, by_id, now))
        for job in order_jobs
        if job.job_id not in redone and job.status not in ("stopped", "cancelled")
    ]


def _state(job: Job) -> WorkState:
    if not is_unfinished(job):
        return "finished"
    return "begun" if is_wip(job) or job.rework_of else "open"


def _labor_s(job: Job, by_id: Mapping[str, Job], now: datetime) -> int:
    earlier = _labor_s(by_id[job.rework_of], by_id, now) if job.rework_of else 0
    return earlier + sum(each.stopped(now).clocked_s for each in job.clockings)


def is_wip(job: Job) -> bool:
    """Return whether the job was begun and is not done (在修)."""
    return job.status in _WIP


def is_unfinished(job: Job) -> bool:
    """Return whether the job still takes workshop time."""
    return job.status in _UNFINISHED


def was_stopped(order_jobs: Sequence[Job]) -> bool:
    """Return whether the customer took the vehicle back in the middle of the work."""
    return any(job.status == "stopped" for job in order_jobs)


def people_of(order_jobs: Sequence[Job]) -> tuple[str, ...]:
    """Return the technicians who worked on any of the jobs."""
    return tuple(sorted({each for job in order_jobs for each in job.technician_ids}))


def _clocked(job: Job, now: datetime) -> int:
    if job.resumed_at is None:
        return job.clocked_s
    return job.clocked_s + int((now - job.resumed_at).total_seconds())


def _clocked_out(job: Job, technician_id: str, now: datetime) -> Job:
    _require(job, "in_progress")
    _require_technician(job, technician_id)
    if technician_id not in clocked_in(job.clockings):
        raise errors.not_clocked_in(technician_id)
    return replace(job, clockings=clock_out(job.clockings, {technician_id}, now))


def _require_free(technician_id: str, other: Job) -> None:
    if technician_id in clocked_in(other.clockings):
        raise errors.technician_busy(technician_id, other.job_id)


def _require(job: Job, status: JobStatus) -> None:
    if job.status != status:
        raise errors.wrong_status(job.status, status, job.changed_by, job.changed_at)


def _require_begun(job: Job, technician_id: str) -> None:
    if not is_wip(job):
        raise errors.wrong_status(job.status, "in_progress", job.changed_by, job.changed_at)
    _require_technician(job, technician_id)


def _require_other_eyes(job: Job, inspector_id: str) -> None:
    if inspector_id in job.technician_ids:
        raise errors.self_inspection(inspector_id)


def _require_technician(job: Job, technician_id: str) -> None:
    if technician_id not in job.technician_ids:
        raise errors.not_your_job(technician_id)
