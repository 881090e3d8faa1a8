"""The working calendar (工作日历): on which days an agent calls customers."""

from dataclasses import dataclass
from datetime import date, timedelta

import chinese_calendar

_SATURDAY = 6
_LONGEST_PAUSE_DAYS = 60


@dataclass(frozen=True)
class WorkingCalendar:
    """China's working days with their shifted holidays, less the days on which stores are closed.

    ``holidays`` and ``workdays`` are for the ``overridden`` years, which the calendar library does
    not know yet. A year that neither knows works from Monday to Friday.
    """

    closed: frozenset[date] = frozenset()
    overridden: frozenset[int] = frozenset()
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()

    def works_on(self, day: date) -> bool:
        """Whether ``day`` is a working day (工作日)."""
        if day in self.closed:
            return False
        if day.year in self.overridden:
            return day in self.workdays or (_is_weekday(day) and day not in self.holidays)
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError:
            return _is_weekday(day)

    def next_working_day(self, day: date) -> date:
        """The first working day after ``day``.

        Raises:
            ValueError: no working day within two months; the calendar is wrong.
        """
        for distance in range(1, _LONGEST_PAUSE_DAYS):
            candidate = day + timedelta(days=distance)
            if self.works_on(candidate):
                return candidate
        raise ValueError(f"no working day within {_LONGEST_PAUSE_DAYS} days after {day}")


def _is_weekday(day: date) -> bool:
    return day.isoweekday() < _SATURDAY
