"""Inspections (质检): a result for every item of the skill's checklist."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.workshop.domain import errors

ItemResult = Literal["ok", "failed", "not_applicable"]
"""合格、不合格、不适用."""


@dataclass(frozen=True)
class ChecklistItem:
    """One item to inspect (质检项目); a ``critical`` one applies to every job of its skill."""

    item: str
    zh: str
    en: str
    critical: bool = False


@dataclass(frozen=True)
class Inspection:
    """One inspection of one job, with the result of each checklist item."""

    job_id: str
    inspector_id: str
    inspected_at: datetime
    passed: bool
    results: Mapping[str, ItemResult]


def failed_items(
    checklist: Sequence[ChecklistItem], results: Mapping[str, ItemResult]
) -> tuple[str, ...]:
    """Return the items that failed, in checklist order; none when the job is accepted.

    Raises:
        RuleViolation: an item is not answered, is not on the checklist, or is critical and left
            out.
    """
    items = [each.item for each in checklist]
    if unknown := sorted(set(results) - set(items)):
        raise errors.items_unknown(unknown)
    if missing := [item for item in items if item not in results]:
        raise errors.items_missing(missing)
    if skipped := [
        each.item for each in checklist if each.critical and results[each.item] == "not_applicable"
    ]:
        raise errors.critical_items_skipped(skipped)
    return tuple(item for item in items if results[item] == "failed")
