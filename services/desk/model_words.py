"""Fields and values of contract models in the person's language."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.desk import formats
from services.desk.context import PageContext
from services.desk.i18n import Translator
from shared.contracts.management import (
    CORRECTIVE_ACTION_SOURCES,
    FEEDBACK_FINDINGS,
    LOYALTY_TIERS,
    STORE_ROLES,
)

CHOICES: Mapping[str, tuple[str, Sequence[str]]] = {
    "tier": ("tier", LOYALTY_TIERS),
    "source": ("corrective_action_source", CORRECTIVE_ACTION_SOURCES),
    "role": ("role", STORE_ROLES),
}
"""Fields that hold one of a list of codes, with the kind of word for them."""

TIMES = frozenset({"starts", "ends", "due"})
"""Fields that hold a time of day."""

_FINDING = "finding"

_NAMES = ("rule_field", "message_type", "template_language")
"""Kinds of words for the parts of a path; what has no word, such as a brand, stands for itself."""


def is_money(name: str) -> bool:
    """Return whether a field holds cents."""
    return name.endswith("_cents")


def is_share(name: str) -> bool:
    """Return whether a field holds basis points."""
    return name.endswith("_bp")


def unit_of(t: Translator, name: str) -> str | None:
    """Return the unit of a field's number, if it has one."""
    return t("days") if "days" in name.split("_") else None


def name_of(t: Translator, name: str) -> str:
    """Return the name of a field."""
    return t.first_known(_NAMES, name) or name


def path_in_words(t: Translator, path: str) -> str:
    """Return the names along a path such as ``tiers.0.visits``."""
    return " · ".join(
        t("No. {number}", number=int(part) + 1) if part.isdecimal() else name_of(t, part)
        for part in path.split(".")
    )


def findings(ctx: PageContext) -> dict[str, str]:
    """Return what a customer, a facility check or an inspection may find bad, in words."""
    items = ctx.directory.check_items
    return {
        **{code: ctx.t.code("rating", code) for code in FEEDBACK_FINDINGS},
        "satisfaction": ctx.t.code("finding", "satisfaction"),
        **{code: ctx.t.of(item) for code, item in items.items()},
    }


def value_in_words(ctx: PageContext, name: str, value: Any) -> str:
    """Return the value of a field: codes in words, money in yuan, shares in percent, numbers with
    their unit.
    """
    t = ctx.t
    if value is None or value == "":
        return formats.NOTHING
    if isinstance(value, bool):
        return t("Yes") if value else t("No")
    if name in CHOICES:
        return t.code(CHOICES[name][0], value)
    if name == _FINDING:
        return findings(ctx).get(value, str(value))
    if is_money(name):
        return formats.money(value)
    if is_share(name):
        return f"{value / 100:g}%"
    unit = unit_of(t, name)
    if isinstance(value, list):
        numbers = t.listed(map(str, value))
        return f"{numbers} {unit}" if unit else numbers
    return f"{value:,} {unit}" if unit else str(value)
