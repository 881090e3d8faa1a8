"""Job times corrected by a manager (工时更正)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from services.workshop.domain import errors
from services.workshop.domain.clocking import move_start, rescale, split_credits
from services.workshop.domain.job import Job
from shared.contracts.workshop import JobTimeCorrected

CorrectionReason = Literal["forgot_to_start", "forgot_to_finish", "wrong_job", "other"]
"""忘记开工打卡、忘记完工打卡、打错任务、其他."""


@dataclass(frozen=True)
class ClockCorrection:
    """A correction of a job's clocked time, with author, reason and both times (更正记录).

    ``clocked_s`` leaves pauses out; they stay as they were.
    """

    correction_id: str
    job_id: str
    order_id: str
    reason: CorrectionReason
    corrected_by: str
    corrected_at: datetime
    original_started_at: datetime
    original_finished_at: datetime | None
    original_clocked_s: int
    started_at: datetime
    finished_at: datetime | None
    clocked_s: int


def correct_time(
    job: Job,
    others: Iterable[Job],
    started_at: datetime | None,
    finished_at: datetime | None,
    *,
    correction_id: str,
    reason: CorrectionReason,
    by: str,
    now: datetime,
) -> tuple[Job, ClockCorrection]:
    """Correct the job's times to ``started_at`` and ``finished_at``.

    None leaves a time as it was. ``others`` are begun jobs of the same technicians, bay or vehicle:
    time that the correction adds must not overlap with them.
    """
    if job.started_at is None:
        raise errors.wrong_status(job.status, "in_progress", job.changed_by, job.changed_at)
    if finished_at and job.finished_at is None:
        raise errors.wrong_status(job.status, "finished", job.changed_by, job.changed_at)
    begin, end = started_at or job.started_at, finished_at or job.finished_at
    if (begin, end) == (job.started_at, job.finished_at):
        raise errors.nothing_corrected()
    _require_sensible(job, begin, end, now)
    for field, added_from, added_until in _added(job, begin, end):
        for other in others:
            if _worked(other, added_from, added_until, now):
                raise errors.clock_overlaps(field, other.job_id)
    gained = job.started_at - begin
    if end and job.finished_at:
        gained += end - job.finished_at
    clock = _moved(job, begin, end, gained)
    return clock, ClockCorrection(
        correction_id=correction_id,
        job_id=job.job_id,
        order_id=job.order_id,
        reason=reason,
        corrected_by=by,
        corrected_at=now,
        original_started_at=job.started_at,
        original_finished_at=job.finished_at,
        original_clocked_s=job.clocked_s,
        started_at=begin,
        finished_at=end,
        clocked_s=clock.clocked_s,
    )


def to_event(job: Job, correction: ClockCorrection) -> JobTimeCorrected:
    """Return the event of a correction."""
    said = {name: value for name, value in vars(correction).items() if name != "correction_id"}
    return JobTimeCorrected(
        store_id=job.store_id,
        technician_ids=job.technician_ids,
        credits=split_credits(job.earned_hours, job.clockings) if job.finished_at else (),
        **said,
    )


def _require_sensible(job: Job, begin: datetime, end: datetime | None, now: datetime) -> None:
    if begin > now:
        raise errors.in_the_future("started_at")
    if end and end > now:
        raise errors.in_the_future("finished_at")
    if begin < job.opened_at:
        raise errors.before_the_order()
    if end and end <= begin:
        raise errors.ends_before_it_begins("finished_at")


def _added(
    job: Job, begin: datetime, end: datetime | None
) -> Iterator[tuple[str, datetime, datetime]]:
    """Return the time that the correction adds, by the field that adds it."""
    if job.started_at and begin < job.started_at:
        yield "started_at", begin, min(job.started_at, end or job.started_at)
    if end and job.finished_at and end > job.finished_at:
        yield "finished_at", max(job.finished_at, begin), end


def _worked(other: Job, begin: datetime, end: datetime, now: datetime) -> bool:
    return (
        other.started_at is not None
        and other.started_at < end
        and (other.finished_at or now) > begin
    )


def _moved(job: Job, begin: datetime, end: datetime | None, gained: timedelta) -> Job:
    never_paused = job.resumed_at is not None and job.resumed_at == job.started_at
    clocked_s = job.clocked_s if never_paused else job.clocked_s + int(gained.total_seconds())
    if clocked_s < 0 or (end and clocked_s == 0):
        raise errors.no_working_time()
    return replace(
        job,
        started_at=begin,
        finished_at=end,
        resumed_at=begin if never_paused else job.resumed_at,
        clocked_s=clocked_s,
        clockings=rescale(job.clockings, job.clocked_s, clocked_s)
        if end
        else move_start(job.clockings, job.started_at or begin, begin),
    )
