"""Birthdays: each is celebrated once a year (R21)."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.domain.birthday import celebrated_on, written_month_day


@given(st.dates(date(2000, 1, 1), date(2000, 12, 31)), st.integers(2024, 2031))
def test_each_birthday_is_celebrated_once_a_year(born: date, year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=number) for number in range(366)]
    found = [day for day in days if day.year == year and f"{born:%m-%d}" in celebrated_on(day)]
    assert len(found) == 1


@pytest.mark.parametrize(("year", "found"), [(2026, ["02-28", "02-29"]), (2028, ["02-28"])])
def test_leap_day_is_celebrated_on_last_of_february(year: int, found: list[str]) -> None:
    assert celebrated_on(date(year, 2, 28)) == found


@given(st.dates(date(1900, 1, 1)), st.sampled_from(["-", "/", "."]))
def test_written_birthday_keeps_month_and_day(born: date, between: str) -> None:
    month_day = f"{born:%m-%d}"
    parts = (f"{born.year:04}", f"{born.month}", f"{born.day}")
    assert written_month_day(between.join(parts)) == month_day
    assert written_month_day(f"{born:%Y%m%d}") == month_day
    assert written_month_day(f"{born:%Y-%m-%d 00:00:00}") == month_day
    assert written_month_day(f" {born.month}月{born.day}日") == month_day
    assert written_month_day(month_day) == month_day


@pytest.mark.parametrize("text", ["02-30", "1981-02-29", "14/3", "3.1", "29294", "spring", "3-"])
def test_what_is_no_birthday_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"month|day"):
        written_month_day(text)
