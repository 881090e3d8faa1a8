"""How moments, durations, money and shares are written."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.desk.i18n import Translator
from shared.formats import dialed

NOTHING = "—"


def moment(value: str | None) -> datetime | None:
    """A time as the services write it."""
    return datetime.fromisoformat(value) if value else None


def clock(value: datetime | str | None, zone: ZoneInfo) -> str:
    """Hour and minute on the store's clocks."""
    known = moment(value) if isinstance(value, str) else value
    return known.astimezone(zone).strftime("%H:%M") if known else NOTHING


def local(value: datetime | str, zone: ZoneInfo) -> str:
    """Day and time on the store's clocks, as a browser's field has them."""
    known = datetime.fromisoformat(value) if isinstance(value, str) else value
    return known.astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def span(begin: str | None, end: str | None, zone: ZoneInfo) -> str:
    """From hour and minute to hour and minute; nothing while it is not planned."""
    return f"{clock(begin, zone)}–{clock(end, zone)}" if begin and end else NOTHING


def period(begin: str, end: str, zone: ZoneInfo) -> str:
    """From day and time to day and time on the store's clocks."""
    moments = (datetime.fromisoformat(each).astimezone(zone) for each in (begin, end))
    return " – ".join(f"{each:%m-%d %H:%M}" for each in moments)


def day_and_clock(value: datetime | str | None, zone: ZoneInfo, now: datetime) -> str:
    """Hour and minute, with the day in front unless it is today."""
    known = moment(value) if isinstance(value, str) else value
    if known is None:
        return NOTHING
    local, today = known.astimezone(zone), now.astimezone(zone).date()
    return local.strftime("%H:%M" if local.date() == today else "%m-%d %H:%M")


def seconds_since(value: str, now: datetime) -> int:
    """Whole seconds from ``value`` to ``now``, never negative."""
    return max(0, int((now - datetime.fromisoformat(value)) / timedelta(seconds=1)))


def stopwatch(seconds: float) -> str:
    """Minutes and seconds, with hours in front when there are any."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes:02}:{left:02}"


def money(cents: int | None) -> str:
    """Yuan with two decimals."""
    return NOTHING if cents is None else f"¥{cents / 100:,.2f}"


def hours(value: float | None) -> str:
    """Hours with one decimal."""
    return NOTHING if value is None else f"{value:,.1f} h"


def cents(yuan: float) -> int:
    """What was typed in yuan."""
    return round(yuan * 100)


def share(value: float | None) -> str:
    """A ratio in per cent; absent when its denominator is 0."""
    return NOTHING if value is None else f"{value:.1%}"


def shares(value: Mapping[str, float] | None) -> str:
    """Ratios in per cent, one a line behind what they stand for; absent when there are none."""
    if value is None:
        return NOTHING
    return "\n".join(f"{name}: {share(each)}" for name, each in value.items())


def by_confidence(value: Mapping[str, float] | None) -> str:
    """The same by stated confidences, themselves in per cent."""
    return shares(value and {f"{float(stated):.0%}": kept for stated, kept in value.items()})


def average(value: float | None) -> str:
    """A mean of marks, with one decimal."""
    return NOTHING if value is None else f"{value:.1f}"


def minutes(value: float | None) -> str:
    """Whole minutes."""
    return NOTHING if value is None else f"{value:,.0f} min"


def minutes_seconds(value: float | None) -> str:
    """A duration in seconds as minutes and seconds."""
    return NOTHING if value is None else stopwatch(value)


def plain(value: Any) -> str:
    """A value of an event, readable."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {plain(each)}" for name, each in value.items())
    if isinstance(value, list):
        return " · ".join(plain(each) for each in value) or NOTHING
    return NOTHING if value is None else str(value)


def phone(t: Translator, value: str | None) -> str:
    """A telephone number as it is dialed, with its extension."""
    if not value:
        return NOTHING
    number, extension = dialed(value)
    words = "{number} ext. {extension}"
    return t(words, number=number, extension=extension) if extension else number
