"""The catalog: operations, parts and symptom codes."""

from collections.abc import Mapping

from services.reception.application.deps import Deps
from services.reception.clients.catalog import CatalogEntries


class CatalogView(CatalogEntries):
    """The catalog as one store sees it: its own labor rates.

    ``labor_rate_cents`` is the price of an hour by skill.
    """

    labor_rate_cents: Mapping[str, int]


async def catalog(store_id: str, deps: Deps) -> CatalogView:
    """Return operations, parts and symptom codes with names, and labor rates."""
    known = deps.catalog
    return CatalogView(
        **dict(known.entries), labor_rate_cents=known.stores[store_id].labor_rate_cents
    )
