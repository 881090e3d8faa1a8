"""Catalog and stores of a group folder, as management publishes them and reception lists them."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from deploy.group_folder import read_group
from shared.clients.management.models import Definition
from shared.clients.reception.models import CatalogView
from shared.contracts.management import (
    GROUP,
    CatalogContent,
    CatalogItemDefined,
    CatalogVersion,
    PriceContent,
    PriceDefined,
    PriceVersion,
)

_GROUP_FOLDER = Path("deploy/group")

_LISTED = {
    "operation": ("operations", "id"),
    "package": ("packages", "id"),
    "symptoms": ("systems", "system"),
    "recall": ("recalls", "id"),
}
"""Kinds of items: the list that they stand in, and the name of their code there."""


def defined(collection: str, code: str) -> Any:
    """Return the content of a record of the group folder."""
    return records(collection)[code].content


def listed_catalog() -> CatalogView:
    """Return the catalog as reception lists it, without parts and without prices of a store."""
    lists: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record_id, record in sorted(records("catalog").items()):
        kind, _, code = record_id.partition(":")
        if kind == "part":
            continue
        name, code_field = _LISTED[kind]
        content = record.content.model_dump(mode="json", exclude={"kind"})
        lists[name].append({**content, code_field: code})
    prices = ("labor_rate_cents", "operation_price_cents")
    return CatalogView.model_validate({"revision": "", **lists, **{name: {} for name in prices}})


def item(record_id: str, *versions: tuple[date, CatalogContent | None]) -> CatalogItemDefined:
    """Return the state of an item of the catalog with these contents from these days on."""
    return CatalogItemDefined(
        store_id=GROUP,
        record_id=record_id,
        for_stores=(),
        versions=tuple(
            CatalogVersion(valid_from=day.isoformat(), content=content) for day, content in versions
        ),
    )


def price(record_id: str, *versions: tuple[date, PriceContent | None]) -> PriceDefined:
    """Return the state of a price; an id that ends with ``.S01`` is that of the store's own."""
    return PriceDefined(
        store_id=GROUP,
        record_id=record_id,
        for_stores=tuple(filter(None, [record_id.partition(".")[2]])),
        versions=tuple(
            PriceVersion(valid_from=day.isoformat(), content=content) for day, content in versions
        ),
    )


@cache
def records(collection: str) -> Mapping[str, Definition]:
    """Return the records of a collection in the group folder, by their codes."""
    return {each.code: each for each in read_group(_GROUP_FOLDER) if each.collection == collection}
