"""Automatic clock-out when the shift ends (忘打卡)."""

from datetime import datetime, timedelta

from services.workshop import persistence
from services.workshop.clients.workforce import Workforce
from services.workshop.domain import job as jobs
from services.workshop.domain.job import Job
from shared import timers
from shared.envelope import Cause
from shared.timers import Timer
from shared.unit import Unit

CLOCK_OFF = "clock_off"


async def schedule_auto_clock_out(unit: Unit, job: Job, workforce: Workforce, cause: Cause) -> None:
    """Schedule the clock-out at the end of the shift, unless they clock out themselves."""
    shift_end_at = workforce.shift_end(job.store_id, job.technician_ids, unit.now)
    grace = timedelta(minutes=workforce.stores[job.store_id].clock_grace_minutes)
    await timers.schedule(
        unit,
        CLOCK_OFF,
        job.job_id,
        store_id=job.store_id,
        due_at=shift_end_at + grace,
        cause=cause,
        data={"shift_end_at": shift_end_at.isoformat()},
    )


async def cancel_auto_clock_out(unit: Unit, job: Job) -> None:
    """Cancel the automatic clock-out of somebody who clocked out."""
    await timers.cancel(unit, CLOCK_OFF, job.job_id)


async def on_clock_off(unit: Unit, timer: Timer) -> None:
    """The shift and the grace are over and the clock still runs."""
    job = await persistence.read_job(unit.connection, timer.store_id, timer.subject)
    shift_end_at = datetime.fromisoformat(timer.data["shift_end_at"])
    closed, events = jobs.close_forgotten_clock(job, shift_end_at)
    await persistence.save_jobs(unit, [closed])
    unit.publish(events, timer.cause)
