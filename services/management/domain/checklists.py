"""Checks of the checklists of delivery (交车检查单) and of the premises (日常检查单)."""

from services.management.domain import errors
from shared.contracts.management import DeliveryChecklistRules, FacilityChecklistRules
from shared.contracts.violations import RuleViolation


def check_delivery(rules: DeliveryChecklistRules) -> None:
    """Check the steps.

    Raises:
        RuleViolation: a step stands twice.
    """
    steps = [each.step for each in rules.steps]
    for place, step in enumerate(steps):
        if step in steps[:place]:
            raise RuleViolation(
                "step_twice",
                f"The step {step} stands there twice.",
                field=f"content.steps.{place}.step",
                code=step,
            )


def check_facility(rules: FacilityChecklistRules) -> None:
    """Check the areas and their items.

    Raises:
        RuleViolation: an area, or an item of an area, stands twice.
    """
    areas = [each.area for each in rules.areas]
    for number, area in enumerate(rules.areas):
        if area.area in areas[:number]:
            raise RuleViolation(
                "area_twice",
                f"The area {area.area} stands there twice.",
                field=f"content.areas.{number}.area",
                code=area.area,
            )
        items = [each.item for each in area.items]
        for place, item in enumerate(items):
            if item in items[:place]:
                raise errors.item_twice(
                    item, area.area, f"content.areas.{number}.items.{place}.item"
                )
