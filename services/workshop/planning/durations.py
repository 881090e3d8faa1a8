"""What jobs really take, learned from finished ones (实际工时).

A job takes ``standard minutes x pace x exp(shift + spread x z)``: ``shift`` and ``spread`` belong
to the operation, ``pace`` to the technician, and ``z`` follows the store's own law, kept as equally
likely values. Where data is thin, an operation leans on its trade, a trade on the store, and the
store on the standard hours (标准工时).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log, sqrt
from statistics import NormalDist
from typing import Final

from services.workshop.planning.model import GRAIN, NORMAL

STANDARD_SPREAD: Final = 0.3
"""Standard deviation of the logarithm of a duration, before anything is known."""
TRUST: Final = 8.0
"""Finished jobs after which a group's own figures count as much as the larger group's."""
PLAUSIBLE: Final = 8.0
"""Times the standard hours: who took longer, or less than that part of them, clocked wrongly."""


@dataclass(frozen=True)
class FinishedJob:
    """A job that is done: ``minutes`` clocked without pauses, ``standard`` by the book."""

    operation_id: str
    trade: str
    technician_id: str
    standard: float
    minutes: float


@dataclass(frozen=True)
class Estimate:
    """Median working minutes at pace 1, and the standard deviation of the logarithm."""

    minutes: int
    spread: float


@dataclass(frozen=True)
class Durations:
    """What one store has learned; without finished jobs it is the standard hours."""

    shifts: Mapping[str, float] = field(default_factory=dict)
    trade_shifts: Mapping[str, float] = field(default_factory=dict)
    spreads: Mapping[str, float] = field(default_factory=dict)
    trade_spreads: Mapping[str, float] = field(default_factory=dict)
    paces: Mapping[str, float] = field(default_factory=dict)
    law: tuple[float, ...] = NORMAL

    def estimate(self, operation_id: str, trade: str, standard: float) -> Estimate:
        """What an operation of ``standard`` minutes takes in this store."""
        shift = self.shifts.get(operation_id, self.trade_shifts.get(trade, 0.0))
        known = self.trade_spreads.get(trade, STANDARD_SPREAD)
        spread = self.spreads.get(operation_id, known)
        return Estimate(max(1, round(standard * exp(shift))), spread)

    def pace(self, technician_id: str) -> float:
        """The technician's multiplier of durations; 1 for one not known yet."""
        return self.paces.get(technician_id, 1.0)


def learn(finished: Sequence[FinishedJob]) -> Durations:
    """Durations from finished jobs, all of equal weight; the caller chooses how far back.

    One clock that was started and stopped at once would count as much as hundreds of true ones.
    """
    finished = [job for job in finished if 1 / PLAUSIBLE <= job.minutes / job.standard <= PLAUSIBLE]
    ratios = [log(job.minutes / job.standard) for job in finished]
    trades = _pooled(finished, ratios, lambda job: job.trade, lambda _: 0.0)
    shifts = _pooled(finished, ratios, lambda job: job.operation_id, lambda job: trades[job.trade])
    rests = [r - shifts[job.operation_id] for job, r in zip(finished, ratios, strict=True)]
    individual = _pooled(finished, rests, lambda job: job.technician_id, lambda _: 0.0)
    rests = [r - individual[job.technician_id] for job, r in zip(finished, rests, strict=True)]
    squares = [rest * rest for rest in rests]
    variance = (sum(squares) + TRUST * STANDARD_SPREAD**2) / (len(squares) + TRUST)
    by_trade = _pooled(finished, squares, lambda job: job.trade, lambda _: variance)
    by_operation = _pooled(
        finished, squares, lambda job: job.operation_id, lambda job: by_trade[job.trade]
    )
    spreads = {name: sqrt(value) for name, value in by_operation.items()}
    scaled = [r / spreads[job.operation_id] for job, r in zip(finished, rests, strict=True)]
    return Durations(
        shifts,
        trades,
        spreads,
        {trade: sqrt(value) for trade, value in by_trade.items()},
        {who: exp(shift) for who, shift in individual.items()},
        _law(scaled),
    )


def _pooled(
    finished: Sequence[FinishedJob],
    values: Sequence[float],
    group: Callable[[FinishedJob], str],
    larger: Callable[[FinishedJob], float],
) -> dict[str, float]:
    """Means by group, each drawn towards the larger group's as if that were TRUST jobs."""
    sums: defaultdict[str, float] = defaultdict(float)
    counts: defaultdict[str, int] = defaultdict(int)
    priors: dict[str, float] = {}
    for job, value in zip(finished, values, strict=True):
        name = group(job)
        sums[name] += value
        counts[name] += 1
        priors[name] = larger(job)
    return {name: (sums[name] + TRUST * priors[name]) / (counts[name] + TRUST) for name in sums}


def _law(scaled: Iterable[float]) -> tuple[float, ...]:
    """GRAIN equally likely values out of residuals and as many normal ones as TRUST lends."""
    lent = [NormalDist().inv_cdf((i + 0.5) / (8 * TRUST)) for i in range(int(8 * TRUST))]
    values = sorted([*scaled, *lent])
    places = ((i + 0.5) / GRAIN * len(values) - 0.5 for i in range(GRAIN))
    return tuple(_between(values, place) for place in places)


def _between(values: Sequence[float], place: float) -> float:
    low = max(0, min(int(place), len(values) - 2))
    return values[low] + (values[low + 1] - values[low]) * min(1.0, max(0.0, place - low))
