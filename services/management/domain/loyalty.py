"""Check of loyalty rules (忠诚度规则)."""

from collections.abc import Sequence
from itertools import pairwise

from shared.contracts.management import LOYALTY_TIERS, LoyaltyRules, LoyaltyTier
from shared.contracts.violations import RuleViolation


def check(rules: LoyaltyRules) -> None:
    """Check the tiers of all brands, and those of each brand with its own.

    Raises:
        RuleViolation: a tier is unknown or stands twice, asks for more than a better one before it,
            or a brand has no name.
    """
    _check_tiers(rules.tiers, "content.tiers")
    for brand, tiers in rules.brands.items():
        if not brand.strip():
            raise RuleViolation("brand_missing", "A brand has no name.", field="content.brands")
        _check_tiers(tiers, f"content.brands.{brand}")


def _check_tiers(tiers: Sequence[LoyaltyTier], field: str) -> None:
    for place, tier in enumerate(tiers):
        if tier.tier not in LOYALTY_TIERS:
            raise RuleViolation(
                "unknown_tier",
                f"{tier.tier} is not one of {', '.join(LOYALTY_TIERS)}.",
                field=f"{field}.{place}.tier",
                tier=tier.tier,
            )
        if tier.tier in (better.tier for better in tiers[:place]):
            raise RuleViolation(
                "tier_twice",
                f"The tier {tier.tier} stands there twice.",
                field=f"{field}.{place}.tier",
                tier=tier.tier,
            )
    for place, (better, tier) in enumerate(pairwise(tiers), 1):
        if demand := _greater_demand(better, tier):
            raise RuleViolation(
                "tier_asks_more",
                f"The tier {tier.tier} asks for more than {better.tier} before it.",
                field=f"{field}.{place}.{demand}",
                tier=tier.tier,
                better=better.tier,
            )


def _greater_demand(better: LoyaltyTier, tier: LoyaltyTier) -> str | None:
    """Return the first condition that is harder to meet for ``tier`` than for ``better``."""
    if tier.visits > better.visits:
        return "visits"
    if tier.spend_cents > better.spend_cents:
        return "spend_cents"
    if tier.max_days_since_last_visit < better.max_days_since_last_visit:
        return "max_days_since_last_visit"
    return None
