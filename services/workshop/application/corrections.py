"""Job times corrected by a manager (工时更正)."""

from services.workshop import persistence
from services.workshop.application.active_work import book_active_job
from services.workshop.application.deps import Deps
from services.workshop.application.expected_finishes import renew_expected_finish
from services.workshop.application.job_views import JobView
from services.workshop.application.learning import schedule_learning
from services.workshop.application.locked_jobs import lock_seen_job, save_job
from services.workshop.domain.correction import (
    ClockCorrection,
    CorrectionReason,
    correct_time,
    to_event,
)
from services.workshop.domain.job import is_unfinished
from shared.contracts.base import Timestamp
from shared.ids import new_id
from shared.request_model import VersionedRequest
from shared.unit_of_work import UnitOfWork


class TimeCorrectionRequest(VersionedRequest):
    """Actual times of clocking in and out; a time left out stays as it was."""

    started_at: Timestamp | None = None
    finished_at: Timestamp | None = None
    reason: CorrectionReason


async def correct_job_clock(
    uow: UnitOfWork, job_id: str, command: TimeCorrectionRequest, deps: Deps
) -> JobView:
    """Correct the clocked time of a job; learning and reports use the corrected time."""
    connection, now = uow.connection, uow.now
    job = await lock_seen_job(uow, job_id, command.version)
    begin = min(filter(None, (job.started_at, command.started_at)), default=now)
    clock, correction = correct_time(
        job,
        await persistence.jobs_worked_on(connection, job, begin),
        command.started_at,
        command.finished_at,
        correction_id=str(new_id()),
        reason=command.reason,
        by=uow.person,
        now=now,
    )
    await persistence.add_clock_correction(connection, job.store_id, correction)
    if is_unfinished(clock):
        clock = await renew_expected_finish(connection, clock, now, deps)
    if is_unfinished(clock) and clock.assignment:
        await book_active_job(uow, clock, clock.assignment)
    else:
        await schedule_learning(uow, job.store_id)
    return await save_job(uow, clock, [to_event(clock, correction)], deps)


async def list_clock_corrections(store_id: str, job_id: str, deps: Deps) -> list[ClockCorrection]:
    """List the corrections of a job's clocked time, with their authors."""
    async with deps.uow_factory.read(store_id) as connection:
        await persistence.read_job(connection, store_id, job_id)
        return await persistence.clock_corrections_of_job(connection, store_id, job_id)
