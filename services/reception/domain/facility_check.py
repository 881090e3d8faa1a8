"""Facility checks of customer lounge and service drive (日常检查)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zlib import crc32
from zoneinfo import ZoneInfo

from shared.contracts.reception import FacilityCheckCompleted, FacilityCheckOverdue
from shared.contracts.violations import RuleViolation, unknown_code

Result = Literal["ok", "failed"]

_REPORTED_WITHIN_S = 300


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


def due_times(lists: Sequence[FacilityChecklist], zone: ZoneInfo, day: date) -> dict[str, datetime]:
    """Return the time by which each area is to be checked on ``day``."""
    return {each.area: datetime.combine(day, each.due, zone).astimezone(UTC) for each in lists}


def report_delay(store_id: str) -> timedelta:
    """Return how long after a due time a store reports what is missing.

    It is always the same for a store, so that stores with the same due time report one after
    another.
    """
    return timedelta(seconds=crc32(store_id.encode()) % _REPORTED_WITHIN_S)


def next_due(lists: Sequence[FacilityChecklist], zone: ZoneInfo, after: datetime) -> datetime:
    """Return the first due time of an area after a moment, by the ``lists`` of its day.

    It is the start of the next day where nothing is due any more.
    """
    today = after.astimezone(zone).date()
    tomorrow = datetime.combine(today + timedelta(days=1), time(), zone).astimezone(UTC)
    due = due_times(lists, zone, today).values()
    return min((each for each in due if each > after), default=tomorrow)


def missing(
    store_id: str,
    day: date,
    due: Mapping[str, datetime],
    checked: Iterable[FacilityCheck],
    since: datetime,
    until: datetime,
) -> list[FacilityCheckOverdue]:
    """Return the areas that fell due after ``since`` until ``until`` and were not checked by then.

    ``checked`` are the checks of the day.
    """
    first: dict[str, datetime] = {}
    for check in checked:
        first[check.area] = min(check.checked_at, first.get(check.area, check.checked_at))
    return [
        FacilityCheckOverdue(store_id=store_id, area=area, day=day.isoformat(), due_at=due_at)
        for area, due_at in due.items()
        if since < due_at <= until and not (area in first and first[area] <= due_at)
    ]


def _items_missing(items: Sequence[str]) -> RuleViolation:
    return RuleViolation(
        "check_items_missing",
        f"These items were not looked at: {', '.join(items)}.",
        field="results",
        missing=list(items),
    )
