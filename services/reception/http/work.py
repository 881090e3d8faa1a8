"""Work to be done: what it costs and when it would be ready."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BaseModel, Field

from services.reception import store
from services.reception.domain.estimate import Estimate, PartQuantity, estimate
from services.reception.domain.order import Promise
from services.reception.domain.provisional import provisional_promise
from services.reception.http.access import catalogue_of, store_router, workshop_of
from services.reception.workshop import WorkshopAwayError
from shared.body import Body
from shared.commands import Command
from shared.contracts.reception import EstimateLine
from shared.db import transaction
from shared.duties import serves
from shared.security import Principal, caller

router = store_router()

DEFAULT_CONFIDENCE = 0.95


class PartLine(Body):
    part_no: str
    quantity: Annotated[int, Field(ge=1, le=100)]


class Work(Body):
    """Labor operations and parts, to be estimated and promised."""

    operations: Annotated[list[str], Field(min_length=1, max_length=20)]
    parts: Annotated[list[PartLine], Field(max_length=100)] = []
    confidence: Annotated[float, Field(ge=0.5, le=0.99)] = DEFAULT_CONFIDENCE


class Quote(BaseModel):
    """An estimate and the promise that it could have now."""

    lines: Sequence[EstimateLine]
    estimate_cents: int
    promised_at: datetime
    confidence: float
    provisional: bool
    rests_on: dict[str, Any] | None


@router.post("/quotes", tags=["orders"], openapi_extra=serves("R4", "R5", "R11"))
async def quote(
    request: Request,
    store_id: str,
    body: Work,
    principal: Annotated[Principal, Depends(caller("advisor", "manager", "agent"))],
) -> Quote:
    """What the work costs and when it would be done (报价); nothing is reserved."""
    priced = priced_work(request, store_id, body)
    try:
        answer = await workshop_of(request).quote(
            principal, store_id, body.operations, confidence=body.confidence
        )
    except WorkshopAwayError:
        answer = await provisional(request, store_id, body)
    return Quote(
        lines=priced.lines,
        estimate_cents=priced.total_cents,
        promised_at=answer["promised_at"],
        confidence=answer["confidence"],
        provisional=answer.get("provisional", False),
        rests_on=answer.get("rests_on"),
    )


def priced_work(request: Request, store_id: str, work: Work) -> Estimate:
    parts = [PartQuantity(line.part_no, line.quantity) for line in work.parts]
    return estimate(catalogue_of(request).prices(store_id), work.operations, parts)


async def reserve(request: Request, command: Command, body: Work, replaces: str | None) -> Promise:
    try:
        answer = await workshop_of(request).hold(
            command, body.operations, confidence=body.confidence, replaces=replaces
        )
    except WorkshopAwayError:
        answer = await provisional(request, command.store_id, body)
    return Promise(
        promised_at=datetime.fromisoformat(answer["promised_at"]),
        confidence=answer["confidence"],
        hold_id=answer.get("hold_id"),
        provisional=answer.get("provisional", False),
    )


async def provisional(request: Request, store_id: str, work: Work) -> dict[str, Any]:
    operations = catalogue_of(request).operations
    async with transaction(request.app.state.units.pool, [store_id]) as connection:
        free = await store.last_capacity(connection, store_id)
    promised_at = provisional_promise(
        free,
        [operations[operation_id] for operation_id in work.operations],
        request.app.state.service.clock.now(),
    )
    return {
        "promised_at": promised_at.isoformat(),
        "confidence": work.confidence,
        "provisional": True,
    }
