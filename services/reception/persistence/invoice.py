"""Invoices as they were issued, their corrections, and their tax invoices."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from services.reception.domain.settlement import DiscountGiven
from services.reception.domain.tax_invoice import TaxInvoice
from shared.contracts.reception import CreditNoteIssued, InvoiceIssued
from shared.db import Connection

_SELECT_DISCOUNTS = """
SELECT store_id, (content ->> 'discount_cents')::bigint AS amount_cents,
       (SELECT coalesce(sum((line ->> 'gross_cents')::bigint), 0)::bigint
        FROM jsonb_array_elements(content -> 'lines') AS line
        WHERE line ->> 'pay_type' = 'customer') AS payable_cents
FROM invoice
WHERE store_id = ANY ($1) AND issued_at BETWEEN $2 AND $3
  AND (content ->> 'discount_cents')::bigint > 0
"""


async def add_invoice(connection: Connection, invoice: InvoiceIssued) -> None:
    """Store an invoice; it never changes."""
    await connection.execute(
        "INSERT INTO invoice (store_id, order_id, invoice_id, content, issued_at) "
        "VALUES ($1, $2, $3, $4, $5)",
        invoice.store_id,
        invoice.order_id,
        invoice.invoice_id,
        invoice.model_dump(mode="json"),
        invoice.issued_at,
    )


async def read_invoice(
    connection: Connection, store_id: str, invoice_id: str
) -> tuple[InvoiceIssued, TaxInvoice | None]:
    """Return an invoice that exists, and its tax invoice, once there is one."""
    (row,) = await connection.fetch(
        "SELECT content, tax_invoice_number, issued_tax_cents FROM invoice "
        "WHERE store_id = $1 AND invoice_id = $2",
        store_id,
        invoice_id,
    )
    return InvoiceIssued.model_validate(row["content"]), _tax_invoice(row)


async def invoices(
    connection: Connection, store_id: str, order_id: str
) -> list[tuple[InvoiceIssued, TaxInvoice | None]]:
    """Return the order's invoices, the latest first, with their tax invoices, where issued."""
    rows: Any = await connection.fetch(
        "SELECT content, tax_invoice_number, issued_tax_cents FROM invoice "
        "WHERE store_id = $1 AND order_id = $2 "
        "ORDER BY issued_at DESC, invoice_id DESC",
        store_id,
        order_id,
    )
    return [(InvoiceIssued.model_validate(row["content"]), _tax_invoice(row)) for row in rows]


async def discounts_given(
    connection: Connection, stores: Collection[str], since: datetime, until: datetime
) -> list[DiscountGiven]:
    """Return the discounts on the invoices that ``stores`` issued in a time."""
    rows = await connection.fetch(_SELECT_DISCOUNTS, list(stores), since, until)
    return [DiscountGiven(**row) for row in rows]


async def add_credit_note(connection: Connection, note: CreditNoteIssued) -> None:
    """Store a correction of an invoice."""
    await connection.execute(
        "INSERT INTO credit_note (store_id, credit_note_id, order_id, content, issued_at) "
        "VALUES ($1, $2, $3, $4, $5)",
        note.store_id,
        note.credit_note_id,
        note.order_id,
        note.model_dump(mode="json"),
        note.issued_at,
    )


async def credit_notes(
    connection: Connection, invoice: InvoiceIssued
) -> list[tuple[CreditNoteIssued, TaxInvoice | None]]:
    """Return the credit notes of the invoice, the oldest first.

    Each has its correction of the tax invoice, as far as there is one.
    """
    rows: Any = await connection.fetch(
        "SELECT content, tax_invoice_number, issued_tax_cents FROM credit_note "
        "WHERE store_id = $1 AND order_id = $2 AND content ->> 'invoice_id' = $3 "
        "ORDER BY issued_at, credit_note_id",
        invoice.store_id,
        invoice.order_id,
        invoice.invoice_id,
    )
    return [(CreditNoteIssued.model_validate(row["content"]), _tax_invoice(row)) for row in rows]


async def read_credit_note(
    connection: Connection, store_id: str, credit_note_id: str
) -> CreditNoteIssued:
    """Return one credit note that exists."""
    (row,) = await connection.fetch(
        "SELECT content FROM credit_note WHERE store_id = $1 AND credit_note_id = $2",
        store_id,
        credit_note_id,
    )
    return CreditNoteIssued.model_validate(row["content"])


async def save_tax_invoice(
    connection: Connection, store_id: str, invoice_id: str, issued: TaxInvoice
) -> None:
    """Store the tax invoice of an invoice as it was issued."""
    await connection.execute(
        "UPDATE invoice SET tax_invoice_number = $3, issued_tax_cents = $4 "
        "WHERE store_id = $1 AND invoice_id = $2",
        store_id,
        invoice_id,
        issued.number,
        issued.tax_cents,
    )


async def save_tax_correction(
    connection: Connection, store_id: str, credit_note_id: str, issued: TaxInvoice
) -> None:
    """Store the correction of a tax invoice as it was issued."""
    await connection.execute(
        "UPDATE credit_note SET tax_invoice_number = $3, issued_tax_cents = $4 "
        "WHERE store_id = $1 AND credit_note_id = $2",
        store_id,
        credit_note_id,
        issued.number,
        issued.tax_cents,
    )


def _tax_invoice(row: Any) -> TaxInvoice | None:
    if row["tax_invoice_number"] is None:
        return None
    return TaxInvoice(row["tax_invoice_number"], row["issued_tax_cents"])
