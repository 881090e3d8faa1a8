"""Fields and values of contract models in the person's language."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from services.desk import formats
from services.desk.context import PageContext
from services.desk.i18n import Translator
from shared.contracts.management import (
    BAY_TYPES,
    COMPLAINT_CAUSES,
    COMPLAINT_SEVERITIES,
    CORRECTIVE_ACTION_SOURCES,
    FEEDBACK_FINDINGS,
    FOLLOW_UP_REASONS,
    LOYALTY_TIERS,
    SKILLS,
    STORE_ROLES,
    SURVEY_CHANNELS,
    EntitlementKind,
)

CHOICES: Mapping[str, tuple[str, Sequence[str]]] = {
    "tier": ("tier", LOYALTY_TIERS),
    "severity": ("severity", COMPLAINT_SEVERITIES),
    "entitlement": ("entitlement", get_args(EntitlementKind)),
    "lost_by": ("lost_by", ("formula", "rhythm", "either")),
    "reason": ("follow_up_reason", FOLLOW_UP_REASONS),
    "if_crowded": ("if_crowded", ("move", "drop", "keep")),
    "source": ("corrective_action_source", CORRECTIVE_ACTION_SOURCES),
    "role": ("role", STORE_ROLES),
    "calling_roles": ("role", STORE_ROLES),
    "skill_code": ("skill_code", SKILLS),
    "type": ("bay", BAY_TYPES),
    "bay": ("bay", BAY_TYPES),
    "capabilities": ("bay", BAY_TYPES),
    "channels": ("survey_channel", SURVEY_CHANNELS),
}
"""Fields that hold one or several of a list of codes, with the kind of word for them."""

KEYS: Mapping[str, tuple[str, Sequence[str]]] = {
    "skills": ("skill_code", SKILLS),
    "labor_rate_cents": ("skill_code", SKILLS),
    "entitlements": ("tier", LOYALTY_TIERS),
}
"""Fields whose values stand by a code, with the kind of word for it."""

VALUES: Mapping[str, str] = {"skills": "level", "parts": "quantity"}
"""Names of the values that stand by a key, where they differ from that of the field."""

TIMES = frozenset(
    {
        "starts",
        "ends",
        "due",
        "start",
        "finish",
        "opening",
        "closing",
        "appointment_reminder",
        "calls_at",
        "asks_at",
        "day_begins",
    }
)
"""Fields that hold a time of day."""

DAYS = frozenset({"valid_from", "expires_on", "first_day", "last_day"})
"""Fields that hold a day."""

_FINDING, _STORE = "finding", "in_store"

_WORDS = frozenset({"certificate", "process_step", "unit"})
"""Fields that hold a code which has a word where it is a known one."""

_FIELD = "rule_field"

_NAMES = (_FIELD, "message_type", "template_language", "skill_code")
"""Kinds of words for the parts of a path; what has no word, such as a brand, stands for itself."""


def is_money(name: str) -> bool:
    """Return whether a field holds cents."""
    return name.endswith("_cents")


def is_share(name: str) -> bool:
    """Return whether a field holds basis points."""
    return name.endswith("_bp")


def unit_of(t: Translator, name: str) -> str | None:
    """Return the unit of a field's number, if it has one."""
    if name == "labor_rate_cents":
        return t("per hour")
    units = ("days", "minutes", "hours")
    return next((t(unit) for unit in units if unit in name.split("_")), None)


def name_of(t: Translator, name: str) -> str:
    """Return the name of a field."""
    return t.first_known(_NAMES, name) or name


def with_code(name: str, code: str) -> str:
    """Return a name with its code, or the code alone where it has no name."""
    return code if name == code else f"{name} ({code})"


def path_in_words(t: Translator, path: str) -> str:
    """Return the names along a path such as ``tiers.0.visits``."""
    return " · ".join(
        t("No. {number}", number=int(part) + 1) if part.isdecimal() else name_of(t, part)
        for part in path.split(".")
    )


def place_in_words(ctx: PageContext, path: str) -> str:
    """Return the names along a path, which may end in a code that has a name on the page."""
    field, _, code = path.partition(".")
    if code in ctx.words.get(field, ()):
        return f"{name_of(ctx.t, field)} · {named(ctx, field, code)}"
    return path_in_words(ctx.t, path)


def named(ctx: PageContext, field: str, code: str) -> str:
    """Return a code in a field with the name that it has on the page."""
    name = ctx.words.get(field, {}).get(code) or name_of(ctx.t, code)
    return with_code(name, code) if field in ctx.words else name


def field_of(t: Translator, path: str) -> str:
    """Return the innermost field of a path, which may end in a key or a number."""
    parts = [part for part in reversed(path.split(".")) if not part.isdecimal()]
    return next((part for part in parts if t.known(f"{_FIELD}.{part}")), parts[0])


def findings(ctx: PageContext) -> dict[str, str]:
    """Return what a customer, a facility check, an inspection or a survey may find bad, in
    words.
    """
    items = {**ctx.directory.survey_factors, **ctx.directory.check_items}
    return {
        **{code: ctx.t.code("rating", code) for code in FEEDBACK_FINDINGS},
        "satisfaction": ctx.t.code("finding", "satisfaction"),
        **{code: ctx.t.code("complaint_cause", code) for code in COMPLAINT_CAUSES},
        **{code: ctx.t.of(item) for code, item in items.items()},
    }


def value_in_words(ctx: PageContext, name: str, value: Any) -> str:
    """Return the value of a field: codes in words, money in yuan, shares in percent, numbers with
    their unit.
    """
    t = ctx.t
    if name == _STORE:
        return t.of(ctx.store_of(value)) if value else t("Whole group")
    if value is None or value in ("", []):
        return formats.NOTHING
    if isinstance(value, bool):
        return t("Yes") if value else t("No")
    if name in CHOICES or name in ctx.words:
        codes = value if isinstance(value, list) else [value]
        return t.listed(_code_in_words(ctx, name, code) for code in codes)
    if name == _FINDING:
        return findings(ctx).get(value, str(value))
    if is_money(name):
        return formats.money(value)
    if is_share(name):
        return f"{value / 100:g}%"
    return _plain_value(t, name, value)


def _code_in_words(ctx: PageContext, name: str, code: str) -> str:
    return ctx.t.code(CHOICES[name][0], code) if name in CHOICES else named(ctx, name, code)


def _plain_value(t: Translator, name: str, value: Any) -> str:
    """Return numbers with their unit, codes that have a word in words, and text as it is."""
    if name in _WORDS:
        return with_code(t.code(name, value), value)
    unit = unit_of(t, name)
    if isinstance(value, list):
        numbers = t.listed(map(str, value))
        return f"{numbers} {unit}" if unit else numbers
    if unit:
        return f"{value:,} {unit}"
    return f"{value:g}" if isinstance(value, float) else str(value)
