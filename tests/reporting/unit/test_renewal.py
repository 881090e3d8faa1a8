"""Rates of insurance renewal (R27)."""

from services.reporting.domain.renewal import (
    PoliciesSold,
    renewal_again_rate,
    renewal_new_rate,
    renewal_rate,
    renewal_reach_rate,
)

NONE = PoliciesSold(0, 0, 0, 0)
BEFORE = PoliciesSold(new=6, renewals=4, renewals_of_new=3, renewals_again=1)
SOLD = PoliciesSold(new=9, renewals=5, renewals_of_new=3, renewals_again=2)


def test_renewals_are_divided_by_year_before() -> None:
    assert renewal_rate(SOLD, BEFORE) == 5 / 10
    assert renewal_new_rate(SOLD, BEFORE) == 3 / 6
    assert renewal_again_rate(SOLD, BEFORE) == 2 / 4
    assert renewal_reach_rate(SOLD, 20) == 5 / 20


def test_rate_over_nothing_is_absent() -> None:
    rates = (renewal_rate, renewal_new_rate, renewal_again_rate)
    assert [rate(SOLD, NONE) for rate in rates] == [None, None, None]
    assert renewal_reach_rate(SOLD, 0) is None
