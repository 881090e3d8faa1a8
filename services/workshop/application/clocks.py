"""Automatic clock-out when the shift ends (忘打卡)."""

from datetime import datetime, timedelta

from services.workshop import persistence
from services.workshop.application.deps import Deps
from services.workshop.domain import job as jobs
from services.workshop.domain.job import Job
from shared import timers
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

AUTO_CLOCK_OUT = "auto_clock_out"


async def schedule_auto_clock_out(uow: UnitOfWork, job: Job, deps: Deps) -> None:
    """Schedule the automatic clock-out for the end of the shift plus the grace period."""
    workplace = await deps.workplace(uow.connection, job.store_id)
    shift_end_at = workplace.shift_end(job.technician_ids, uow.now)
    grace = timedelta(minutes=workplace.store.missed_punch_grace_minutes)
    await timers.schedule(
        uow,
        AUTO_CLOCK_OUT,
        job.job_id,
        store_id=job.store_id,
        due_at=shift_end_at + grace,
        data={"shift_end_at": shift_end_at.isoformat()},
    )


async def cancel_auto_clock_out(uow: UnitOfWork, job: Job) -> None:
    """Cancel the automatic clock-out of a technician who clocked out."""
    await timers.cancel(uow, AUTO_CLOCK_OUT, job.job_id)


async def clock_out_automatically(uow: UnitOfWork, timer: Timer, _deps: Deps) -> None:
    """Clock out a technician whose clock still runs after the shift and the grace period."""
    job = await persistence.read_job(uow.connection, timer.store_id, timer.entity_id)
    shift_end_at = datetime.fromisoformat(timer.data["shift_end_at"])
    closed, events = jobs.close_missed_punch(job, shift_end_at)
    await persistence.save_jobs(uow, [closed])
    uow.publish(events)
