"""Check of loyalty rules (忠诚度规则)."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from shared.contracts.management import LOYALTY_TIERS, Entitlement, LoyaltyRules, LoyaltyTier
from shared.contracts.violations import RuleViolation

_NEEDED: Mapping[str, Sequence[str]] = {
    "gift": ("days_between",),
    "voucher": ("days_between", "value_cents", "valid_days"),
}
"""Fields that an entitlement needs."""


def check(rules: LoyaltyRules) -> None:
    """Check the tiers of all brands, and those of each brand with its own.

    Raises:
        RuleViolation: a tier is unknown or stands twice, asks for more than a better one before it,
            or a brand has no name; an entitlement stands twice, or a gift or voucher lacks a value.
    """
    _check_tiers(rules.tiers, "content.tiers")
    for brand, tiers in rules.brands.items():
        if not brand.strip():
            raise RuleViolation("brand_missing", "A brand has no name.", field="content.brands")
        _check_tiers(tiers, f"content.brands.{brand}")
    for tier, entitlements in rules.entitlements.items():
        _check_entitlements(tier, entitlements)


def _check_entitlements(tier: str, entitlements: Sequence[Entitlement]) -> None:
    field = f"content.entitlements.{tier}"
    if tier not in LOYALTY_TIERS:
        raise _unknown_tier(tier, field)
    for place, each in enumerate(entitlements):
        if each.entitlement in (other.entitlement for other in entitlements[:place]):
            raise RuleViolation(
                "entitlement_twice",
                f"The entitlement {each.entitlement} stands there twice.",
                field=f"{field}.{place}.entitlement",
                entitlement=each.entitlement,
            )
        for name in _NEEDED.get(each.entitlement, ()):
            if not getattr(each, name):
                raise RuleViolation(
                    "entitlement_incomplete",
                    f"The entitlement {each.entitlement} needs {name}.",
                    field=f"{field}.{place}.{name}",
                    entitlement=each.entitlement,
                )


def _unknown_tier(tier: str, field: str) -> RuleViolation:
    return RuleViolation(
        "unknown_tier",
        f"{tier} is not one of {', '.join(LOYALTY_TIERS)}.",
        field=field,
        tier=tier,
    )


def _check_tiers(tiers: Sequence[LoyaltyTier], field: str) -> None:
    for place, tier in enumerate(tiers):
        if tier.tier not in LOYALTY_TIERS:
            raise _unknown_tier(tier.tier, f"{field}.{place}.tier")
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
