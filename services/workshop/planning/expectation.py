"""Expected finishes of jobs, and the overrun buffers behind them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.workshop.domain.job import Job
from services.workshop.domain.resource_booking import ResourceBooking, resources_of
from services.workshop.planning.forecast import score, shop_hours
from services.workshop.planning.model import Technician, Workshop
from services.workshop.planning.real_time import as_assignment, minute, moment
from services.workshop.planning.tasks import PlanningContext, latest_expected_finish, task
from services.workshop.planning.teams import duration, shared_hours
from services.workshop.planning.timeline import NEVER
from services.workshop.planning.wip import expected_finish, with_overrun_buffers


def first_expected_finish(
    context: PlanningContext, job: Job, team: Sequence[Technician], starts_at: datetime
) -> datetime:
    """Return when this team, beginning at ``starts_at``, would be done.

    A team without known technicians takes the standard time.

    It is at least a minute later.
    """
    if not team:
        return starts_at + timedelta(hours=job.standard_hours)
    minutes = duration(task(context, job, None, minute(starts_at)), tuple(team))
    _, finish = shared_hours(team).span(minute(starts_at), minutes)
    if finish >= NEVER:
        finish = minute(starts_at) + minutes
    return max(moment(finish), starts_at + timedelta(minutes=1))


def with_expected_finish(
    context: PlanningContext, job: Job, team: Sequence[Technician], now: datetime
) -> Job:
    """Return work going on since ``started_at`` with the finish expected now.

    Once it takes longer than expected, the remaining time follows from similar jobs of the store
    that took as long.
    """
    starts_at = job.started_at or now
    ends_at = first_expected_finish(context, job, team, starts_at)
    if ends_at <= now and team:
        finish = expected_finish(
            task(context, job, None, minute(now)),
            team,
            minute(starts_at),
            minute(now),
            context.durations.residual_quantiles,
            0.5,
        )
        ends_at = moment(finish)
    expected = replace(job, planned_start_at=starts_at, planned_finish_at=ends_at)
    return replace(expected, planned_finish_at=latest_expected_finish(expected, now))


def overrun_buffers(
    workshop: Workshop, bookings: Sequence[ResourceBooking]
) -> list[ResourceBooking]:
    """Return the overrun buffers behind the work in progress of ``workshop`` (缓冲).

    They keep time free in case it takes longer than expected.

    They end where ``bookings`` begin.
    """
    buffers: list[ResourceBooking] = []
    for job, longer in zip(workshop.jobs, with_overrun_buffers(workshop).jobs, strict=True):
        if job.fixed_assignment and longer.fixed_assignment:
            starts_at = moment(job.fixed_assignment.finish)
            ends_at = moment(longer.fixed_assignment.finish)
            resources = resources_of(as_assignment(longer.fixed_assignment))
            behind = [each.starts_at for each in bookings if each.resource in resources]
            ends_at = min([ends_at, *(booked_at for booked_at in behind if booked_at >= starts_at)])
            if starts_at < ends_at:
                buffers.extend(
                    ResourceBooking(job.job_id, None, resource, starts_at, ends_at)
                    for resource in resources
                )
    return buffers


def score_finish(
    technicians: tuple[Technician, ...],
    expected_at: datetime,
    spread_minutes: float,
    finished_at: datetime,
) -> float:
    """Return how late work was done against what was expected, in spreads of working time."""
    begin = minute(min(expected_at, finished_at))
    hours = shop_hours(Workshop(begin, technicians, ()))
    return score(hours, minute(expected_at), spread_minutes, minute(finished_at))
