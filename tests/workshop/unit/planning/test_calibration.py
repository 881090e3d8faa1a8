"""Calibration of stated confidences, under distributions that the simulation does not know."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workshop.planning.calibration import Calibration
from services.workshop.planning.model import NORMAL

DISTRIBUTIONS: dict[str, Callable[[Random, float], float]] = {
    "log-normal": lambda rng, _: rng.lognormvariate(0, 0.8) - 1,
    "gamma": lambda rng, _: rng.gammavariate(2, 0.7) - 1,
    "mixture": lambda rng, _: rng.gauss(0, 0.4) + (6 if rng.random() < 0.08 else 0),
    "drift": lambda rng, progress: rng.gauss(1.5 if progress > 0.5 else 0, 1),
}


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.9, 0.95])
def test_calibrated_promises_are_kept_at_stated_confidence(
    distribution: str, confidence: float
) -> None:
    rng, calibration, kept, orders = Random(5), Calibration(), 0, 1500
    for n in range(orders):
        actual = DISTRIBUTIONS[distribution](rng, n / orders)
        was_kept = actual <= calibration.margin(confidence, NORMAL)
        kept += was_kept
        calibration = calibration.with_outcome(confidence, was_kept).with_score(actual)
    assert abs(kept / orders - confidence) <= 0.02


scores = st.lists(st.floats(-5, 20), max_size=30)
levels = st.dictionaries(st.sampled_from((0.5, 0.8, 0.9, 0.95)), st.floats(-3, 3))


@given(scores, levels, st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_margin_never_falls_with_confidence(
    known: list[float], offsets: dict[float, float], p: float, q: float
) -> None:
    calibration = Calibration(tuple(known), offsets)
    low, high = sorted((p, q))
    assert calibration.margin(low, NORMAL) <= calibration.margin(high, NORMAL)
