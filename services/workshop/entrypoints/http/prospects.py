"""Promises in danger (承诺风险)."""

from datetime import datetime
from typing import Any

from fastapi import Request
from pydantic import BaseModel

from services.workshop import persistence
from services.workshop.domain.prospect import Prospect
from services.workshop.entrypoints.http.common import Reader
from shared.db import transaction
from shared.duties import serves
from shared.routing import Router

router = Router(prefix="/stores/{store_id}")


class ProspectView(BaseModel):
    """How likely the promise is kept, on what that hangs, and the best new promise.

    ``raised_at``: since when it counts as in danger, absent while it is safe.
    """

    order_id: str
    promised_at: datetime
    probability: float
    cause: str
    detail: dict[str, Any]
    best_promise_at: datetime
    raised_at: datetime | None

    @classmethod
    def of(cls, prospect: Prospect) -> "ProspectView":
        return cls(
            order_id=prospect.order_id,
            promised_at=prospect.promised_at,
            probability=prospect.probability,
            cause=prospect.cause.code,
            detail=dict(prospect.cause.detail),
            best_promise_at=prospect.best_promise_at,
            raised_at=prospect.raised_at,
        )


@router.get("/risks", tags=["plan"], openapi_extra=serves("R11", "R12"))
async def list_risks(request: Request, store_id: str, _: Reader) -> list[ProspectView]:
    """The prospects of all open promises, the least likely to be kept first."""
    async with transaction(request.app.state.units.pool, [store_id]) as connection:
        return [ProspectView.of(each) for each in await persistence.prospects(connection, store_id)]
