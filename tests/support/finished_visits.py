"""Events of a finished visit, from which customer relations count a customer's loyalty."""

from datetime import datetime

from shared.contracts.reception import InvoiceIssued, PayerSplit, VehicleDelivered


def invoice(order: str, cents: int, at: datetime, store: str = "S01") -> InvoiceIssued:
    """Return an invoice of which the manufacturer pays another 1,000 yuan."""
    payer_splits = (
        PayerSplit(payer="customer", amount_cents=cents, due_at=at),
        PayerSplit(payer="manufacturer", amount_cents=100_000, due_at=at),
    )
    return InvoiceIssued(
        store_id=store,
        order_id=order,
        invoice_id=f"i-{order}",
        lines=(),
        labor_cents=cents + 100_000,
        parts_cents=0,
        tax_cents=0,
        total_cents=cents + 100_000,
        payer_splits=payer_splits,
        due_at=at,
        issued_at=at,
    )


def delivery(order: str, customer: str, at: datetime, store: str = "S01") -> VehicleDelivered:
    return VehicleDelivered(
        store_id=store,
        order_id=order,
        advisor_id=f"{store}-advisor-1",
        customer_ref=customer,
        delivered_at=at,
        steps=(),
    )
