"""Working days."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.working_calendar import WorkingCalendar

CHINA = WorkingCalendar()


def test_the_day_after_friday_is_monday() -> None:
    assert CHINA.next_working_day(date(2026, 3, 6)) == date(2026, 3, 9)


def test_holidays_are_skipped_and_shifted_workdays_are_not() -> None:
    assert CHINA.next_working_day(date(2026, 9, 30)) == date(2026, 10, 8)
    assert CHINA.works_on(date(2026, 10, 10))
    assert not CHINA.works_on(date(2026, 10, 1))


def test_stores_that_are_closed_do_not_call() -> None:
    closed = WorkingCalendar(closed=frozenset({date(2026, 3, 5)}))
    assert closed.next_working_day(date(2026, 3, 4)) == date(2026, 3, 6)


def test_overrides_speak_for_years_that_are_not_published_yet() -> None:
    overridden = WorkingCalendar(
        overridden=frozenset({2027}),
        holidays=frozenset({date(2027, 2, 8)}),
        workdays=frozenset({date(2027, 2, 20)}),
    )
    assert not overridden.works_on(date(2027, 2, 8))
    assert overridden.works_on(date(2027, 2, 20))
    assert overridden.works_on(date(2027, 2, 9))


def test_a_year_that_nobody_knows_works_from_monday_to_friday() -> None:
    assert CHINA.works_on(date(2040, 1, 2))
    assert not CHINA.works_on(date(2040, 1, 1))


def test_year_without_notice_is_assumed() -> None:
    fixed = WorkingCalendar(overridden=frozenset({2027, 2028}), assumed=frozenset({2027}))
    assert fixed.is_assumed(date(2027, 6, 1))
    assert not fixed.is_assumed(date(2028, 6, 1))
    assert CHINA.is_assumed(date(2040, 1, 2))
    assert not CHINA.is_assumed(date(2026, 1, 2))


@given(st.dates(date(2004, 1, 1), date(2045, 12, 31)))
def test_the_next_working_day_is_the_first_one(day: date) -> None:
    following = CHINA.next_working_day(day)
    between = [day + timedelta(days=n) for n in range(1, (following - day).days)]
    assert following > day
    assert CHINA.works_on(following)
    assert not any(map(CHINA.works_on, between))
