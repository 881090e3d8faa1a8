"""Prices that were invoiced of labor operations which campaigns limit (限价)."""

from collections.abc import Sequence

from services.crm.domain.campaign import InvoicedPrice
from shared.contracts.reception import CreditNoteIssued, EstimateLine, InvoiceIssued
from shared.db import Connection

_ADD = """
INSERT INTO campaign_price
    (store_id, invoice_id, op_code, order_id, quantity, amount_cents, issued_at)
SELECT store_id, invoice_id, op_code, order_id, sum(quantity), sum(amount_cents), issued_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::integer[],
            $7::bigint[])
    AS sold (store_id, invoice_id, order_id, issued_at, op_code, quantity, amount_cents)
WHERE EXISTS (SELECT FROM campaign
              WHERE campaign.store_id = sold.store_id AND campaign.status IN ('running', 'ended')
                AND campaign.price_limits
                    @> jsonb_build_array(jsonb_build_object('op_code', sold.op_code)))
GROUP BY store_id, invoice_id, op_code, order_id, issued_at
"""

_CREDIT = """
UPDATE campaign_price AS price SET credited_cents = price.credited_cents + credited.cents
FROM (
    SELECT store_id, invoice_id, op_code, sum(cents) AS cents
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
        AS line (store_id, invoice_id, op_code, cents)
    GROUP BY store_id, invoice_id, op_code) AS credited
WHERE price.store_id = credited.store_id AND price.invoice_id = credited.invoice_id
  AND price.op_code = credited.op_code
"""

_OF_CAMPAIGN = """
SELECT invoice_id, op_code, order_id, quantity, amount_cents, credited_cents, issued_at
FROM campaign_price
WHERE store_id = $1 AND order_id IN (
    SELECT order_id FROM campaign_invitation
    WHERE store_id = $1 AND campaign_id = $2 AND answer = 'came')
ORDER BY issued_at DESC, invoice_id, op_code
"""


async def add_campaign_prices(connection: Connection, invoices: Sequence[InvoiceIssued]) -> None:
    """Store what customers pay for the operations that a campaign of their store limits."""
    sold = [
        (each.store_id, each.invoice_id, each.order_id, each.issued_at, *figures)
        for each in invoices
        for figures in (
            (line.code, line.quantity, line.amount_cents) for line in _labor(each.lines)
        )
    ]
    if sold:
        await connection.execute(_ADD, *map(list, zip(*sold, strict=True)))


async def credit_campaign_prices(connection: Connection, notes: Sequence[CreditNoteIssued]) -> None:
    """Store what credit notes take back of the prices."""
    credited = [
        (each.store_id, each.invoice_id, line.code, line.amount_cents)
        for each in notes
        for line in _labor(each.lines)
    ]
    if credited:
        await connection.execute(_CREDIT, *map(list, zip(*credited, strict=True)))


async def campaign_prices(
    connection: Connection, store_id: str, campaign_id: str
) -> list[InvoicedPrice]:
    """Return limited prices of the orders by which customers of a campaign came, latest first."""
    rows = await connection.fetch(_OF_CAMPAIGN, store_id, campaign_id)
    return [InvoicedPrice(**row) for row in rows]


def _labor(lines: Sequence[EstimateLine]) -> list[EstimateLine]:
    """Return the labor operations that the customer pays."""
    return [each for each in lines if each.kind == "labor" and each.pay_type == "customer"]
