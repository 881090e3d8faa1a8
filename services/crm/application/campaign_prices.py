"""Price limits of campaigns (限价) against what their customers were invoiced."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.domain import campaign as campaigns
from services.crm.domain.campaign import PriceBound, PriceBreach
from shared.contracts.reception import CreditNoteIssued, InvoiceIssued
from shared.envelope import ReceivedEvent
from shared.unit_of_work import UnitOfWork

BREACHES_LISTED = 200


class PriceBreachView(BaseModel):
    """A price of a labor operation outside the limits of a campaign (超出限价).

    ``limit_cents`` is the limit of all ``quantity`` operations, and ``invoiced_cents`` what the
    customer was invoiced for them, tax included, less what was credited.
    """

    order_id: str
    invoice_id: str
    op_code: str
    quantity: int
    bound: PriceBound
    limit_cents: int
    invoiced_cents: int
    issued_at: datetime


class PriceBreaches(BaseModel):
    """Prices outside the limits, the latest first, among the number ``compared``.

    ``found`` counts also those that are not listed.
    """

    compared: int
    found: int
    breaches: list[PriceBreachView]


async def record_prices(uow: UnitOfWork, batch: Sequence[ReceivedEvent], _: Deps) -> None:
    """Record the prices of operations that campaigns limit, and what is credited of them."""
    events = [received.event for received in batch]
    await persistence.add_campaign_prices(
        uow.connection, [each for each in events if isinstance(each, InvoiceIssued)]
    )
    await persistence.credit_campaign_prices(
        uow.connection, [each for each in events if isinstance(each, CreditNoteIssued)]
    )


async def list_price_breaches(store_id: str, campaign_id: str, deps: Deps) -> PriceBreaches:
    """List the prices outside the limits of a campaign, of customers who came (超出限价清单).

    Raises:
        RuleViolation: the store has no such campaign.
    """
    async with deps.uow_factory.read(store_id) as connection:
        campaign = await persistence.read_campaign(connection, store_id, campaign_id)
        prices = await persistence.campaign_prices(connection, store_id, campaign_id)
    limited = campaigns.limited_prices(campaign.price_limits, prices)
    found = campaigns.price_breaches(campaign.price_limits, limited)
    return PriceBreaches(
        compared=len(limited),
        found=len(found),
        breaches=[_view(each) for each in found[:BREACHES_LISTED]],
    )


def _view(breach: PriceBreach) -> PriceBreachView:
    price = breach.price
    return PriceBreachView(
        order_id=price.order_id,
        invoice_id=price.invoice_id,
        op_code=price.op_code,
        quantity=price.quantity,
        bound=breach.bound,
        limit_cents=breach.limit_cents,
        invoiced_cents=price.net_cents,
        issued_at=price.issued_at,
    )
