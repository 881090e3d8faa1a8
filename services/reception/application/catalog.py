"""The catalog: operations, parts, symptom codes, delivery steps."""

from typing import Any

from services.reception.application.deps import Deps


async def catalog(store_id: str, deps: Deps) -> dict[str, Any]:
    """Return operations, parts, symptom codes and delivery steps with names, and labor rates."""
    known = deps.catalog
    steps = {entry["step"]: entry for entry in known.entries["delivery_steps"]}
    return {
        **known.entries,
        "delivery_steps": [steps[step] for step in known.delivery_steps[store_id]],
        "labor_rate_cents": known.stores[store_id].labor_rate_cents,
    }
