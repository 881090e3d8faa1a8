"""Days and months as they are typed in files (日期, 月份)."""

import re
from contextlib import suppress
from datetime import date

from shared.contracts.base import in_business_years

_DAY = re.compile(
    r"(\d{4})(?:([-/.])(\d{1,2})\2(\d{1,2})|年(\d{1,2})月(\d{1,2})日|(\d{2})(\d{2}))", re.ASCII
)
_MONTH = re.compile(r"(\d{4})(?:[-/.](\d{1,2})|年(\d{1,2})月|(\d{2}))", re.ASCII)


def day_of(text: str) -> date | None:
    """Return the day that a text names: 2026-03-04, 2026/3/4, 2026年3月4日 or 20260304."""
    if found := _DAY.fullmatch(text):
        year, month, day = (int(each) for each in found.groups() if each and each.isdigit())
        with suppress(ValueError):
            return in_business_years(date(year, month, day))
    return None


def month_of(text: str) -> date | None:
    """Return the first day of the month that a text names: 2026-03, 2026/3, 2026年3月, 202603, or
    the first day itself.
    """
    if found := _MONTH.fullmatch(text):
        year, month = (int(each) for each in found.groups() if each)
        with suppress(ValueError):
            return in_business_years(date(year, month, 1))
    return day_of(text)
