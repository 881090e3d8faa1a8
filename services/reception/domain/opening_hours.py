"""Hours in which a store receives customers (营业时间)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from services.reception.domain import errors


@dataclass(frozen=True)
class OpeningHours:
    """Local times from ``opening`` to before ``closing``, on all days but those of ``closed``."""

    opening: time
    closing: time
    zone: ZoneInfo
    closed: frozenset[date] = frozenset()

    def is_open(self, moment: datetime) -> bool:
        """Return whether a customer who comes at ``moment`` is received."""
        local = moment.astimezone(self.zone)
        return local.date() not in self.closed and self.opening <= local.time() < self.closing

    def check_open(self, appointment_at: datetime) -> None:
        """Refuse a time at which the store is closed."""
        day = appointment_at.astimezone(self.zone).date()
        if day in self.closed:
            raise errors.store_closed_all_day(day)
        if not self.is_open(appointment_at):
            raise errors.store_closed(self.opening, self.closing)


@dataclass(frozen=True)
class OpeningDays:
    """Hours of each of some days; on a day without any, the store has closed for good (闭店).

    A store that has not opened yet has none before the day that it ``opens_on``.
    """

    zone: ZoneInfo
    hours: Mapping[date, OpeningHours]
    opens_on: date | None = None

    def is_open(self, moment: datetime) -> bool:
        """Return whether a customer who comes at ``moment`` is received."""
        hours = self.hours.get(moment.astimezone(self.zone).date())
        return hours is not None and hours.is_open(moment)

    def on(self, day: date) -> OpeningHours:
        """Return the hours of one of the days.

        Raises:
            RuleViolation: the store has closed for good by then, or has not opened yet.
        """
        if self.opens_on and day < self.opens_on:
            raise errors.store_not_open_yet(self.opens_on)
        if day not in self.hours:
            raise errors.store_ended()
        return self.hours[day]
