"""States of rules, as management publishes them."""

from collections import defaultdict
from datetime import date
from pathlib import Path

from deploy.group_folder import read_rules
from shared.contracts.management import (
    GROUP,
    CorrectiveActionRule,
    CorrectiveActionRules,
    LoyaltyRules,
    LoyaltyTier,
    RuleContent,
    RuleSetDefined,
    RuleVersion,
)

RULES = RuleSetDefined.topic


def group_rules(folder: Path = Path("deploy/group")) -> list[RuleSetDefined]:
    """Return the states of all rule sets of a group folder."""
    versions: dict[str, list[tuple[date, RuleContent | None]]] = defaultdict(list)
    for each in read_rules(folder):
        owner = f".{each.for_store}" if each.for_store else ""
        versions[f"{each.content.kind}{owner}"].append((each.valid_from, each.content))
    return [rule_set(record_id, *dated) for record_id, dated in versions.items()]


def loyalty_rules(visits: int = 2) -> LoyaltyRules:
    """Return rules with one tier, bronze after so many visits."""
    tier = LoyaltyTier(tier="bronze", visits=visits, spend_cents=0, max_days_since_last_visit=365)
    return LoyaltyRules(period_days=730, tiers=(tier,), brands={})


def group_corrective_actions() -> CorrectiveActionRules:
    """Return the rules of corrective actions of the group folder."""
    found = [each.content for each in read_rules(Path("deploy/group")) if each.for_store is None]
    return next(content for content in found if isinstance(content, CorrectiveActionRules))


def feedback_rules(role: str, days: int, finding: str | None = None) -> CorrectiveActionRules:
    """Return rules with one for feedback: for this finding, or for all."""
    rule = CorrectiveActionRule(source="feedback", finding=finding, role=role, days=days)
    return CorrectiveActionRules(rules=(rule,))


def rule_set(record_id: str, *versions: tuple[date, RuleContent | None]) -> RuleSetDefined:
    """Return the state of a rule set with these contents from these days on.

    An id such as ``messages.S01`` is that of the store's own rules.
    """
    return RuleSetDefined(
        store_id=GROUP,
        record_id=record_id,
        for_stores=tuple(filter(None, [record_id.partition(".")[2]])),
        versions=tuple(
            RuleVersion(valid_from=day.isoformat(), content=content) for day, content in versions
        ),
    )
