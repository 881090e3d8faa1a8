"""Birthdays of customers (生日): month and day, without the year."""

import re
from calendar import isleap
from datetime import date
from typing import Annotated
from unicodedata import normalize

from pydantic import AfterValidator, Field

_LEAP_YEAR = 2000


def _valid_day(text: str) -> str:
    try:
        date.fromisoformat(f"{_LEAP_YEAR}-{text}")
    except ValueError:
        raise ValueError("there is no such day: month and day, like 03-14") from None
    return text


MonthDay = Annotated[
    str,
    Field(pattern=r"^[0-9]{2}-[0-9]{2}$", description="生日，MM-DD"),
    AfterValidator(_valid_day),
]


_WRITTEN = re.compile(
    r"(?:(?P<year>\d{4})(?P<between>[-/.年]))?(?P<month>\d{1,2})(?(between)[-/.月]|[-/月])"
    r"(?P<day>\d{1,2})日?(?: 00:00:00)?"
    r"|(?P<year8>\d{4})(?P<month8>\d{2})(?P<day8>\d{2})"
)


def written_month_day(text: str) -> str:
    """Return month and day of a birthday as sheets have it: 3月14日, 03-14, 1980/3/14, 19800314.

    A year is not kept.

    Raises:
        ValueError: it is no such day.
    """
    found = _WRITTEN.fullmatch(normalize("NFKC", text).strip())
    if found is None:
        raise ValueError("it is no month and day")
    year, month, day = (found[name] or found[f"{name}8"] for name in ("year", "month", "day"))
    return f"{date(int(year or _LEAP_YEAR), int(month), int(day)):%m-%d}"


def celebrated_on(day: date) -> list[str]:
    """Return the birthdays of a day; 02-29 is on the last of February in years that lack it."""
    found = [f"{day:%m-%d}"]
    if found == ["02-28"] and not isleap(day.year):
        found.append("02-29")
    return found
