"""Check of the rules of corrective actions (整改责任规则)."""

from shared.contracts.management import (
    CORRECTIVE_ACTION_SOURCES,
    FINDINGS_OF_SOURCE,
    STORE_ROLES,
    CorrectiveActionRule,
    CorrectiveActionRules,
)
from shared.contracts.violations import RuleViolation


def check(rules: CorrectiveActionRules) -> None:
    """Check each rule.

    Raises:
        RuleViolation: a source or a role is unknown, a finding is not one of its source, or two
            rules are for the same one.
    """
    seen = set[tuple[str, str | None]]()
    for place, rule in enumerate(rules.rules):
        field = f"content.rules.{place}"
        _check_codes(rule, field)
        if (rule.source, rule.finding) in seen:
            raise RuleViolation(
                "finding_twice",
                "There is another rule for the same finding.",
                field=f"{field}.finding",
                source=rule.source,
            )
        seen.add((rule.source, rule.finding))


def check_complete(rules: CorrectiveActionRules) -> None:
    """Check that the group's rules leave no source out, as a store's own rules may.

    Raises:
        RuleViolation: a source has no rule.
    """
    ruled = {rule.source for rule in rules.rules}
    if missing := [source for source in CORRECTIVE_ACTION_SOURCES if source not in ruled]:
        raise RuleViolation(
            "source_without_rule",
            f"The group's rules have none for {missing[0]}.",
            field="content.rules",
            source=missing[0],
        )


def _check_codes(rule: CorrectiveActionRule, field: str) -> None:
    if rule.source not in CORRECTIVE_ACTION_SOURCES:
        raise RuleViolation(
            "unknown_source",
            f"{rule.source} is not one of {', '.join(CORRECTIVE_ACTION_SOURCES)}.",
            field=f"{field}.source",
        )
    if rule.role not in STORE_ROLES:
        raise RuleViolation(
            "unknown_role",
            f"{rule.role} is not one of {', '.join(STORE_ROLES)}.",
            field=f"{field}.role",
        )
    if rule.finding and not _is_finding_of(rule.source, rule.finding):
        raise RuleViolation(
            "unknown_finding",
            f"{rule.finding} is no finding of {rule.source}.",
            field=f"{field}.finding",
            source=rule.source,
        )


def _is_finding_of(source: str, finding: str) -> bool:
    if source in FINDINGS_OF_SOURCE:
        return finding in FINDINGS_OF_SOURCE[source]
    return not any(finding in findings for findings in FINDINGS_OF_SOURCE.values())
