"""Tax invoices (电子发票): what is handed to the tax authority's or a provider's interface."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel

from services.reception import store
from services.reception.domain.money import included_tax
from shared.contracts.reception import EstimateLine, TaxInvoiceCorrected, TaxInvoiceIssued
from shared.db import transaction
from shared.service import Service
from shared.timers import NotYetError, Timer
from shared.unit import Unit


class TaxDocument(BaseModel):
    """The customer's share of one bill, or with ``corrects``, the number of its tax invoice, what
    a credit note takes back of it (红字发票); ``document_id`` is that of the bill or note.

    The buyer's title is asked from customer relations.
    """

    store_id: str
    order_id: str
    document_id: str
    corrects: str | None = None
    lines: list[EstimateLine]
    amount_cents: int
    tax_cents: int


class TaxInvoices(Protocol):
    """Issues tax invoices."""

    async def issue(self, document: TaxDocument) -> str:
        """The number of the tax invoice; the same for a document that comes again.

        Raises:
            NotYetError: the interface does not answer; it is asked again.
        """
        ...


@dataclass(frozen=True)
class TaxInvoiceFiles:
    """Writes each document as a file for a tax client to take over, under the document's id."""

    folder: Path

    async def issue(self, document: TaxDocument) -> str:
        try:
            await asyncio.to_thread(self._write, document)
        except OSError as error:
            raise NotYetError(f"tax invoices: {error}") from error
        return document.document_id

    def _write(self, document: TaxDocument) -> None:
        file = self.folder / document.store_id / f"{document.document_id}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".part")
        draft.write_text(document.model_dump_json(indent=2), encoding="utf-8")
        draft.replace(file)


@dataclass(frozen=True)
class TaxInvoicing:
    """Has the tax invoice of each bill issued, and corrected with each credit note, outside of any
    transaction."""

    service: Service
    issuer: TaxInvoices
    tax_rate_bp: dict[str, int]

    async def prepare(self, store_id: str, order_id: str) -> TaxInvoiceIssued | None:
        """Ask for the tax invoice; nothing to do where the customer pays nothing."""
        async with transaction(self.service.pool, [store_id]) as connection:
            found = await store.find_invoice(connection, store_id, order_id)
        if found is None:
            return None
        invoice = found[0]
        lines = [line for line in invoice.lines if line.pay_type == "customer"]
        amount = sum(line.amount_cents for line in lines)
        if not amount:
            return None
        document = TaxDocument(
            store_id=store_id,
            order_id=order_id,
            document_id=invoice.invoice_id,
            lines=lines,
            amount_cents=amount,
            tax_cents=included_tax(amount, self.tax_rate_bp[store_id]),
        )
        return TaxInvoiceIssued(
            store_id=store_id,
            order_id=order_id,
            invoice_id=invoice.invoice_id,
            tax_invoice_number=await self.issuer.issue(document),
            amount_cents=amount,
            issued_at=self.service.clock.now(),
        )

    async def fire(self, unit: Unit, timer: Timer) -> None:
        """Remember and publish its number (R8)."""
        issued: TaxInvoiceIssued | None = timer.prepared
        if issued:
            await store.save_tax_number(
                unit.connection, timer.store_id, timer.subject, issued.tax_invoice_number
            )
            unit.publish([issued], timer.cause)

    async def prepare_correction(self, store_id: str, credit_note_id: str) -> TaxInvoiceCorrected:
        """Have a tax invoice corrected (红字发票).

        Raises:
            NotYetError: the tax invoice itself is not issued yet, or the interface does not answer.
        """
        async with transaction(self.service.pool, [store_id]) as connection:
            note = await store.read_credit_note(connection, store_id, credit_note_id)
            found = await store.find_invoice(connection, store_id, note.order_id)
        if found is None or found[1] is None:
            raise NotYetError("the tax invoice is not issued yet")
        document = TaxDocument(
            store_id=store_id,
            order_id=note.order_id,
            document_id=credit_note_id,
            corrects=found[1],
            lines=[line for line in note.lines if line.amount_cents],
            amount_cents=note.total_cents,
            tax_cents=note.tax_cents,
        )
        return TaxInvoiceCorrected(
            store_id=store_id,
            order_id=note.order_id,
            credit_note_id=credit_note_id,
            tax_invoice_number=await self.issuer.issue(document),
            corrects=found[1],
            amount_cents=note.total_cents,
            issued_at=self.service.clock.now(),
        )

    async def fire_correction(self, unit: Unit, timer: Timer) -> None:
        """Remember and publish the number of the correction (R8)."""
        corrected: TaxInvoiceCorrected = timer.prepared
        await store.save_correction_number(
            unit.connection, timer.store_id, timer.subject, corrected.tax_invoice_number
        )
        unit.publish([corrected], timer.cause)
