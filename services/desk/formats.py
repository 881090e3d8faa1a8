"""Formats of times, durations, money and shares."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.desk.i18n import Translator
from shared.formats import dialed

NOTHING = "—"


def clock(value: datetime | None, zone: ZoneInfo) -> str:
    """Format hour and minute on the store's clocks."""
    return value.astimezone(zone).strftime("%H:%M") if value else NOTHING


def local(value: datetime, zone: ZoneInfo) -> str:
    """Format day and time on the store's clocks, as a browser's field has them."""
    return value.astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def span(begin: datetime | None, end: datetime | None, zone: ZoneInfo) -> str:
    """Format from hour and minute to hour and minute; nothing while it is not planned."""
    return f"{clock(begin, zone)}–{clock(end, zone)}" if begin and end else NOTHING


def period(begin: datetime | None, end: datetime | None, zone: ZoneInfo) -> str:
    """Format from day and time to day and time on the store's clocks; nothing without both."""
    if begin is None or end is None:
        return NOTHING
    moments = (each.astimezone(zone) for each in (begin, end))
    return " – ".join(f"{each:%m-%d %H:%M}" for each in moments)


def day_and_clock(value: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    """Format hour and minute, with the day in front unless it is today."""
    if value is None:
        return NOTHING
    local, today = value.astimezone(zone), now.astimezone(zone).date()
    return local.strftime("%H:%M" if local.date() == today else "%m-%d %H:%M")


def seconds_since(value: datetime, now: datetime) -> int:
    """Return whole seconds from ``value`` to ``now``, never negative."""
    return max(0, int((now - value) / timedelta(seconds=1)))


def stopwatch(seconds: float) -> str:
    """Format minutes and seconds, with hours in front when there are any."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes:02}:{left:02}"


def duration(t: Translator, seconds: float) -> str:
    """Format hours and minutes in words; minutes and seconds within the hour."""
    hours, rest = divmod(int(seconds), 3600)
    if not hours:
        return stopwatch(seconds)
    return t("{hours} h {minutes} min", hours=hours, minutes=rest // 60)


def money(cents: float | None) -> str:
    """Format yuan with two decimals."""
    return NOTHING if cents is None else f"¥{cents / 100:,.2f}"


def hours(value: float | None) -> str:
    """Format hours with one decimal."""
    return NOTHING if value is None else f"{value:,.1f} h"


def cents(yuan: float) -> int:
    """Return the cents of an amount typed in yuan."""
    return round(yuan * 100)


def share(value: float | None) -> str:
    """Format a ratio in per cent; absent when its denominator is 0."""
    return NOTHING if value is None else f"{value:.1%}"


def shares(value: Mapping[str, float] | None) -> str:
    """Format ratios in per cent, one a line behind their names; absent when there are none."""
    if value is None:
        return NOTHING
    return "\n".join(f"{name}: {share(each)}" for name, each in value.items())


def by_confidence(value: Mapping[str, float] | None) -> str:
    """Format the same by stated confidences, themselves in per cent."""
    return shares(value and {f"{float(stated):.0%}": kept for stated, kept in value.items()})


def average(value: float | None) -> str:
    """Format a mean of ratings, with one decimal."""
    return NOTHING if value is None else f"{value:.1f}"


def points(value: float | None) -> str:
    """Format a satisfaction index on 1,000, without decimals."""
    return NOTHING if value is None else f"{value:,.0f}"


def minutes(value: float | None) -> str:
    """Format whole minutes."""
    return NOTHING if value is None else f"{value:,.0f} min"


def minutes_seconds(value: float | None) -> str:
    """Format a duration in seconds as minutes and seconds."""
    return NOTHING if value is None else stopwatch(value)


def plain(value: object) -> str:
    """Format a value of an event readably."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {plain(each)}" for name, each in value.items())
    if isinstance(value, list):
        return " · ".join(plain(each) for each in value) or NOTHING
    return NOTHING if value is None else str(value)


def phone(t: Translator, value: str | None) -> str:
    """Format a telephone number as it is dialed, with its extension."""
    if not value:
        return NOTHING
    number, extension = dialed(value)
    words = "{number} ext. {extension}"
    return t(words, number=number, extension=extension) if extension else number


def queue_number(number: int) -> str:
    """Format a queue number as it is called out."""
    return f"{number:03}"
