"""Working calendar (工作日历): closed days, holidays and shifted working days."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import chinese_calendar

from shared.group import read_yaml

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


def load_calendar(folder: Path) -> WorkingCalendar:
    """Load the working calendar of the group folder."""
    content = read_yaml(folder, "calendar.yaml")
    overrides = content.get("overrides") or {}
    return WorkingCalendar(
        closed=_days(content.get("closed")),
        overridden=frozenset(overrides),
        holidays=_days(day for year in overrides.values() for day in year["holidays"]),
        workdays=_days(day for year in overrides.values() for day in year["workdays"]),
        assumed=frozenset(year for year, days in overrides.items() if days.get("assumed")),
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


def _days(texts: Any) -> frozenset[date]:
    return frozenset(date.fromisoformat(text) for text in texts or ())
