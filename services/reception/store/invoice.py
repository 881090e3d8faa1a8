"""Bills as they were issued, and their tax invoices."""

from typing import Any

from shared.contracts.reception import InvoiceIssued
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
