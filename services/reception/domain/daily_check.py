"""Daily checks of hall and lanes (日常检查)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Literal

from shared.contracts.reception import DailyCheckMissing, DailyCheckRecorded
from shared.contracts.violations import RuleViolation, unknown_code

Result = Literal["ok", "failed"]


@dataclass(frozen=True)
class CheckList:
    """What is looked at in an area (检查区域) each day, and by which local time."""

    area: str
    due: time
    items: tuple[str, ...]


@dataclass(frozen=True)
class DailyCheck:
    """An area as somebody found it; ``photo_id`` is a photo of it."""

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
        """The items that are to be put right."""
        return tuple(item for item, result in self.results.items() if result == "failed")


def record(check: DailyCheck, lists: Sequence[CheckList]) -> list[DailyCheckRecorded]:
    """Take down a check of every item of its area's list."""
    listed = next((each for each in lists if each.area == check.area), None)
    if listed is None:
        raise unknown_code("area", check.area)
    for item in check.results:
        if item not in listed.items:
            raise unknown_code("results", item)
    if missing := [item for item in listed.items if item not in check.results]:
        raise _items_missing(missing)
    return [
        DailyCheckRecorded(
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


def missing(store_id: str, area: str, day: date, due_at: datetime) -> DailyCheckMissing:
    """Nobody has looked at the area in time."""
    return DailyCheckMissing(store_id=store_id, area=area, day=day.isoformat(), due_at=due_at)


def _items_missing(items: Sequence[str]) -> RuleViolation:
    return RuleViolation(
        "check_items_missing",
        f"These items were not looked at: {', '.join(items)}.",
        field="results",
        missing=list(items),
    )
