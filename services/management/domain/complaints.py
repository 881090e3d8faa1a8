"""Check of the rules of complaints (投诉规则)."""

from collections.abc import Sequence

from shared.contracts.management import (
    COMPLAINT_SEVERITIES,
    GROUP_ROLES,
    STORE_ROLES,
    ComplaintRules,
)
from shared.contracts.violations import RuleViolation


def check(rules: ComplaintRules) -> None:
    """Check that each severity class has its deadlines, and that limits name roles, each once.

    Raises:
        RuleViolation: a severity or a role is unknown or stands twice, or a severity is missing.
    """
    severities = [each.severity for each in rules.deadlines]
    _check_codes("severity", severities, COMPLAINT_SEVERITIES, "deadlines")
    roles = [each.role for each in rules.compensation_limits]
    _check_codes("role", roles, (*STORE_ROLES, *GROUP_ROLES), "compensation_limits")
    if missing := [each for each in COMPLAINT_SEVERITIES if each not in severities]:
        raise RuleViolation(
            "severity_without_deadlines",
            f"There are no deadlines for {missing[0]}.",
            field="content.deadlines",
        )


def _check_codes(name: str, codes: Sequence[str], known: Sequence[str], rows: str) -> None:
    for place, code in enumerate(codes):
        field = f"content.{rows}.{place}.{name}"
        if code not in known:
            raise RuleViolation(
                f"unknown_{name}", f"{code} is not one of {', '.join(known)}.", field=field
            )
        if code in codes[:place]:
            raise RuleViolation(f"{name}_twice", f"{code} stands there twice.", field=field)
