"""Check of the rules of vouchers (发券规则)."""

from shared.contracts.management import STORE_ROLES, VoucherRules
from shared.contracts.violations import RuleViolation


def check(rules: VoucherRules) -> None:
    """Check that limits name roles of a store, each once.

    Raises:
        RuleViolation: a role is unknown, or stands twice.
    """
    roles = [each.role for each in rules.limits]
    for place, role in enumerate(roles):
        field = f"content.limits.{place}.role"
        if role not in STORE_ROLES:
            raise RuleViolation(
                "unknown_role", f"{role} is not one of {', '.join(STORE_ROLES)}.", field=field
            )
        if role in roles[:place]:
            raise RuleViolation("role_twice", f"{role} stands there twice.", field=field)
