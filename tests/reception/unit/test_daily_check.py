"""Hours by which areas are looked at each day, and areas that were not (R43)."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from services.reception.domain import daily_check as checks
from services.reception.domain.daily_check import CheckList

SHANGHAI = ZoneInfo("Asia/Shanghai")
LISTS = [
    CheckList("hall", time(9), ("floor_clean",)),
    CheckList("lanes", time(9), ("lines_visible",)),
    CheckList("toilets", time(14), ("soap",)),
]
NINE, TWO = datetime(2026, 3, 5, 1, tzinfo=UTC), datetime(2026, 3, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "due_at"),
    [
        (datetime(2026, 3, 4, 16, tzinfo=UTC), NINE),
        (NINE, TWO),
        (TWO, datetime(2026, 3, 6, 1, tzinfo=UTC)),
    ],
)
def test_next_checks_are_due_at_areas_hour(after: datetime, due_at: datetime) -> None:
    assert checks.next_due(LISTS, SHANGHAI, after) == due_at


def test_unchecked_areas_of_the_hour_are_missing() -> None:
    (event,) = checks.missing("S01", LISTS, SHANGHAI, NINE, {"hall"})
    assert (event.area, event.day, event.due_at) == ("lanes", "2026-03-05", NINE)
    assert checks.missing("S01", LISTS, SHANGHAI, TWO, {"toilets"}) == []
