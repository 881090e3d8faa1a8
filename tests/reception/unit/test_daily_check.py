"""Times of each day's area checks, and missed areas (R43)."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from services.reception.domain import facility_check as checks
from services.reception.domain.facility_check import FacilityChecklist

SHANGHAI = ZoneInfo("Asia/Shanghai")
LISTS = [
    FacilityChecklist("customer_lounge", time(9), ("floor_clean",)),
    FacilityChecklist("service_drive", time(9), ("lines_visible",)),
    FacilityChecklist("toilets", time(14), ("soap",)),
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
    (event,) = checks.missing("S01", LISTS, SHANGHAI, NINE, {"customer_lounge"})
    assert (event.area, event.day, event.due_at) == ("service_drive", "2026-03-05", NINE)
    assert checks.missing("S01", LISTS, SHANGHAI, TWO, {"toilets"}) == []
