"""Work to be done: what it costs and when it would be ready."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.clients.workshop import Caller, WorkshopUnavailableError
from services.reception.domain import errors
from services.reception.domain.authorisation import new_promise
from services.reception.domain.estimate import Estimate, PartQuantity, WantedWork, estimate
from services.reception.domain.money import included_tax
from services.reception.domain.order import Order, Promise
from services.reception.domain.provisional import provisional_promise
from services.reception.entrypoints.http.access import catalog_of, store_router, workshop_of
from shared.contracts.base import Identifier
from shared.contracts.reception import EstimateLine, PayType
from shared.db import transaction
from shared.duties import serves
from shared.request_model import RequestModel
from shared.security import Principal, require_roles

router = store_router()

DEFAULT_CONFIDENCE = 0.95


class PartLine(RequestModel):
    part_no: Identifier
    quantity: Annotated[int, Field(ge=1, le=100)]


class PricedWork(RequestModel):
    """Labor operations, parts and service packages (服务套餐), and who pays for which of them."""

    operations: Annotated[list[Identifier], Field(max_length=20)] = []
    parts: Annotated[list[PartLine], Field(max_length=100)] = []
    packages: Annotated[list[Identifier], Field(max_length=5)] = []
    pay_types: Annotated[dict[Identifier, PayType], Field(max_length=120)] = {}

    def wanted(self) -> WantedWork:
        return WantedWork(
            tuple(self.operations),
            tuple(PartQuantity(line.part_no, line.quantity) for line in self.parts),
            tuple(self.packages),
            self.pay_types,
        )


class Work(PricedWork):
    """Work to be estimated and promised."""

    confidence: Annotated[float, Field(ge=0.5, le=0.99)] = DEFAULT_CONFIDENCE


class QuotedWork(Work):
    """Work to be estimated; with ``order_id`` it is further work of an open order."""

    order_id: Identifier | None = None


class Quote(BaseModel):
    """An estimate and the promise that it could have now; of further work, the order's new one."""

    lines: Sequence[EstimateLine]
    estimate_cents: int
    tax_cents: int
    promised_at: datetime
    confidence: float
    provisional: bool
    limiting_factor: dict[str, Any] | None


@router.post("/quotes", tags=["orders"], openapi_extra=serves("R4", "R5", "R11"))
async def quote(
    request: Request,
    store_id: str,
    body: QuotedWork,
    principal: Annotated[Principal, Depends(require_roles("advisor", "manager", "agent"))],
) -> Quote:
    """What the work costs and when it would be done (报价); nothing is reserved."""
    place = catalog_of(request).stores[store_id]
    priced = priced_work(request, store_id, body)
    operations = operations_of(priced)
    order = await _read_order(request, store_id, body.order_id) if body.order_id else None
    promise, limiting_factor = await ask_promise(
        request, store_id, principal.token, operations, confidence=body.confidence, order=order
    )
    return Quote(
        lines=priced.lines,
        estimate_cents=priced.total_cents,
        tax_cents=included_tax(priced.total_cents, place.tax_rate_bp),
        promised_at=promise.promised_at,
        confidence=promise.confidence,
        provisional=promise.provisional,
        limiting_factor=limiting_factor,
    )


def priced_work(request: Request, store_id: str, work: PricedWork) -> Estimate:
    """What the work costs in the store."""
    return estimate(catalog_of(request).prices(store_id), work.wanted())


def operations_of(priced: Estimate) -> list[str]:
    """What the workshop is asked for.

    Raises:
        RuleViolation: nothing is to be done.
    """
    if not priced.operations:
        raise errors.nothing_to_do()
    return [operation.operation_id for operation in priced.operations]


async def ask_promise(
    request: Request,
    store_id: str,
    token: str | None,
    operations: Sequence[str],
    *,
    confidence: float = DEFAULT_CONFIDENCE,
    order: Order | None = None,
) -> tuple[Promise, dict[str, Any] | None]:
    """The earliest promise, and what it rests on; of further work of an ``order``, its new one.

    It is provisional while the workshop is unavailable, or without a ``token`` for it.
    """
    try:
        if token is None:
            raise WorkshopUnavailableError
        response = await workshop_of(request).quote(
            token,
            store_id,
            operations,
            confidence=confidence,
            order_id=order.order_id if order else None,
        )
    except WorkshopUnavailableError:
        response = await provisional(request, store_id, operations, confidence)
    promise = _promise(response)
    return new_promise(order, promise) if order else promise, response.get("limiting_factor")


async def reserve(
    request: Request,
    caller: Caller,
    operations: Sequence[str],
    *,
    confidence: float = DEFAULT_CONFIDENCE,
    replaces: str | None = None,
    order_id: str | None = None,
    latest_promise_at: datetime | None = None,
) -> Promise:
    """A promise with the workshop's hold behind it, else a provisional one.

    Additional work of an open order, ``order_id``, follows what is planned for it.

    Raises:
        Problem: the promise would be later than ``latest_promise_at``.
    """
    try:
        response = await workshop_of(request).hold(
            caller,
            operations,
            confidence=confidence,
            replaces=replaces,
            order_id=order_id,
            latest_promise_at=latest_promise_at,
        )
    except WorkshopUnavailableError:
        response = await provisional(request, caller.store_id, operations, confidence)
    return _promise(response)


def _promise(response: Mapping[str, Any]) -> Promise:
    return Promise(
        promised_at=datetime.fromisoformat(response["promised_at"]),
        confidence=response["confidence"],
        hold_id=response.get("hold_id"),
        provisional=response.get("provisional", False),
    )


async def _read_order(request: Request, store_id: str, order_id: str) -> Order:
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        return await persistence.read_order(connection, store_id, order_id)


async def provisional(
    request: Request, store_id: str, operations: Sequence[str], confidence: float
) -> dict[str, Any]:
    """A promise from the workshop's last published free time."""
    known = catalog_of(request).operations
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        free = await persistence.last_capacity(connection, store_id)
    promised_at = provisional_promise(
        free,
        [known[operation_id] for operation_id in operations],
        request.app.state.service.clock.now(),
    )
    return {"promised_at": promised_at.isoformat(), "confidence": confidence, "provisional": True}
