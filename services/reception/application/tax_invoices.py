"""Tax invoices (电子发票): issued for each invoice and corrected with each credit note."""

from collections.abc import Iterable, Sequence

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.clients.tax_invoices import TaxDocument
from services.reception.domain.estimate import payable_cents
from services.reception.domain.money import included_tax
from services.reception.domain.tax_invoice import TaxInvoice
from shared import timers
from shared.contracts.reception import (
    CreditNoteIssued,
    EstimateLine,
    InvoiceIssued,
    RedLetterInvoiceIssued,
    TaxInvoiceIssued,
)
from shared.timers import RetryLaterError, Timer
from shared.unit_of_work import UnitOfWork

TAX_INVOICE = "tax_invoice"
TAX_CREDIT = "tax_credit"

Notes = Sequence[tuple[CreditNoteIssued, TaxInvoice | None]]
"""The credit notes of an invoice in their order, each with its correction of the tax invoice."""


async def schedule_tax_invoice(uow: UnitOfWork, invoice: InvoiceIssued) -> None:
    """Schedule the tax invoice of an invoice for when the transaction has committed."""
    await timers.schedule(
        uow, TAX_INVOICE, invoice.invoice_id, store_id=invoice.store_id, due_at=uow.now
    )


async def schedule_tax_credit(uow: UnitOfWork, note: CreditNoteIssued) -> None:
    """Schedule the tax correction of a credit note for when the transaction has committed."""
    await timers.schedule(
        uow, TAX_CREDIT, note.credit_note_id, store_id=note.store_id, due_at=uow.now
    )


async def request_tax_invoice(
    store_id: str, invoice_id: str, deps: Deps
) -> TaxInvoiceIssued | None:
    """Request the tax invoice of an invoice; nothing to do where the customer pays nothing.

    Raises:
        RetryLaterError: the interface does not respond.
    """
    async with deps.uow_factory.read(store_id) as connection:
        invoice, _ = await persistence.read_invoice(connection, store_id, invoice_id)
    lines = _of_customer(invoice.lines)
    amount = payable_cents(lines)
    if not amount:
        return None
    computed = included_tax(amount, invoice.tax_rate_bp)
    response = await deps.tax_invoices.issue(
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
        issued_at=deps.uow_factory.clock.now(),
    )


async def keep_tax_invoice(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Store and publish a tax invoice as it was issued (R8)."""
    issued: TaxInvoiceIssued | None = timer.prepared
    if issued:
        await persistence.save_tax_invoice(
            uow.connection, timer.store_id, issued.invoice_id, _as_issued(issued)
        )
        uow.publish([issued])


async def request_tax_correction(
    store_id: str, credit_note_id: str, deps: Deps
) -> RedLetterInvoiceIssued | None:
    """Request the correction of a tax invoice (红字发票).

    There is nothing to do where the customer gets nothing.

    Raises:
        RetryLaterError: the tax invoice itself or an earlier correction is not issued yet, or
            the interface does not respond.
    """
    async with deps.uow_factory.read(store_id) as connection:
        note = await persistence.read_credit_note(connection, store_id, credit_note_id)
        invoice, tax_invoice = await persistence.read_invoice(connection, store_id, note.invoice_id)
        notes = await persistence.credit_notes(connection, invoice)
    amount = payable_cents(note.lines)
    if not amount:
        return None
    if tax_invoice is None:
        raise RetryLaterError("the tax invoice is not issued yet")
    tax_cents = _tax_to_correct(note, invoice, tax_invoice, notes)
    response = await deps.tax_invoices.issue(_correction(note, tax_invoice, tax_cents))
    return RedLetterInvoiceIssued(
        store_id=store_id,
        order_id=note.order_id,
        credit_note_id=credit_note_id,
        tax_invoice_number=response.number,
        original_tax_invoice_number=tax_invoice.number,
        amount_cents=amount,
        tax_cents=response.tax_cents,
        computed_tax_cents=_customers_tax(note, invoice, notes),
        issued_at=deps.uow_factory.clock.now(),
    )


async def keep_tax_correction(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Store and publish the correction of a tax invoice as it was issued (R8)."""
    corrected: RedLetterInvoiceIssued | None = timer.prepared
    if corrected:
        await persistence.save_tax_correction(
            uow.connection, timer.store_id, timer.entity_id, _as_issued(corrected)
        )
        uow.publish([corrected])


def _of_customer(lines: Iterable[EstimateLine]) -> list[EstimateLine]:
    return [line for line in lines if line.pay_type == "customer"]


def _as_issued(event: TaxInvoiceIssued | RedLetterInvoiceIssued) -> TaxInvoice:
    return TaxInvoice(event.tax_invoice_number, event.tax_cents or 0)


def _correction(note: CreditNoteIssued, tax_invoice: TaxInvoice, tax_cents: int) -> TaxDocument:
    amount = payable_cents(note.lines)
    return TaxDocument(
        store_id=note.store_id,
        order_id=note.order_id,
        document_id=note.credit_note_id,
        original_tax_invoice_number=tax_invoice.number,
        lines=[
            line.model_copy(update={"gross_cents": line.amount_cents})
            for line in _of_customer(note.lines)
            if line.amount_cents
        ],
        gross_cents=amount,
        amount_cents=amount,
        tax_cents=tax_cents,
    )


def _tax_to_correct(
    note: CreditNoteIssued,
    invoice: InvoiceIssued,
    tax_invoice: TaxInvoice,
    notes: Notes,
) -> int:
    """Return the customer's part of the note's tax.

    With the last of what the customer pays, it is all that is left of the tax that the tax invoice
    was issued with.
    """
    earlier = [each for each in _before(note, notes) if payable_cents(each[0].lines)]
    credited = sum(payable_cents(each.lines) for each, _ in earlier) + payable_cents(note.lines)
    if credited < payable_cents(invoice.lines):
        return _customers_tax(note, invoice, notes)
    if any(correction is None for _, correction in earlier):
        raise RetryLaterError("an earlier correction is not issued yet")
    return tax_invoice.tax_cents - sum(each.tax_cents for _, each in earlier if each)


def _customers_tax(note: CreditNoteIssued, invoice: InvoiceIssued, notes: Notes) -> int:
    """Return the tax of the customer's share before the note, less that of what is left."""
    credited = sum(payable_cents(each.lines) for each, _ in _before(note, notes))
    before = payable_cents(invoice.lines) - credited
    after = before - payable_cents(note.lines)
    rate_bp = invoice.tax_rate_bp
    return included_tax(before, rate_bp) - included_tax(after, rate_bp)


def _before(note: CreditNoteIssued, notes: Notes) -> Notes:
    numbered = [each.credit_note_id for each, _ in notes]
    return notes[: numbered.index(note.credit_note_id)]
