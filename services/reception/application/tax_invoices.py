"""Tax invoices (电子发票): what is handed to the tax authority's or a provider's interface."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import BaseModel, Field, ValidationError

from services.reception import persistence
from services.reception.domain.estimate import payable_cents
from services.reception.domain.money import included_tax
from services.reception.persistence.invoice import TaxInvoice
from shared.contracts.reception import (
    CreditNoteIssued,
    EstimateLine,
    InvoiceIssued,
    TaxInvoiceCorrected,
    TaxInvoiceIssued,
)
from shared.db import transaction
from shared.service import Service
from shared.timers import RetryLaterError, Timer
from shared.unit_of_work import UnitOfWork


class TaxDocument(BaseModel):
    """The customer's share of one bill, or with ``corrects``, the number of its tax invoice, what
    a credit note takes back of it (红字发票); ``document_id`` is that of the bill or note.

    ``gross_cents`` less ``discount_cents`` and ``voucher_cents`` is ``amount_cents``, line by line
    and altogether. The buyer's title is asked from customer relations.
    """

    store_id: str
    order_id: str
    document_id: str
    corrects: str | None = None
    lines: list[EstimateLine]
    gross_cents: int
    discount_cents: int = 0
    voucher_cents: int = 0
    amount_cents: int
    tax_cents: int


class TaxResponse(BaseModel):
    """The number under which a document was issued, and the tax on it as it was issued."""

    number: Annotated[str, Field(min_length=1, max_length=120)]
    tax_cents: Annotated[int, Field(ge=0)]


class TaxInvoices(Protocol):
    """Issues tax invoices."""

    async def issue(self, document: TaxDocument) -> TaxResponse:
        """The issued tax invoice; the same for a document that comes again.

        Raises:
            RetryLaterError: the interface does not respond; it is asked again.
        """
        ...


@dataclass(frozen=True)
class TaxInvoiceFiles:
    """Writes each document as a file for a tax client to take over, under the document's id.

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


@dataclass(frozen=True)
class TaxInvoicing:
    """Has the tax invoice of each bill issued, and corrected with each credit note, outside of any
    transaction."""

    service: Service
    issuer: TaxInvoices

    async def prepare(self, store_id: str, invoice_id: str) -> TaxInvoiceIssued | None:
        """Ask for the tax invoice; nothing to do where the customer pays nothing."""
        async with transaction(self.service.pool, [store_id]) as connection:
            invoice, _ = await persistence.read_invoice(connection, store_id, invoice_id)
        lines = _of_customer(invoice.lines)
        amount = payable_cents(lines)
        if not amount:
            return None
        computed = included_tax(amount, invoice.tax_rate_bp)
        response = await self.issuer.issue(
            TaxDocument(
                store_id=store_id,
                order_id=invoice.order_id,
                document_id=invoice.invoice_id,
                lines=lines,
                gross_cents=amount + invoice.discount_cents + invoice.voucher_cents,
                discount_cents=invoice.discount_cents,
                voucher_cents=invoice.voucher_cents,
                amount_cents=amount,
                tax_cents=computed,
            )
        )
        return TaxInvoiceIssued(
            store_id=store_id,
            order_id=invoice.order_id,
            invoice_id=invoice.invoice_id,
            tax_invoice_number=response.number,
            amount_cents=amount,
            tax_cents=response.tax_cents,
            computed_tax_cents=computed,
            issued_at=self.service.clock.now(),
        )

    async def fire(self, uow: UnitOfWork, timer: Timer) -> None:
        """Keep and publish it as it was issued (R8)."""
        issued: TaxInvoiceIssued | None = timer.prepared
        if issued:
            await persistence.save_tax_invoice(
                uow.connection, timer.store_id, issued.invoice_id, _as_issued(issued)
            )
            uow.publish([issued], timer.causation)

    async def prepare_correction(
        self, store_id: str, credit_note_id: str
    ) -> TaxInvoiceCorrected | None:
        """Have a tax invoice corrected (红字发票); nothing to do where the customer gets nothing.

        Raises:
            RetryLaterError: the tax invoice itself or an earlier correction is not issued yet, or
                the interface does not respond.
        """
        async with transaction(self.service.pool, [store_id]) as connection:
            note = await persistence.read_credit_note(connection, store_id, credit_note_id)
            invoice, tax_invoice = await persistence.read_invoice(
                connection, store_id, note.invoice_id
            )
            notes = await persistence.credit_notes(connection, invoice)
        amount = payable_cents(note.lines)
        if not amount:
            return None
        if tax_invoice is None:
            raise RetryLaterError("the tax invoice is not issued yet")
        response = await self.issuer.issue(
            TaxDocument(
                store_id=store_id,
                order_id=note.order_id,
                document_id=credit_note_id,
                corrects=tax_invoice.number,
                lines=[
                    line.model_copy(update={"gross_cents": line.amount_cents})
                    for line in _of_customer(note.lines)
                    if line.amount_cents
                ],
                gross_cents=amount,
                amount_cents=amount,
                tax_cents=_tax_to_correct(note, invoice, tax_invoice, notes),
            )
        )
        return TaxInvoiceCorrected(
            store_id=store_id,
            order_id=note.order_id,
            credit_note_id=credit_note_id,
            tax_invoice_number=response.number,
            corrects=tax_invoice.number,
            amount_cents=amount,
            tax_cents=response.tax_cents,
            computed_tax_cents=_customers_tax(note, invoice, notes),
            issued_at=self.service.clock.now(),
        )

    async def fire_correction(self, uow: UnitOfWork, timer: Timer) -> None:
        """Keep and publish the correction as it was issued (R8)."""
        corrected: TaxInvoiceCorrected | None = timer.prepared
        if corrected:
            await persistence.save_tax_correction(
                uow.connection, timer.store_id, timer.subject, _as_issued(corrected)
            )
            uow.publish([corrected], timer.causation)


Notes = Sequence[tuple[CreditNoteIssued, TaxInvoice | None]]
"""The credit notes of a bill in their order, each with its correction of the tax invoice."""


def _of_customer(lines: Iterable[EstimateLine]) -> list[EstimateLine]:
    return [line for line in lines if line.pay_type == "customer"]


def _as_issued(event: TaxInvoiceIssued | TaxInvoiceCorrected) -> TaxInvoice:
    return TaxInvoice(event.tax_invoice_number, event.tax_cents or 0)


def _tax_to_correct(
    note: CreditNoteIssued,
    invoice: InvoiceIssued,
    tax_invoice: TaxInvoice,
    notes: Notes,
) -> int:
    """The customer's part of the note's tax; with the last of what the customer pays, all that is
    left of the tax that the tax invoice was issued with."""
    earlier = [each for each in _before(note, notes) if payable_cents(each[0].lines)]
    credited = sum(payable_cents(each.lines) for each, _ in earlier) + payable_cents(note.lines)
    if credited < payable_cents(invoice.lines):
        return _customers_tax(note, invoice, notes)
    if any(correction is None for _, correction in earlier):
        raise RetryLaterError("an earlier correction is not issued yet")
    return tax_invoice.tax_cents - sum(each.tax_cents for _, each in earlier if each)


def _customers_tax(note: CreditNoteIssued, invoice: InvoiceIssued, notes: Notes) -> int:
    """The tax of what the customer had to pay before the note, less that of what is left."""
    credited = sum(payable_cents(each.lines) for each, _ in _before(note, notes))
    before = payable_cents(invoice.lines) - credited
    after = before - payable_cents(note.lines)
    rate_bp = invoice.tax_rate_bp
    return included_tax(before, rate_bp) - included_tax(after, rate_bp)


def _before(note: CreditNoteIssued, notes: Notes) -> Notes:
    numbered = [each.credit_note_id for each, _ in notes]
    return notes[: numbered.index(note.credit_note_id)]
