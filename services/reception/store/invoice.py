"""Bills as they were issued, their corrections, and their tax invoices."""

from typing import Any

from shared.contracts.reception import CreditNoteIssued, InvoiceIssued
from shared.db import Connection


async def add_invoice(connection: Connection, invoice: InvoiceIssued) -> None:
    """Keep a bill; it never changes."""
    await connection.execute(
        "INSERT INTO invoice (store_id, order_id, invoice_id, content) VALUES ($1, $2, $3, $4)",
        invoice.store_id,
        invoice.order_id,
        invoice.invoice_id,
        invoice.model_dump(mode="json"),
    )


async def find_invoice(
    connection: Connection, store_id: str, order_id: str
) -> tuple[InvoiceIssued, str | None] | None:
    """The order's bill and the number of its tax invoice, as far as there are such."""
    row: Any = await connection.fetchrow(
        "SELECT content, tax_invoice_number FROM invoice WHERE store_id = $1 AND order_id = $2",
        store_id,
        order_id,
    )
    if row is None:
        return None
    return InvoiceIssued.model_validate(row["content"]), row["tax_invoice_number"]


async def add_credit_note(connection: Connection, note: CreditNoteIssued) -> None:
    """Keep a correction of a bill."""
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
    connection: Connection, store_id: str, order_id: str
) -> list[tuple[CreditNoteIssued, str | None]]:
    """What was credited of the order's bill, the oldest first, and the numbers of the documents
    that correct its tax invoice, as far as there are such."""
    rows: Any = await connection.fetch(
        "SELECT content, tax_invoice_number FROM credit_note "
        "WHERE store_id = $1 AND order_id = $2 "
        "ORDER BY issued_at, credit_note_id",
        store_id,
        order_id,
    )
    return [
        (CreditNoteIssued.model_validate(row["content"]), row["tax_invoice_number"]) for row in rows
    ]


async def read_credit_note(
    connection: Connection, store_id: str, credit_note_id: str
) -> CreditNoteIssued:
    """One credit note that exists."""
    (row,) = await connection.fetch(
        "SELECT content FROM credit_note WHERE store_id = $1 AND credit_note_id = $2",
        store_id,
        credit_note_id,
    )
    return CreditNoteIssued.model_validate(row["content"])


async def save_tax_number(
    connection: Connection, store_id: str, order_id: str, number: str
) -> None:
    """Remember the number under which the tax invoice was issued."""
    await connection.execute(
        "UPDATE invoice SET tax_invoice_number = $3 WHERE store_id = $1 AND order_id = $2",
        store_id,
        order_id,
        number,
    )


async def save_correction_number(
    connection: Connection, store_id: str, credit_note_id: str, number: str
) -> None:
    """Remember the number under which the tax invoice was corrected."""
    await connection.execute(
        "UPDATE credit_note SET tax_invoice_number = $3 "
        "WHERE store_id = $1 AND credit_note_id = $2",
        store_id,
        credit_note_id,
        number,
    )
