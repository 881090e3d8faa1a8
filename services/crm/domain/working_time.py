"""Deadlines in working hours and working days of a store (工作时间)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_LONGEST_SEARCH_DAYS = 400


@dataclass(frozen=True)
class WorkingTime:
    """Hours between ``opening`` and ``closing``, in local time, of the days a store works on."""

    zone: ZoneInfo
    opening: time
    closing: time
    works_on: Callable[[date], bool]

    def after_hours(self, moment: datetime, hours: int) -> datetime:
        """Return when so many working hours have passed since ``moment``.

        Raises:
            ValueError: there are not so many within a year; the calendar is wrong.
        """
        left, day = timedelta(hours=hours), moment.astimezone(self.zone).date()
        for distance in range(_LONGEST_SEARCH_DAYS):
            begin, end = self._hours_of(day + timedelta(days=distance))
            begin = max(begin, moment)
            if begin + left <= end:
                return (begin + left).astimezone(UTC)
            left -= max(end - begin, timedelta())
        raise ValueError(f"no {hours} working hours after {moment}")

    def after_days(self, moment: datetime, days: int) -> datetime:
        """Return when the last of so many working days after the day of ``moment`` ends.

        Raises:
            ValueError: there are not so many within a year; the calendar is wrong.
        """
        return self._hours_of(self._day_after(moment, days))[1]

    def morning_after(self, moment: datetime, days: int) -> datetime:
        """Return when the last of so many working days after the day of ``moment`` begins.

        Raises:
            ValueError: there are not so many within a year; the calendar is wrong.
        """
        return self._hours_of(self._day_after(moment, days))[0]

    def _day_after(self, moment: datetime, days: int) -> date:
        day = moment.astimezone(self.zone).date()
        for distance in range(1, _LONGEST_SEARCH_DAYS):
            candidate = day + timedelta(days=distance)
            days -= self.works_on(candidate)
            if not days:
                return candidate
        raise ValueError(f"no {days} working days after {moment}")

    def _hours_of(self, day: date) -> tuple[datetime, datetime]:
        """Return when the store opens and closes on a day; at once on one it does not work on."""
        begin = datetime.combine(day, self.opening, self.zone).astimezone(UTC)
        if not self.works_on(day):
            return begin, begin
        end_day = day + timedelta(days=self.closing <= self.opening)
        return begin, datetime.combine(end_day, self.closing, self.zone).astimezone(UTC)
