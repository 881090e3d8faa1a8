"""Checks of the rules of customer care (客户关怀规则)."""

from shared.contracts.management import (
    FOLLOW_UP_REASONS,
    STORE_ROLES,
    CustomerCareRules,
    FollowUpReasonRules,
)
from shared.contracts.violations import RuleViolation


def check(rules: CustomerCareRules) -> None:
    """Check that stores have the roles that call customers.

    Raises:
        RuleViolation: a role is unknown, or stands twice.
    """
    for place, role in enumerate(rules.calling_roles):
        field = f"content.calling_roles.{place}"
        if role not in STORE_ROLES:
            raise RuleViolation(
                "unknown_role", f"{role} is not one of {', '.join(STORE_ROLES)}.", field=field
            )
        if role in rules.calling_roles[:place]:
            raise RuleViolation("role_twice", f"The role {role} stands there twice.", field=field)


def check_reasons(rules: FollowUpReasonRules) -> None:
    """Check the reasons to call customers (回访事由).

    Raises:
        RuleViolation: a reason is unknown, or stands twice.
    """
    listed = [each.reason for each in rules.reasons]
    for place, reason in enumerate(listed):
        field = f"content.reasons.{place}.reason"
        if reason not in FOLLOW_UP_REASONS:
            raise RuleViolation(
                "unknown_reason",
                f"{reason} is not one of {', '.join(FOLLOW_UP_REASONS)}.",
                field=field,
            )
        if reason in listed[:place]:
            raise RuleViolation(
                "reason_twice", f"The reason {reason} stands there twice.", field=field
            )
