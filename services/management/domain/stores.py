"""Checks of stores (门店) and bays (工位)."""

import re
from collections.abc import Set
from functools import cache
from zoneinfo import available_timezones

from services.management.domain import errors
from shared.contracts.management import BAY_TYPES, SKILLS, BayProfile, StoreProfile
from shared.contracts.violations import RuleViolation

_NO_PLACE = {"Factory", "localtime"}
"""Names in the database of time zones that stand for no place: each machine has its own."""

LONGEST_CODE = 20
_CODE = re.compile(rf"[A-Za-z0-9][A-Za-z0-9-]{{0,{LONGEST_CODE - 1}}}")


def check_code(code: str) -> None:
    """Check the code of a store, with which those of its bays and people begin.

    Raises:
        RuleViolation: it has other characters than letters, digits and hyphens, or too many.
    """
    if not _CODE.fullmatch(code):
        raise errors.store_code_needed(code)


def check_store(store: StoreProfile) -> None:
    """Check zone, opening hours and labor rates.

    Raises:
        RuleViolation: the zone is unknown, the store closes before it opens, or a rate is for an
            unknown skill.
    """
    if store.zone not in _zones():
        raise RuleViolation(
            "unknown_zone", f"There is no time zone {store.zone}.", field="content.zone"
        )
    if store.closing <= store.opening:
        raise RuleViolation(
            "closes_before_it_opens",
            f"The store opens at {store.opening} and closes at {store.closing}.",
            field="content.closing",
        )
    for skill in store.labor_rate_cents:
        if skill not in SKILLS:
            raise errors.unknown_skill(skill, f"content.labor_rate_cents.{skill}")


def check_bay(bay: BayProfile) -> None:
    """Check the type and the capabilities.

    Raises:
        RuleViolation: one is unknown, or the bay cannot be used for what it was built for.
    """
    for place, capability in enumerate(bay.capabilities):
        if capability not in BAY_TYPES:
            raise errors.unknown_bay_type(capability, f"content.capabilities.{place}")
    if bay.type not in BAY_TYPES:
        raise errors.unknown_bay_type(bay.type, "content.type")
    if bay.type not in bay.capabilities:
        raise RuleViolation(
            "type_not_capable",
            f"A bay of the type {bay.type} can be used for that.",
            field="content.capabilities",
        )


@cache
def _zones() -> Set[str]:
    """Return the names of the time zones, without those of other tables, such as posix/UTC."""
    return available_timezones() - _NO_PLACE
