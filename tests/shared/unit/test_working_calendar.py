"""Working days."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.working_calendar import WorkingCalendar

CHINA = WorkingCalendar()


def test_next_working_day_after_friday_is_monday() -> None:
    assert CHINA.next_working_day(date(2026, 3, 6)) == date(2026, 3, 9)


def test_holidays_are_skipped_and_shifted_workdays_count() -> None:
    assert CHINA.next_working_day(date(2026, 9, 30)) == date(2026, 10, 8)
    assert CHINA.works_on(date(2026, 10, 10))
    assert not CHINA.works_on(date(2026, 10, 1))


def test_closed_day_is_no_working_day() -> None:
    closed = WorkingCalendar(closed=frozenset({date(2026, 3, 5)}))
    assert closed.next_working_day(date(2026, 3, 4)) == date(2026, 3, 6)


def test_overrides_apply_to_unpublished_years() -> None:
    overridden = WorkingCalendar(
        overridden=frozenset({2027}),
        holidays=frozenset({date(2027, 2, 8)}),
        workdays=frozenset({date(2027, 2, 20)}),
    )
    assert not overridden.works_on(date(2027, 2, 8))
    assert overridden.works_on(date(2027, 2, 20))
    assert overridden.works_on(date(2027, 2, 9))


def test_unknown_year_works_monday_to_friday() -> None:
    assert CHINA.works_on(date(2040, 1, 2))
    assert not CHINA.works_on(date(2040, 1, 1))


def test_unpublished_year_is_assumed() -> None:
    fixed = WorkingCalendar(overridden=frozenset({2027, 2028}), assumed=frozenset({2027}))
    assert fixed.is_assumed(date(2027, 6, 1))
    assert not fixed.is_assumed(date(2028, 6, 1))
    assert CHINA.is_assumed(date(2040, 1, 2))
    assert not CHINA.is_assumed(date(2026, 1, 2))


@given(st.dates(date(2004, 1, 1), date(2045, 12, 31)))
def test_next_working_day_is_first_after_day(day: date) -> None:
    following = CHINA.next_working_day(day)
    between = [day + timedelta(days=n) for n in range(1, (following - day).days)]
    assert following > day
    assert CHINA.works_on(following)
    assert not any(map(CHINA.works_on, between))
