"""Confidence intervals of means."""

import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.domain.confidence import Estimate, estimate, t_quantile

SCORES = st.lists(st.integers(100, 1000), min_size=2, max_size=60)


def interval(values: list[int]) -> Estimate:
    deviation = statistics.stdev(values)
    return estimate(len(values), statistics.fmean(values), deviation, lowest=100, highest=1000)


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (4, 2.7764), (9, 2.2622), (30, 2.0423), (120, 1.9799)],
)
def test_quantile_is_that_of_published_tables(degrees: int, expected: float) -> None:
    assert t_quantile(0.975, degrees) == pytest.approx(expected, abs=1e-3)


@given(st.integers(1, 500), st.floats(0.55, 0.998))
def test_quantile_falls_with_more_answers(degrees: int, probability: float) -> None:
    assert t_quantile(probability, degrees + 1) <= t_quantile(probability, degrees) + 1e-3


@given(SCORES)
def test_interval_contains_mean_within_scale(values: list[int]) -> None:
    found = interval(values)
    assert found.low is not None
    assert found.high is not None
    assert 100 <= found.low <= found.mean + 1e-9
    assert found.mean - 1e-9 <= found.high <= 1000


@given(SCORES)
def test_same_answers_twice_narrow_interval(values: list[int]) -> None:
    once, twice = interval(values), interval(values * 2)
    assert once.high is not None
    assert twice.high is not None
    assert twice.high - twice.mean <= once.high - once.mean + 1e-9


def test_single_answer_has_no_interval() -> None:
    assert estimate(1, 800, None, lowest=100, highest=1000) == Estimate(1, 800, None, None)


def test_interval_holds_true_mean_as_stated() -> None:
    luck = random.Random(7)
    held = 0
    for _ in range(1_000):
        values = [round(luck.gauss(700, 60)) for _ in range(8)]
        found = interval(values)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 700 <= found.high
    assert 930 <= held <= 970
