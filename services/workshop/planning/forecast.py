"""The finish of a whole order as a distribution, and the promises it supports."""

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Final

import numpy as np

from services.workshop.planning.calibration import Calibration
from services.workshop.planning.model import PlanAssignment, Workshop
from services.workshop.planning.simulation import SAMPLES, TimeSamples, WorkingTime
from services.workshop.planning.timeline import Calendar

MIN_SPREAD_MINUTES: Final = 1.0
"""Least spread in working minutes; with a smaller one, scores would only magnify rounding."""
SPREAD_QUANTILE: Final = 0.9
"""Quantile whose distance from the median is the spread."""


def shop_hours(workshop: Workshop) -> Calendar:
    """Return when at least one technician works; scores and margins are measured in this time."""
    return Calendar(window for t in workshop.technicians for window in t.working)


def score(hours: Calendar, expected: int, spread_minutes: float, finish: int) -> float:
    """Return how late an order finished against what was expected, in spreads."""
    return (hours.worked(finish) - hours.worked(expected)) / spread_minutes


class Forecast:
    """Possible finishes of an order's ``slots``, over all simulation runs."""

    def __init__(
        self,
        now: int,
        hours: WorkingTime,
        slots: Sequence[PlanAssignment],
        simulated: Mapping[str, TimeSamples],
    ) -> None:
        self._now, self._hours = now, hours
        self._planned = max(slot.finish for slot in slots)
        self._finishes = np.sort(np.max(np.array([simulated[p.job_id] for p in slots]), axis=0))
        worked = hours.worked(np.ceil(self._finishes))
        middle = worked[len(worked) // 2]
        self.expected = ceil(self._finishes[len(worked) // 2])
        upper = worked[int(SPREAD_QUANTILE * len(worked))]
        self.spread_minutes = max(MIN_SPREAD_MINUTES, float(upper - middle))
        self._scores = (worked - middle) / self.spread_minutes

    def promise(self, confidence: float, calibration: Calibration) -> int:
        """Return what may be promised with ``confidence``, or NEVER.

        It never lies before the planned finish.
        """
        return max(self._planned, self.calibrated(confidence, calibration))

    def calibrated(self, confidence: float, calibration: Calibration) -> int:
        """Return the moment by which the order is finished with ``confidence``, or NEVER.

        It may lie before the planned finish and before the earliest simulation run: replanning
        moves work earlier and changes the sequence of orders.
        """
        margin = calibration.margin(confidence, self._scores) * self.spread_minutes
        earliest = int(self._hours.worked(self._now)) + 1
        worked = max(earliest, int(self._hours.worked(self.expected)) + ceil(margin))
        return self._hours.calendar.reach(worked)

    def probability(self, promise: int) -> float:
        """Return the share of simulation runs in which the order is finished by ``promise``."""
        return float(np.searchsorted(self._finishes, promise, side="right")) / SAMPLES
