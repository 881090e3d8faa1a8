"""Content of the workshop's big screen (车间看板)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from services.workshop.domain.job import Job, is_wip

Light = Literal["green", "yellow", "red"]
"""按时、紧张、超时."""


@dataclass(frozen=True)
class BayState:
    """The job in a bay, and the next one."""

    job: Job | None
    next_job: Job | None


def bay_states(jobs: Sequence[Job], bay_ids: Iterable[str]) -> Mapping[str, BayState]:
    """Return the current and the next job of each bay."""
    return {
        bay_id: BayState(
            next((job for job in in_bay if is_wip(job)), None),
            min(
                (job for job in in_bay if job.status == "planned"),
                key=lambda job: (job.planned_start_at or job.promised_at, job.job_id),
                default=None,
            ),
        )
        for bay_id in bay_ids
        for in_bay in [[job for job in jobs if job.bay_id == bay_id]]
    }


def waiting(jobs: Sequence[Job]) -> list[Job]:
    """Return the next job of each vehicle on which no technician works, the earliest first."""
    wip = {job.order_id for job in jobs if is_wip(job)}
    next_jobs: dict[str, Job] = {}
    for job in sorted(jobs, key=lambda job: (job.line_number, job.opened_at)):
        if job.status == "planned" and job.order_id not in wip:
            next_jobs.setdefault(job.order_id, job)
    return sorted(
        next_jobs.values(), key=lambda job: (job.planned_start_at or job.promised_at, job.job_id)
    )


def lights(
    jobs: Sequence[Job], delivery_lead_min: int, close: timedelta, now: datetime
) -> Mapping[str, Light]:
    """Return each order's light by its id.

    Red when it will be handed over late, yellow when less than ``close`` is left before its
    promise.
    """
    left: dict[str, timedelta] = {}
    for job in jobs:
        finish = job.finished_at or max(job.planned_finish_at or now, now)
        time_left = job.promised_at - finish - timedelta(minutes=delivery_lead_min)
        left[job.order_id] = min(time_left, left.get(job.order_id, time_left))
    return {order_id: _light(time_left, close) for order_id, time_left in left.items()}


def counts(jobs: Sequence[Job]) -> Mapping[str, int]:
    """Return how many jobs have each status."""
    return Counter(job.status for job in jobs)


def _light(time_left: timedelta, close: timedelta) -> Light:
    if time_left < timedelta(0):
        return "red"
    return "yellow" if time_left < close else "green"
