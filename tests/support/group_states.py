"""States of stores, bays, staff and catalog items, as management publishes them."""

from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from deploy.group_folder import read_group
from shared.contracts.base import GROUP, EventPart
from shared.contracts.management import (
    BayDefined,
    BayProfile,
    BayVersion,
    CatalogItemDefined,
    CatalogVersion,
    LaborOperation,
    PersonDefined,
    StaffProfile,
    StaffVersion,
    StoreDefined,
    StoreProfile,
    StoreVersion,
)

FOLDER = Path("deploy/group")

C = TypeVar("C", bound=EventPart)
Dated = tuple[date, C | None]
"""Content from a day on; None ends the record."""


def store_defined(store_id: str, *versions: Dated[StoreProfile]) -> StoreDefined:
    """Return the state of a store with these profiles."""
    return StoreDefined(
        store_id=GROUP,
        record_id=store_id,
        for_stores=(store_id,),
        versions=tuple(
            StoreVersion(valid_from=day.isoformat(), content=content) for day, content in versions
        ),
    )


def bay_defined(bay_id: str, *versions: Dated[BayProfile], store_id: str = "") -> BayDefined:
    """Return the state of a bay with these profiles; its id begins with that of its store."""
    return BayDefined(
        store_id=GROUP,
        record_id=bay_id,
        for_stores=(store_id or bay_id.partition("-")[0],),
        versions=tuple(
            BayVersion(valid_from=day.isoformat(), content=content) for day, content in versions
        ),
    )


def person_defined(person_id: str, *versions: Dated[StaffProfile]) -> PersonDefined:
    """Return the state of a person with these profiles."""
    stores = {post.in_store: None for _, profile in versions if profile for post in profile.posts}
    return PersonDefined(
        store_id=GROUP,
        record_id=person_id,
        for_stores=tuple(filter(None, stores)),
        versions=tuple(
            StaffVersion(valid_from=day.isoformat(), content=content) for day, content in versions
        ),
    )


def item_defined(record_id: str, *versions: Dated[Any]) -> CatalogItemDefined:
    """Return the state of an item of the catalog, such as ``operation:MNT-001``."""
    return CatalogItemDefined(
        store_id=GROUP,
        record_id=record_id,
        for_stores=(),
        versions=tuple(
            CatalogVersion(valid_from=day.isoformat(), content=content) for day, content in versions
        ),
    )


def group_stores() -> dict[str, StoreDefined]:
    """Return the stores of the demo group."""
    return {code: store_defined(code, *dated) for code, dated in _dated("stores")}


def group_bays() -> dict[str, BayDefined]:
    """Return the bays of the demo group."""
    return {code: bay_defined(code, *dated) for code, dated in _dated("bays")}


def group_staff() -> dict[str, PersonDefined]:
    """Return the persons of the demo group."""
    return {
        code: person_defined(
            code, *((day, StaffProfile.model_validate(dict(content))) for day, content in dated)
        )
        for code, dated in _dated("staff")
    }


def group_operation(op_code: str) -> LaborOperation:
    """Return an operation of the demo group."""
    content = dict(_dated("catalog"))[f"operation:{op_code}"][-1][1]
    assert isinstance(content, LaborOperation)
    return content


@cache
def _dated(collection: str) -> Sequence[tuple[str, Sequence[tuple[date, Any]]]]:
    """Return the dated contents of each record of a collection, by their codes."""
    found: dict[str, list[tuple[date, Any]]] = {}
    for each in read_group(FOLDER):
        if each.collection == collection:
            found.setdefault(each.code, []).append((each.valid_from, each.content))
    return list(found.items())
