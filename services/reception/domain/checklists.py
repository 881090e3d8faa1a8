"""Checklists of delivery (交车检查单) and of the premises (日常检查单), as one store has them."""

from collections.abc import Iterable
from datetime import time

from services.reception.domain.delivery import Change, Checklist
from services.reception.domain.facility_check import FacilityChecklist
from shared.contracts.management import (
    ChecklistStep,
    DeliveryChecklistRules,
    FacilityChecklistRules,
)


def delivery_checklist(rules: DeliveryChecklistRules) -> Checklist:
    """Return the steps in order, each with the changes that repeat it."""
    return {each.step: frozenset(_changes(each)) for each in rules.steps}


def facility_checklists(rules: FacilityChecklistRules) -> tuple[FacilityChecklist, ...]:
    """Return the checklist of each area."""
    return tuple(
        FacilityChecklist(
            each.area, time.fromisoformat(each.due), tuple(item.item for item in each.items)
        )
        for each in rules.areas
    )


def _changes(step: ChecklistStep) -> Iterable[Change]:
    if step.repeat_after_work:
        yield "work"
    if step.repeat_after_invoice:
        yield "invoice"
