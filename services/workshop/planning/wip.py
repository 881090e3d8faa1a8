"""Work in progress (在修作业): its remaining time, given the time it has taken."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.workshop.planning.model import PlanAssignment, PlanTask, Technician, Workshop
from services.workshop.planning.teams import duration, shared_hours
from services.workshop.planning.timeline import NEVER

BUFFER_QUANTILE: Final = 0.95
"""Share of cases in which work in progress is done by the end of its overrun buffer.

Work that waits for a busy technician loses time whenever that technician's work overruns, while a
free one could have begun it; a technician who is done earlier gets other work at once.
"""
MIN_REMAINING_MINUTES: Final = 10
"""Least minutes planned for work past its time."""


def total_minutes_quantile(
    residual_quantiles: NDArray[np.float64],
    median: float,
    log_stddev: float,
    spent: float,
    shares: NDArray[np.float64] | float,
) -> NDArray[np.float64]:
    """Return quantiles, at ``shares``, of the total minutes of a job that has taken ``spent``.

    ``median`` and ``log_stddev`` are those of the job before it began. Work that has outlasted all
    quantiles takes up to a tenth more than it has taken.
    """
    passed = 0.0
    if spent > 0 and log_stddev > 0:
        passed = float(np.searchsorted(residual_quantiles, log(spent / median) / log_stddev)) / len(
            residual_quantiles
        )
    index = (passed + (1 - passed) * shares) * len(residual_quantiles) - 0.5
    whole = median * np.exp(
        log_stddev * np.interp(index, np.arange(len(residual_quantiles)), residual_quantiles)
    )
    return np.asarray(np.maximum(whole, spent * (1 + 0.1 * shares) if log_stddev > 0 else 0.0))


def expected_finish(
    job: PlanTask,
    team: Sequence[Technician],
    started: int,
    now: int,
    residual_quantiles: Sequence[float],
    share: float,
) -> int:
    """Return when work that this team began at ``started`` is done with probability ``share``."""
    hours = shared_hours(team)
    spent = hours.worked(now) - hours.worked(started)
    median = float(duration(job, tuple(team)))
    minutes = ceil(
        total_minutes_quantile(np.array(residual_quantiles), median, job.log_stddev, spent, share)
    )
    _, finish = hours.span(started, minutes)
    least = now + MIN_REMAINING_MINUTES if spent >= median else now + 1
    return max(finish if finish < NEVER else now + minutes - spent, least)


def with_overrun_buffers(workshop: Workshop) -> Workshop:
    """Give work in progress the overrun buffer that a plan needs.

    Time reserved for other work right behind it is not touched.
    """
    people = {technician.technician_id: technician for technician in workshop.technicians}

    def longer(job: PlanTask, begun: PlanAssignment) -> PlanTask:
        team = [people[i] for i in begun.technician_ids if i in people]
        if not team or not job.log_stddev or begun.start > workshop.now:
            return job
        finish = expected_finish(
            job, team, begun.start, workshop.now, workshop.residual_quantiles, BUFFER_QUANTILE
        )
        kept = (
            reserved.slot.start for reserved in workshop.reservations if reserved.slot.shares(begun)
        )
        finish = min([finish, *(start for start in kept if start >= begun.finish)])
        return replace(job, fixed_assignment=replace(begun, finish=max(finish, begun.finish)))

    return replace(
        workshop,
        jobs=tuple(
            longer(job, job.fixed_assignment) if job.fixed_assignment else job
            for job in workshop.jobs
        ),
    )
