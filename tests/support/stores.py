"""States of stores and bays, as management publishes them."""

from datetime import date
from typing import Any

from shared.contracts.base import GROUP
from shared.contracts.management import (
    BayDefined,
    BayProfile,
    BayVersion,
    StoreDefined,
    StoreProfile,
    StoreVersion,
)
from tests.support.catalog import defined

FIRST_DAY = date(2026, 1, 1)

_PROFILE: StoreProfile = defined("stores", "S01")


def profile(**changes: Any) -> StoreProfile:
    """Return the profile of a store of the demo group with these changes."""
    return StoreProfile.model_validate(_PROFILE.model_dump() | changes)


def store(store_id: str, *versions: tuple[date, StoreProfile | None]) -> StoreDefined:
    """Return the state of a store with these profiles from these days on."""
    return StoreDefined(
        store_id=GROUP,
        record_id=store_id,
        for_stores=(store_id,),
        versions=tuple(
            StoreVersion(valid_from=day.isoformat(), content=content) for day, content in versions
        ),
    )


def bay(bay_id: str, *versions: tuple[date, BayProfile | None]) -> BayDefined:
    """Return the state of a bay with these profiles; its id begins with that of its store."""
    return BayDefined(
        store_id=GROUP,
        record_id=bay_id,
        for_stores=(bay_id.partition("-")[0],),
        versions=tuple(
            BayVersion(valid_from=day.isoformat(), content=content) for day, content in versions
        ),
    )
