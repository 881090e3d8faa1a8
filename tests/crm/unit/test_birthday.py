"""Birthdays: each is celebrated once a year (R21)."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.domain.birthday import celebrated_on


@given(st.dates(date(2000, 1, 1), date(2000, 12, 31)), st.integers(2024, 2031))
def test_each_birthday_is_celebrated_once_a_year(born: date, year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(366)]
    found = [day for day in days if day.year == year and f"{born:%m-%d}" in celebrated_on(day)]
    assert len(found) == 1


@pytest.mark.parametrize(("year", "found"), [(2026, ["02-28", "02-29"]), (2028, ["02-28"])])
def test_leap_day_is_celebrated_on_last_of_february(year: int, found: list[str]) -> None:
    assert celebrated_on(date(year, 2, 28)) == found
