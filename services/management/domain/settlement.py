"""Check of the rules of settlement (结算规则)."""

from itertools import pairwise

from shared.contracts.management import SettlementRules
from shared.contracts.violations import RuleViolation

_LIMITS = (
    "service_advisor_discount_bp",
    "service_manager_discount_bp",
    "group_manager_discount_bp",
)
"""Limits of discounts, the lowest role first."""

_DAYS = ("dunning_days", "claim_submission_reminder_days", "claim_decision_reminder_days")


def check(rules: SettlementRules) -> None:
    """Check the limits, and the days of reminders.

    Raises:
        RuleViolation: a role may approve more than a higher one, or days do not follow one another.
    """
    given = [name for name in _LIMITS if getattr(rules, name) is not None]
    for lower, higher in pairwise(given):
        if getattr(rules, lower) > getattr(rules, higher):
            raise RuleViolation(
                "limit_above_higher_role",
                f"{lower} is more than {higher}.",
                field=f"content.{lower}",
            )
    for name in _DAYS:
        for earlier, later in pairwise(getattr(rules, name) or ()):
            if earlier >= later:
                raise RuleViolation(
                    "days_not_ascending",
                    f"Of {name}, day {later} stands after day {earlier}.",
                    field=f"content.{name}",
                )


def check_beside(own: SettlementRules, group: SettlementRules) -> None:
    """Check that a store gives no role a higher limit than the group does.

    Raises:
        RuleViolation: a role may approve more than in the group.
    """
    for name in _LIMITS:
        limit, highest = getattr(own, name), getattr(group, name)
        if limit is not None and highest is not None and limit > highest:
            raise RuleViolation(
                "limit_above_group",
                f"{name} is more than the group's limit of {highest}.",
                field=f"content.{name}",
                limit=highest,
            )
