"""Check that the rules of the group leave nothing out, as a store's own rules may."""

from shared.contracts.base import EventPart
from shared.contracts.violations import RuleViolation


def check_complete(rules: EventPart) -> None:
    """Check that every field is given.

    Raises:
        RuleViolation: one is missing.
    """
    for name, value in rules:
        if value is None:
            raise RuleViolation(
                "incomplete", f"The group's rules have no {name}.", field=f"content.{name}"
            )
