"""Rates of defection and retention (R26)."""

from hypothesis import given
from hypothesis import strategies as st

from services.reporting.domain.retention import (
    lapse_rate,
    lapse_rates,
    month_before,
    retention_rate,
)


@given(st.integers(1990, 2100), st.integers(1, 12), st.integers(-30, 30))
def test_months_before_and_after_cancel_out(year: int, month: int, months: int) -> None:
    named = f"{year:04}-{month:02}"
    assert month_before(month_before(named, months), -months) == named


def test_month_before_january_is_december() -> None:
    assert month_before("2026-01", 1) == "2025-12"
    assert month_before("2025-12", -1) == "2026-01"


def test_rates_without_customers_are_absent() -> None:
    assert lapse_rate(0, 0) is None
    assert lapse_rates({"gold": (0, 0), "silver": (4, 3)}) == {"silver": 0.25}
    assert retention_rate(0, 5, 5) is None


def test_new_customers_do_not_count_as_retained() -> None:
    assert retention_rate(10, 12, 4) == 0.8
