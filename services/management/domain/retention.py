"""Check of the rules of insurance renewal and service reminders (续保、保养提醒)."""

from collections.abc import Hashable, Iterable

from shared.contracts.management import InsuranceRules, ServiceReminderRules
from shared.contracts.violations import RuleViolation


def check_insurance(rules: InsuranceRules) -> None:
    """Check that each day and each insurer stands once, and the days from the most to the fewest.

    Raises:
        RuleViolation: they do not.
    """
    if list(rules.reminder_days) != sorted(set(rules.reminder_days), reverse=True):
        raise RuleViolation(
            "reminder_days_in_order",
            "The days stand from the most to the fewest, each once.",
            field="content.reminder_days",
        )
    _require_each_once("insurers", (each.insurer for each in rules.insurers))


def check_reminders(rules: ServiceReminderRules) -> None:
    """Check that each model has one interval, and each year of age one inspection.

    Raises:
        RuleViolation: one has two.
    """
    _require_each_once("intervals", ((each.brand, each.model) for each in rules.intervals))
    _require_each_once("inspections", (each.year for each in rules.inspections))


def _require_each_once(field: str, keys: Iterable[Hashable]) -> None:
    seen: set[Hashable] = set()
    for number, key in enumerate(keys):
        if key in seen:
            raise RuleViolation(
                "stands_twice", "This entry stands there twice.", field=f"content.{field}.{number}"
            )
        seen.add(key)
