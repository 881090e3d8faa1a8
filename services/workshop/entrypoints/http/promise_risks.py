"""Promises in danger (承诺风险)."""

from datetime import datetime
from typing import Any

from fastapi import Request
from pydantic import BaseModel

from services.workshop import persistence
from services.workshop.domain.promise_risk import PromiseRisk
from services.workshop.entrypoints.http.common import Reader
from shared.db import transaction
from shared.duties import serves
from shared.routing import Router

router = Router(prefix="/stores/{store_id}")


class PromiseRiskView(BaseModel):
    """How likely the promise is kept, on what that hangs, and the best new promise.

    ``alerted_at``: since when it counts as in danger, absent while it is safe.
    """

    order_id: str
    promised_at: datetime
    probability: float
    cause: str
    detail: dict[str, Any]
    best_promise_at: datetime
    alerted_at: datetime | None

    @classmethod
    def of(cls, promise_risk: PromiseRisk) -> "PromiseRiskView":
        return cls(
            order_id=promise_risk.order_id,
            promised_at=promise_risk.promised_at,
            probability=promise_risk.probability,
            cause=promise_risk.cause.code,
            detail=dict(promise_risk.cause.detail),
            best_promise_at=promise_risk.best_promise_at,
            alerted_at=promise_risk.alerted_at,
        )


@router.get("/risks", tags=["plan"], openapi_extra=serves("R11", "R12"))
async def list_risks(request: Request, store_id: str, _: Reader) -> list[PromiseRiskView]:
    """The risks of all open promises, the least likely to be kept first."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        return [
            PromiseRiskView.of(each)
            for each in await persistence.promise_risks(connection, store_id)
        ]
