"""Tax invoices (电子发票)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TaxInvoice:
    """Tax invoice (电子发票) or its correction (红字发票) as it was issued."""

    number: str
    tax_cents: int
