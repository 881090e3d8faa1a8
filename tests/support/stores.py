"""States of stores, as management publishes them."""

from datetime import date
from typing import Any

from shared.contracts.base import GROUP
from shared.contracts.management import StoreDefined, StoreProfile, StoreVersion
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
