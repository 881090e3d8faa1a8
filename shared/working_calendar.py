"""Working calendar (工作日历): closed days, holidays and shifted working days."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import chinese_calendar

from shared.contracts.management import WorkingCalendarRules

_SATURDAY = 6
_LONGEST_PAUSE_DAYS = 60


@dataclass(frozen=True)
class WorkingCalendar:
    """Working days of China with shifted holidays, less the closed days of stores.

    ``holidays`` and ``workdays`` are for the ``overridden`` years, which the calendar library does
    not know yet. A year that neither knows works from Monday to Friday. Of the ``assumed`` years
    the holiday notice (放假通知) is not published yet.
    """

    closed: frozenset[date] = frozenset()
    overridden: frozenset[int] = frozenset()
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    assumed: frozenset[int] = frozenset()

    def is_assumed(self, day: date) -> bool:
        """Return whether the holidays of the year of ``day`` are only assumed (日历待定)."""
        if day.year in self.overridden:
            return day.year in self.assumed
        return not _is_published(day)

    def works_on(self, day: date) -> bool:
        """Return whether ``day`` is a working day (工作日)."""
        if day in self.closed:
            return False
        if day.year in self.overridden:
            return day in self.workdays or (_is_weekday(day) and day not in self.holidays)
        return bool(chinese_calendar.is_workday(day)) if _is_published(day) else _is_weekday(day)

    def next_working_day(self, day: date) -> date:
        """Return the first working day after ``day``.

        Raises:
            ValueError: no working day within two months; the calendar is wrong.
        """
        for distance in range(1, _LONGEST_PAUSE_DAYS):
            candidate = day + timedelta(days=distance)
            if self.works_on(candidate):
                return candidate
        raise ValueError(f"no working day within {_LONGEST_PAUSE_DAYS} days after {day}")


def calendar_of(rules: WorkingCalendarRules) -> WorkingCalendar:
    """Return the calendar that the group has decided on."""
    return WorkingCalendar(
        closed=_days(rules.closed),
        overridden=frozenset(each.year for each in rules.years),
        holidays=_days(day for each in rules.years for day in each.holidays),
        workdays=_days(day for each in rules.years for day in each.workdays),
        assumed=frozenset(each.year for each in rules.years if each.assumed),
    )


def _is_published(day: date) -> bool:
    """Return whether the calendar library has the holiday notice of the year of ``day``."""
    try:
        chinese_calendar.is_workday(day)
    except NotImplementedError:
        return False
    return True


def _is_weekday(day: date) -> bool:
    return day.isoweekday() < _SATURDAY


def _days(texts: Iterable[str]) -> frozenset[date]:
    return frozenset(map(date.fromisoformat, texts))
