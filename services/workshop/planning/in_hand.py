"""Work in hand (在修作业): how long it may still take, given how long it has taken."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.workshop.planning.model import Assignment, Job, Technician, Workshop
from services.workshop.planning.teams import duration, shared_hours
from services.workshop.planning.timeline import NEVER

CAUTION: Final = 0.95
"""Share of cases in which work in hand is done by the time that a plan reckons with.

Work that waits for somebody busy loses time whenever that work runs over, while somebody free
could have begun it; who is done before is given other work at once.
"""
LEAST: Final = 10
"""Minutes that work past its time is given at least."""


def whole_minutes(
    law: NDArray[np.float64],
    median: float,
    spread: float,
    spent: float,
    shares: NDArray[np.float64] | float,
) -> NDArray[np.float64]:
    """Quantiles, at ``shares``, of the working minutes of a job that ``spent`` did not suffice for.

    ``median`` and ``spread`` are those of the job before it began. Work that has outlasted the
    whole law takes up to a tenth more than it has taken.
    """
    passed = 0.0
    if spent > 0 and spread > 0:
        passed = float(np.searchsorted(law, log(spent / median) / spread)) / len(law)
    place = (passed + (1 - passed) * shares) * len(law) - 0.5
    whole = median * np.exp(spread * np.interp(place, np.arange(len(law)), law))
    return np.asarray(np.maximum(whole, spent * (1 + 0.1 * shares) if spread > 0 else 0.0))


def expected_finish(
    job: Job, team: Sequence[Technician], started: int, now: int, law: Sequence[float], share: float
) -> int:
    """When work that this team began at ``started`` is done with probability ``share``."""
    hours = shared_hours(team)
    spent = hours.worked(now) - hours.worked(started)
    median = float(duration(job, tuple(team)))
    minutes = ceil(whole_minutes(np.array(law), median, job.spread, spent, share))
    _, finish = hours.span(started, minutes)
    least = now + LEAST if spent >= median else now + 1
    return max(finish if finish < NEVER else now + minutes - spent, least)


def reckoned(workshop: Workshop) -> Workshop:
    """The snapshot with work in hand as long as a plan reckons with it.

    What is reserved for others right behind it is not touched.
    """
    people = {technician.technician_id: technician for technician in workshop.technicians}

    def longer(job: Job, begun: Assignment) -> Job:
        team = [people[i] for i in begun.technician_ids if i in people]
        if not team or not job.spread or begun.start > workshop.now:
            return job
        finish = expected_finish(job, team, begun.start, workshop.now, workshop.law, CAUTION)
        kept = (held.place.start for held in workshop.held if held.place.shares(begun))
        finish = min([finish, *(start for start in kept if start >= begun.finish)])
        return replace(job, frozen=replace(begun, finish=max(finish, begun.finish)))

    return replace(
        workshop,
        jobs=tuple(longer(job, job.frozen) if job.frozen else job for job in workshop.jobs),
    )
