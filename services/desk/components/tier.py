"""Loyalty tiers (忠诚度等级)."""

from services.desk.components.elements import badge
from services.desk.i18n import Translator


def tier_badge(t: Translator, tier: str) -> None:
    """Show the customer's loyalty tier (忠诚度等级)."""
    badge(t.code("tier", tier), "warn")
