"""Requested work: its price and completion time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.application.capacity import ask_promise
from services.reception.application.deps import Deps
from services.reception.domain import errors
from services.reception.domain.estimate import Estimate, PartQuantity, RequestedWork, estimate
from services.reception.domain.estimate_version import EstimateVersion
from services.reception.domain.money import included_tax
from services.reception.domain.repair_order import RepairOrder
from shared.clients.workshop.models import LimitingFactorView
from shared.contracts.base import Identifier
from shared.contracts.reception import EstimateLine, PayType
from shared.db import Connection
from shared.group import Store
from shared.request_model import RequestModel


class PartLine(RequestModel):
    part_number: Identifier
    quantity: Annotated[int, Field(ge=1, le=100)]


class PricedWork(RequestModel):
    """Labor operations, parts and service packages (服务套餐), with the payer of each."""

    op_codes: Annotated[list[Identifier], Field(max_length=20)] = []
    parts: Annotated[list[PartLine], Field(max_length=100)] = []
    packages: Annotated[list[Identifier], Field(max_length=5)] = []
    pay_types: Annotated[dict[Identifier, PayType], Field(max_length=120)] = {}

    def wanted(self) -> RequestedWork:
        return RequestedWork(
            tuple(self.op_codes),
            tuple(PartQuantity(line.part_number, line.quantity) for line in self.parts),
            tuple(self.packages),
            self.pay_types,
        )


class Work(PricedWork):
    """Work to be estimated and promised.

    Without ``confidence`` it is that of the rules of promises.
    """

    confidence: Annotated[float | None, Field(ge=0.5, le=0.99)] = None


class QuoteRequest(Work):
    """Work to be estimated; with ``order_id`` it is further work of an open order."""

    order_id: Identifier | None = None


class Quote(BaseModel):
    """Estimate with the promise that it could have now.

    Of further work, it is the order's new promise.
    """

    lines: Sequence[EstimateLine]
    estimate_cents: int
    tax_cents: int
    promised_at: datetime
    confidence: float
    provisional: bool
    limiting_factor: LimitingFactorView | None


async def quote(token: str, store_id: str, command: QuoteRequest, deps: Deps) -> Quote:
    """Quote price and completion time of the work (报价).

    The workshop is asked in the name of the bearer of ``token``; nothing is reserved.
    """
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        priced = await priced_work(connection, store, command, deps)
    op_codes = op_codes_of(priced)
    order_id = command.order_id
    repair_order = await _read_repair_order(store_id, order_id, deps) if order_id else None
    promise, limiting_factor = await ask_promise(
        store_id, token, op_codes, deps, confidence=command.confidence, repair_order=repair_order
    )
    return Quote(
        lines=priced.lines,
        estimate_cents=priced.total_cents,
        tax_cents=included_tax(priced.total_cents, store.tax_rate_bp),
        promised_at=promise.promised_at,
        confidence=promise.confidence,
        provisional=promise.provisional,
        limiting_factor=limiting_factor,
    )


async def priced_work(
    connection: Connection,
    store: Store,
    work: PricedWork,
    deps: Deps,
    agreed: EstimateVersion | None = None,
) -> Estimate:
    """Return the price of the work in the store today.

    What the customer has ``agreed`` to keeps its price.
    """
    wanted = work.wanted()
    prices = await deps.catalog.price_list(connection, store, wanted, deps.today(store))
    return estimate(prices, wanted, agreed.lines if agreed else ())


def op_codes_of(priced: Estimate) -> list[str]:
    """Return the operation codes to ask the workshop for.

    Raises:
        RuleViolation: no work is requested.
    """
    if not priced.labor_operations:
        raise errors.nothing_to_do()
    return [operation.op_code for operation in priced.labor_operations]


async def _read_repair_order(store_id: str, order_id: str, deps: Deps) -> RepairOrder:
    async with deps.uow_factory.read(store_id) as connection:
        return await persistence.read_repair_order(connection, store_id, order_id)
