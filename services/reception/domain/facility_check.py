"""Facility checks of customer lounge and service drive (日常检查)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from shared.contracts.reception import FacilityCheckCompleted, FacilityCheckOverdue
from shared.contracts.violations import RuleViolation, unknown_code

Result = Literal["ok", "failed"]


@dataclass(frozen=True)
class FacilityChecklist:
    """Items of an area (检查区域) to check each day, and the local times by which to check them."""

    area: str
    due: time
    items: tuple[str, ...]


@dataclass(frozen=True)
class FacilityCheck:
    """Facility check of one area; ``photo_id`` is a photo of it."""

    check_id: str
    store_id: str
    area: str
    day: date
    results: Mapping[str, Result]
    photo_id: str | None
    checked_by: str
    checked_at: datetime

    @property
    def failed(self) -> tuple[str, ...]:
        """Items that failed and need corrective action."""
        return tuple(item for item, result in self.results.items() if result == "failed")


def record(
    check: FacilityCheck, lists: Sequence[FacilityChecklist]
) -> list[FacilityCheckCompleted]:
    """Record a check of every item of its area's list."""
    listed = next((each for each in lists if each.area == check.area), None)
    if listed is None:
        raise unknown_code("area", check.area)
    for item in check.results:
        if item not in listed.items:
            raise unknown_code("results", item)
    if missing := [item for item in listed.items if item not in check.results]:
        raise _items_missing(missing)
    return [
        FacilityCheckCompleted(
            store_id=check.store_id,
            check_id=check.check_id,
            area=check.area,
            day=check.day.isoformat(),
            items=tuple(check.results),
            failed=check.failed,
            photo_id=check.photo_id,
            checked_by=check.checked_by,
            checked_at=check.checked_at,
        )
    ]


def next_due(lists: Sequence[FacilityChecklist], zone: ZoneInfo, after: datetime) -> datetime:
    """Return the first due time of an area after a moment."""
    today = after.astimezone(zone).date()
    hours = [
        datetime.combine(today + timedelta(days=later), each.due, zone)
        for later in (0, 1)
        for each in lists
    ]
    return min(hour for hour in hours if hour > after).astimezone(UTC)


def missing(
    store_id: str,
    lists: Sequence[FacilityChecklist],
    zone: ZoneInfo,
    due_at: datetime,
    checked: Collection[str],
) -> list[FacilityCheckOverdue]:
    """Return the areas due at ``due_at`` that are not among those ``checked`` that day."""
    day = due_at.astimezone(zone).date()
    return [
        FacilityCheckOverdue(store_id=store_id, area=each.area, day=day.isoformat(), due_at=due_at)
        for each in lists
        if datetime.combine(day, each.due, zone) == due_at and each.area not in checked
    ]


def _items_missing(items: Sequence[str]) -> RuleViolation:
    return RuleViolation(
        "check_items_missing",
        f"These items were not looked at: {', '.join(items)}.",
        field="results",
        missing=list(items),
    )
