"""The rhythm of a customer's visits, and when they count as lost (R26)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.domain.rhythm import (
    Absence,
    absence,
    lapse_by_formula,
    occasions,
    rhythm,
    risk_score,
)
from shared.contracts.management import DefectionRules

ZONE = ZoneInfo("Asia/Shanghai")
FIRST = date(2024, 1, 10)
LAST = datetime(2026, 3, 4, 8, tzinfo=UTC)
RULES = DefectionRules()

intervals = st.lists(st.integers(8, 400), min_size=2, max_size=12)


def days_of(gaps: list[int]) -> list[date]:
    days = [FIRST]
    for gap in gaps:
        days.append(days[-1] + timedelta(days=gap))
    return days


@given(intervals)
def test_usual_interval_lies_within_intervals(gaps: list[int]) -> None:
    found = rhythm(days_of(gaps), 3)
    assert found
    assert min(gaps) <= found.interval_days <= max(gaps)
    assert found.longest_absence_days > found.interval_days


@given(st.integers(30, 200), st.integers(2, 5), st.integers(201, 3000))
def test_one_long_absence_changes_no_rhythm(gap: int, pairs: int, outlier: int) -> None:
    regular, disturbed = [gap] * (2 * pairs), [gap] * (2 * pairs) + [outlier]
    assert rhythm(days_of(disturbed), 3) == rhythm(days_of(regular), 3)


@given(intervals, st.randoms(use_true_random=False))
def test_order_of_days_changes_no_rhythm(gaps: list[int], chance: object) -> None:
    days = days_of(gaps)
    shuffled = list(days)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert rhythm(shuffled, 3) == rhythm(days, 3)


def test_comeback_within_a_week_is_no_visit() -> None:
    days = [FIRST, FIRST + timedelta(days=3), FIRST + timedelta(days=90)]
    assert occasions(days) == [days[0], days[2]]
    assert rhythm(days, 3) is None


def test_too_few_visits_have_no_rhythm() -> None:
    assert rhythm(days_of([90]), 3) is None
    assert rhythm([], 3) is None


@pytest.mark.parametrize(
    ("last", "lost"),
    [
        (date(2026, 1, 1), date(2026, 8, 1)),
        (date(2026, 1, 31), date(2026, 8, 1)),
        (date(2026, 6, 15), date(2027, 1, 1)),
        (date(2025, 12, 31), date(2026, 7, 1)),
    ],
)
def test_formula_counts_whole_months(last: date, lost: date) -> None:
    assert lapse_by_formula(last, 6) == lost


def test_shorter_of_both_measures_counts() -> None:
    usual = rhythm(days_of([40, 40, 40]), 3)
    by_rhythm = absence(LAST, usual, RULES, ZONE)
    assert by_rhythm == Absence(LAST + timedelta(days=52.5), LAST + timedelta(days=70), "rhythm")
    by_formula = absence(LAST, rhythm(days_of([365, 365]), 3), RULES, ZONE)
    assert by_formula
    assert (by_formula.basis, by_formula.lapses_at) == (
        "formula",
        datetime(2026, 10, 1, tzinfo=ZONE),
    )


def test_rule_chooses_measure() -> None:
    usual = rhythm(days_of([40, 40, 40]), 3)
    only_formula = absence(LAST, usual, DefectionRules(lost_by="formula"), ZONE)
    assert only_formula
    assert only_formula.basis == "formula"
    assert absence(LAST, None, DefectionRules(lost_by="rhythm"), ZONE) is None


@given(st.integers(0, 2000))
def test_score_rises_to_hundred_at_lapse(days: int) -> None:
    lapses_at = LAST + timedelta(days=100)
    score = risk_score(LAST, lapses_at, LAST + timedelta(days=days))
    assert score == min(100, days)


@given(intervals, st.integers(1000, 9900))
def test_risk_comes_before_lapse(gaps: list[int], risk_bp: int) -> None:
    away = absence(LAST, rhythm(days_of(gaps), 3), DefectionRules(risk_bp=risk_bp), ZONE)
    assert away
    assert LAST < away.at_risk_at < away.lapses_at
