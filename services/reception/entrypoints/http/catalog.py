"""The catalog: operations, parts, symptom codes, delivery steps."""

from typing import Any

from fastapi import Request

from services.reception.entrypoints.http.access import Reader, catalog_of, store_router
from shared.duties import serves

router = store_router()


@router.get("/catalog", tags=["catalog"], openapi_extra=serves("R3", "R4", "R7"))
async def catalog(request: Request, store_id: str, _: Reader) -> dict[str, Any]:
    """Operations, parts, symptom codes and delivery steps with their names, and labor rates."""
    known = catalog_of(request)
    steps = {entry["step"]: entry for entry in known.entries["delivery_steps"]}
    return {
        **known.entries,
        "delivery_steps": [steps[step] for step in known.delivery_steps[store_id]],
        "labor_rate_cents": known.stores[store_id].labor_rate_cents,
    }
