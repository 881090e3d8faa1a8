"""Actual durations of jobs, learned from finished ones (实际工时).

A job takes ``standard minutes x time_factor x exp(shift + log_stddev x z)``: ``shift`` and
``log_stddev`` belong to the operation, ``time_factor`` to the technician, and ``z`` follows the
store's own residuals, kept as equally likely quantiles. Where data is scarce, the values of an
operation are drawn towards those of its skill, a skill's towards the store's, and the store's
towards the standard hours (标准工时).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Final

from services.workshop.planning.model import NORMAL, QUANTILE_COUNT

STANDARD_LOG_STDDEV: Final = 0.3
"""Standard deviation of the logarithm of a duration, before any job is finished."""
PRIOR_JOB_COUNT: Final = 8.0
"""Finished jobs after which a group's own figures count as much as the larger group's."""
MAX_TIME_RATIO: Final = 8.0
"""Greatest credible ratio of clocked to standard time, either way.

A greater one means that the time was clocked wrongly.
"""


@dataclass(frozen=True)
class FinishedJob:
    """A finished job: ``minutes`` clocked without pauses, and its ``standard`` minutes."""

    op_code: str
    skill_code: str
    technician_id: str
    standard: float
    minutes: float


@dataclass(frozen=True)
class Estimate:
    """Median working minutes at time factor 1, and the standard deviation of the logarithm."""

    minutes: int
    log_stddev: float


@dataclass(frozen=True)
class Durations:
    """Learned durations of one store; without finished jobs the standard hours."""

    shifts: Mapping[str, float] = field(default_factory=dict)
    skill_shifts: Mapping[str, float] = field(default_factory=dict)
    log_stddevs: Mapping[str, float] = field(default_factory=dict)
    skill_log_stddevs: Mapping[str, float] = field(default_factory=dict)
    time_factors: Mapping[str, float] = field(default_factory=dict)
    residual_quantiles: tuple[float, ...] = NORMAL

    def estimate(self, op_code: str, skill_code: str, standard: float) -> Estimate:
        """Return the estimate for an operation of ``standard`` minutes in this store."""
        shift = self.shifts.get(op_code, self.skill_shifts.get(skill_code, 0.0))
        known = self.skill_log_stddevs.get(skill_code, STANDARD_LOG_STDDEV)
        log_stddev = self.log_stddevs.get(op_code, known)
        return Estimate(max(1, round(standard * exp(shift))), log_stddev)

    def time_factor(self, technician_id: str) -> float:
        """Return the technician's multiplier of durations; 1 for one not known yet."""
        return self.time_factors.get(technician_id, 1.0)


def learn(finished: Sequence[FinishedJob]) -> Durations:
    """Return durations learned from finished jobs, all of equal weight.

    The caller chooses how many jobs to pass.

    Implausible times are left out: one clock started and stopped at once would count as much as
    hundreds of true ones.
    """
    finished = [
        job
        for job in finished
        if 1 / MAX_TIME_RATIO <= job.minutes / job.standard <= MAX_TIME_RATIO
    ]
    ratios = [log(job.minutes / job.standard) for job in finished]
    skill_codes = _pooled(finished, ratios, lambda job: job.skill_code, lambda _: 0.0)
    shifts = _pooled(
        finished, ratios, lambda job: job.op_code, lambda job: skill_codes[job.skill_code]
    )
    residuals = [r - shifts[job.op_code] for job, r in zip(finished, ratios, strict=True)]
    individual = _pooled(finished, residuals, lambda job: job.technician_id, lambda _: 0.0)
    residuals = [
        r - individual[job.technician_id] for job, r in zip(finished, residuals, strict=True)
    ]
    squares = [residual * residual for residual in residuals]
    variance = (sum(squares) + PRIOR_JOB_COUNT * STANDARD_LOG_STDDEV**2) / (
        len(squares) + PRIOR_JOB_COUNT
    )
    by_skill = _pooled(finished, squares, lambda job: job.skill_code, lambda _: variance)
    by_operation = _pooled(
        finished, squares, lambda job: job.op_code, lambda job: by_skill[job.skill_code]
    )
    log_stddevs = {name: sqrt(value) for name, value in by_operation.items()}
    scaled = [r / log_stddevs[job.op_code] for job, r in zip(finished, residuals, strict=True)]
    return Durations(
        shifts,
        skill_codes,
        log_stddevs,
        {skill_code: sqrt(value) for skill_code, value in by_skill.items()},
        {who: exp(shift) for who, shift in individual.items()},
        _residual_quantiles(scaled),
    )


def _pooled(
    finished: Sequence[FinishedJob],
    values: Sequence[float],
    group: Callable[[FinishedJob], str],
    larger: Callable[[FinishedJob], float],
) -> dict[str, float]:
    """Return means by group, drawn towards the larger group's.

    The larger group's mean counts like PRIOR_JOB_COUNT jobs.
    """
    sums: defaultdict[str, float] = defaultdict(float)
    counts: defaultdict[str, int] = defaultdict(int)
    priors: dict[str, float] = {}
    for job, value in zip(finished, values, strict=True):
        name = group(job)
        sums[name] += value
        counts[name] += 1
        priors[name] = larger(job)
    return {
        name: (sums[name] + PRIOR_JOB_COUNT * priors[name]) / (counts[name] + PRIOR_JOB_COUNT)
        for name in sums
    }


def _residual_quantiles(scaled: Iterable[float]) -> tuple[float, ...]:
    """Return QUANTILE_COUNT quantiles of the residuals, blended with normal ones.

    The weight of the normal ones is PRIOR_JOB_COUNT.
    """
    lent = [
        NormalDist().inv_cdf((i + 0.5) / (8 * PRIOR_JOB_COUNT))
        for i in range(int(8 * PRIOR_JOB_COUNT))
    ]
    values = sorted([*scaled, *lent])
    indexes = ((i + 0.5) / QUANTILE_COUNT * len(values) - 0.5 for i in range(QUANTILE_COUNT))
    return tuple(_between(values, index) for index in indexes)


def _between(values: Sequence[float], index: float) -> float:
    low = max(0, min(int(index), len(values) - 2))
    return values[low] + (values[low + 1] - values[low]) * min(1.0, max(0.0, index - low))
