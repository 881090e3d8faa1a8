"""The catalog: operations, parts, symptom codes, delivery steps."""

from collections.abc import Mapping, Sequence

from services.reception.application.deps import Deps
from services.reception.clients.catalog import CatalogEntries, DeliveryStepEntry


class CatalogView(CatalogEntries):
    """The catalog as one store sees it: its own checklist of delivery and labor rates.

    ``labor_rate_cents`` is the price of an hour by skill.
    """

    delivery_steps: Sequence[DeliveryStepEntry]
    labor_rate_cents: Mapping[str, int]


async def catalog(store_id: str, deps: Deps) -> CatalogView:
    """Return operations, parts, symptom codes and delivery steps with names, and labor rates."""
    known = deps.catalog
    return CatalogView(
        **dict(known.entries),
        delivery_steps=[known.delivery_step_names[step] for step in known.delivery_steps[store_id]],
        labor_rate_cents=known.stores[store_id].labor_rate_cents,
    )
