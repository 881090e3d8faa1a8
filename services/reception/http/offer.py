"""An estimate as it is put before the customer (报价), at the counter as over a link."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from services.reception.catalogue import Catalogue
from services.reception.domain import authorisation
from services.reception.domain.authorisation import EstimateVersion
from services.reception.domain.estimate import payable_cents
from services.reception.domain.order import Order
from shared.contracts.reception import PayType


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

    Of an offer that is ``divisible`` the customer may want some items only.
    """

    store: Names
    version: int
    additional: bool
    divisible: bool
    lines: Sequence[OfferedLine]
    total_cents: int
    payable_cents: int
    expires_at: datetime | None


def offer_view(
    catalogue: Catalogue, order: Order, proposal: EstimateVersion, expires_at: datetime | None
) -> Offer:
    """What the customer is offered, until ``expires_at`` where it is over a link."""
    place, names = catalogue.stores[order.store_id], catalogue.names
    items = authorisation.items_of(proposal.lines, catalogue.typical_parts)
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
        expires_at=expires_at,
    )
