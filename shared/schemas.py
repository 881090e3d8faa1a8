"""Schemas that events name in ``ce_dataschema``, for subscribers to the events (R39)."""

from pathlib import Path

from fastapi.responses import FileResponse

from shared.contracts import CONTRACTS
from shared.problems import Problem
from shared.requirements import serves
from shared.routing import Router

router = Router(tags=["platform"])

_FOLDER = Path(__file__).parent / "contracts/schemas"


@router.get("/schemas/{kind}.json", openapi_extra=serves("R39"))
async def event_schema(kind: str) -> FileResponse:
    """The JSON schema of one event type's data, such as ``aftersales.reception.OrderOpened.v1``."""
    if kind not in CONTRACTS:
        raise Problem(404, "unknown_event_type", f"There is no event type {kind}.", field="kind")
    return FileResponse(_FOLDER / f"{kind}.json", media_type="application/schema+json")
