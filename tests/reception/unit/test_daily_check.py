"""Times of each day's area checks, and missed areas (R43)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reception.domain import facility_check as checks
from services.reception.domain.facility_check import FacilityCheck, FacilityChecklist

SHANGHAI = ZoneInfo("Asia/Shanghai")
LISTS = [
    FacilityChecklist("customer_lounge", time(9), ("floor_clean",)),
    FacilityChecklist("service_drive", time(9), ("lines_visible",)),
    FacilityChecklist("toilets", time(14), ("soap",)),
]
DAY = date(2026, 3, 5)
NINE, TWO = datetime(2026, 3, 5, 1, tzinfo=UTC), datetime(2026, 3, 5, 6, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 5, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "due_at"),
    [
        (datetime(2026, 3, 4, 16, tzinfo=UTC), NINE),
        (NINE, TWO),
        (TWO, MIDNIGHT),
        (MIDNIGHT, NINE + timedelta(days=1)),
    ],
)
def test_next_checks_are_due_at_areas_hour(after: datetime, due_at: datetime) -> None:
    assert checks.next_due(LISTS, SHANGHAI, after) == due_at


def checked_at(area: str, at: datetime) -> FacilityCheck:
    return FacilityCheck("k", "S01", area, DAY, {}, None, "a", at)


def missing(
    since: datetime, until: datetime, *checked: FacilityCheck
) -> list[tuple[str, str, datetime]]:
    due = checks.due_times(LISTS, SHANGHAI, DAY)
    events = checks.missing("S01", DAY, due, checked, since, until)
    return [(event.area, event.day, event.due_at) for event in events]


def test_unchecked_areas_of_the_hour_are_missing() -> None:
    [found] = missing(NINE - timedelta(hours=9), NINE, checked_at("customer_lounge", NINE))
    assert found == ("service_drive", "2026-03-05", NINE)
    assert missing(NINE, TWO, checked_at("toilets", NINE)) == []


def test_area_due_since_last_timer_is_missing_once() -> None:
    assert [area for area, *_ in missing(NINE, MIDNIGHT)] == ["toilets"]
    assert missing(TWO, MIDNIGHT) == missing(NINE, NINE) == []


@given(st.text(min_size=1), st.integers(1, 600))
def test_late_check_is_missing_however_late_reported(store_id: str, late_s: int) -> None:
    delay = checks.report_delay(store_id)
    assert timedelta(0) <= delay < timedelta(minutes=5)
    late = checked_at("toilets", TWO + timedelta(seconds=late_s))
    in_time = checked_at("toilets", TWO - timedelta(seconds=late_s))
    assert [area for area, *_ in missing(NINE, TWO + delay, late)] == ["toilets"]
    assert missing(NINE, TWO + delay, late, in_time) == []
