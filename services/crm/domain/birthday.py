"""Birthdays of customers (生日): month and day, without the year."""

from calendar import isleap
from datetime import date
from typing import Annotated

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


def celebrated_on(day: date) -> list[str]:
    """Return the birthdays of a day; 02-29 is on the last of February in years that lack it."""
    found = [f"{day:%m-%d}"]
    if found == ["02-28"] and not isleap(day.year):
        found.append("02-29")
    return found
