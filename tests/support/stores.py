"""States of stores, as management publishes them."""

from datetime import date
from pathlib import Path
from typing import Any

from deploy.group_folder import read_group
from shared.contracts.base import GROUP
from shared.contracts.management import StoreDefined, StoreProfile, StoreVersion

FIRST_DAY = date(2026, 1, 1)

_DEFINITIONS = read_group(Path("deploy/group"))
_PROFILE: dict[str, Any] = next(
    each.content for each in _DEFINITIONS if each.collection == "stores"
).model_dump()


def store(store_id: str, *versions: tuple[date, dict[str, Any]]) -> StoreDefined:
    """Return the state of a store: one of the demo group's, with these changes from these days on.

    Without versions, nothing is changed.
    """
    return StoreDefined(
        store_id=GROUP,
        record_id=store_id,
        for_stores=(store_id,),
        versions=tuple(
            StoreVersion(
                valid_from=since.isoformat(),
                content=StoreProfile.model_validate(_PROFILE | changes),
            )
            for since, changes in versions or [(FIRST_DAY, {})]
        ),
    )
