"""Calibration of stated confidences under any distribution of durations (承诺校准).

A promise's *score* is how far the actual finish lies from the expected one, in working minutes
divided by the simulated spread. The margin of a new promise is a quantile of the store's recent
scores, blended with those of the simulation while they are few, plus an offset for each
confidence that a tracker moves after every kept or broken promise. The tracker is the quantile
form of adaptive conformal inference (Gibbs and Candès 2021; Angelopoulos and others 2023): its
long-run share of kept promises is right under any distribution and any drift.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

SCORE_WINDOW: Final = 150
"""Recent scores that count."""
PRIOR_WEIGHT: Final = 40
"""Weight of the simulation, in scores; after as many real ones both weigh the same."""
STEP: Final = 0.35
"""How far one outcome moves an offset, in spreads."""

Scores = Sequence[float] | NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """One store's calibration: recent scores, oldest first, and an offset by confidence."""

    scores: tuple[float, ...] = ()
    offsets: Mapping[float, float] = field(default_factory=dict)

    def with_outcome(self, confidence: float, kept: bool) -> "Calibration":
        """Return the calibration after one more promise of ``confidence`` is kept or broken.

        A broken promise is scored when its time passes, not when the work is done: otherwise kept
        promises would always be recorded first.
        """
        offset = self.offsets.get(confidence, 0.0) + STEP * (confidence - kept)
        return replace(self, offsets={**self.offsets, confidence: offset})

    def with_score(self, score: float) -> "Calibration":
        """Return the calibration after one more order with a promise is done."""
        return replace(self, scores=(*self.scores, score)[-SCORE_WINDOW:])

    def margin(self, confidence: float, simulated: Scores) -> float:
        """Return the spreads to add to the expected finish.

        They never fall as ``confidence`` rises.
        """
        blend = _Blend(self.scores, simulated)
        offsets = dict(sorted(self.offsets.items())) or {confidence: 0.0}
        margins = [
            blend.quantile(min(upper, confidence)) + offset
            for (level, offset), upper in zip(
                offsets.items(), [*list(offsets)[1:], 1.0], strict=True
            )
            if level <= confidence
        ]
        return max(margins, default=blend.quantile(confidence) + next(iter(offsets.values())))


EMPTY_CALIBRATION: Final = Calibration()
"""Calibration of a store without scores: the simulation alone decides."""


class _Blend:
    """Real and simulated scores as one weighted distribution."""

    def __init__(self, scores: Sequence[float], simulated: Scores) -> None:
        values = np.concatenate([scores, simulated])
        weights = np.full(len(values), PRIOR_WEIGHT / len(simulated))
        weights[: len(scores)] = 1.0
        order = np.argsort(values, kind="stable")
        self._values, self._reached = values[order], np.cumsum(weights[order])

    def quantile(self, share: float) -> float:
        """Return the score that a ``share`` of the distribution does not exceed."""
        index = int(np.searchsorted(self._reached, share * self._reached[-1]))
        return float(self._values[min(index, len(self._values) - 1)])
