"""Interface to a tax authority or provider for tax invoices (电子发票)."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import BaseModel, Field, ValidationError

from shared.contracts.reception import EstimateLine
from shared.timers import RetryLaterError


class TaxDocument(BaseModel):
    """Customer's share of one invoice or credit note.

    With ``original_tax_invoice_number`` it is what a credit note takes back of that tax invoice
    (红字发票); ``document_id`` is that of the invoice or note.

    ``gross_cents`` less ``discount_cents`` and ``voucher_cents`` is ``amount_cents``, line by line
    and altogether. The buyer's title is asked from customer relations.
    """

    store_id: str
    order_id: str
    document_id: str
    original_tax_invoice_number: str | None = None
    lines: list[EstimateLine]
    gross_cents: int
    discount_cents: int = 0
    voucher_cents: int = 0
    amount_cents: int
    tax_cents: int


class TaxResponse(BaseModel):
    """Number under which a document was issued, and its tax as issued."""

    number: Annotated[str, Field(min_length=1, max_length=120)]
    tax_cents: Annotated[int, Field(ge=0)]


class TaxInvoices(Protocol):
    """Issuer of tax invoices."""

    async def issue(self, document: TaxDocument) -> TaxResponse:
        """Issue a tax invoice and return it; a repeated document gets the same one.

        Raises:
            RetryLaterError: the interface does not respond; it is asked again.
        """
        ...


@dataclass(frozen=True)
class TaxInvoiceFiles:
    """Issuer that writes each document as a file for a tax client, under the document's id.

    A tax client that ``tax_client_responds`` writes a file beside it that ends in
    ``.response.json``, a :class:`TaxResponse`; without one the document counts as issued as it is.
    """

    folder: Path
    tax_client_responds: bool = False

    async def issue(self, document: TaxDocument) -> TaxResponse:
        try:
            return await asyncio.to_thread(self._issue, document)
        except (OSError, ValidationError) as error:
            raise RetryLaterError(f"tax invoices: {error}") from error

    def _issue(self, document: TaxDocument) -> TaxResponse:
        file = self.folder / document.store_id / f"{document.document_id}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".part")
        draft.write_text(document.model_dump_json(indent=2), encoding="utf-8")
        draft.replace(file)
        if not self.tax_client_responds:
            return TaxResponse(number=document.document_id, tax_cents=document.tax_cents)
        return TaxResponse.model_validate_json(file.with_suffix(".response.json").read_bytes())
