"""An estimate as it is put before the customer (报价), at the counter as over a link."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Literal

import httpx
from fastapi import Query, Request
from pydantic import BaseModel

from services.reception.clients.catalog import Catalog
from services.reception.domain import authorisation
from services.reception.domain.authorisation import EstimateVersion
from services.reception.domain.estimate import payable_cents
from services.reception.domain.order import Order, Promise
from services.reception.entrypoints.http.access import catalog_of
from services.reception.entrypoints.http.work import DEFAULT_CONFIDENCE, ask_promise
from shared.contracts.base import Identifier
from shared.contracts.reception import PayType

Declined = Annotated[Sequence[Identifier], Query(max_length=120)]
"""Items of an offer that the customer does not want."""


class Names(BaseModel):
    """A name in both languages."""

    zh: str
    en: str


class OfferedLine(Names):
    """One line with its price in cents, tax included; lines of one ``item`` go together."""

    item: str
    kind: Literal["labor", "part"]
    quantity: int
    pay_type: PayType
    amount_cents: int


class Offer(BaseModel):
    """What is offered: lines and prices, nothing about any person.

    Of an offer that is ``divisible`` the customer may want some items only. ``promised_at`` is the
    order's promise if they agree; absent before the order is opened.
    """

    store: Names
    version: int
    additional: bool
    divisible: bool
    lines: Sequence[OfferedLine]
    total_cents: int
    payable_cents: int
    promised_at: datetime | None
    promise_provisional: bool
    expires_at: datetime | None


async def make_offer(
    request: Request,
    order: Order,
    proposal: EstimateVersion,
    declined: Collection[str],
    expires_at: datetime | None = None,
) -> Offer:
    """What the customer is offered, until ``expires_at`` where it is over a link.

    Its promise is that without the items ``declined``.
    """
    catalog = catalog_of(request)
    promise = await offered_promise(request, order, proposal, declined)
    place, names = catalog.stores[order.store_id], catalog.names
    items = authorisation.items_of(proposal.lines, catalog.typical_parts)
    return Offer(
        store=Names(zh=place.zh, en=place.en),
        version=proposal.version,
        additional=proposal.additional_work_id is not None,
        divisible=authorisation.is_divisible(order, proposal),
        lines=[
            OfferedLine(
                item=item,
                zh=names[line.code]["zh"],
                en=names[line.code]["en"],
                kind=line.kind,
                quantity=line.quantity,
                pay_type=line.pay_type,
                amount_cents=line.amount_cents,
            )
            for line, item in zip(proposal.lines, items, strict=True)
        ],
        total_cents=proposal.total_cents,
        payable_cents=payable_cents(proposal.lines),
        promised_at=promise.promised_at if promise else None,
        promise_provisional=promise is not None and promise.provisional,
        expires_at=expires_at,
    )


async def offered_promise(
    request: Request, order: Order, proposal: EstimateVersion, declined: Collection[str] = ()
) -> Promise | None:
    """The order's promise if the customer agrees to a version without the items ``declined``."""
    operations = further_operations(catalog_of(request), proposal, declined)
    if operations:
        token = await workshop_token(request, order.store_id)
        promise, _ = await ask_promise(request, order.store_id, token, operations, order=order)
        return promise
    return present_promise(order)


def further_operations(
    catalog: Catalog, proposal: EstimateVersion, declined: Collection[str]
) -> list[str]:
    """What a version adds to the work of its order without the items ``declined``."""
    if proposal.additional_work_id is None:
        return []
    wanted, _ = authorisation.without(proposal, declined, catalog.typical_parts)
    return [operation.operation_id for operation in wanted.operations]


def present_promise(order: Order) -> Promise | None:
    """The order's promise as it is, if it has one."""
    if order.promised_at is None:
        return None
    return Promise(order.promised_at, DEFAULT_CONFIDENCE, None, order.promise_provisional)


async def workshop_token(request: Request, store_id: str) -> str | None:
    """Reception's own token for the workshop, for who has none; absent while none is to be had."""
    try:
        token: str = await request.app.state.service.deps.credentials.token(store_id)
    except httpx.HTTPError:
        return None
    return token
