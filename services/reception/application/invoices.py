"""Invoices (结算单): previewed, issued, read."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from services.reception import persistence
from services.reception.application import claims, dunning, tax_invoices
from services.reception.application.changes import lock_seen
from services.reception.application.deps import Deps
from services.reception.application.views import OrderView, order_view
from services.reception.application.vouchers import references_to_redeem
from services.reception.domain import errors, invoicing
from services.reception.domain.estimate import payable_cents
from services.reception.domain.invoicing import Terms
from services.reception.domain.money import included_tax
from services.reception.domain.tax_invoice import TaxInvoice
from shared.contracts.base import Identifier
from shared.contracts.reception import (
    BilledVoucher,
    CreditNoteIssued,
    EstimateLine,
    InvoiceIssued,
    PayerSplit,
    PayType,
    VoucherKind,
)
from shared.db import Connection
from shared.ids import new_id
from shared.request_model import RequestModel, VersionedRequest
from shared.unit_of_work import UnitOfWork


def _each_once(value: list[str]) -> list[str]:
    if len(set(value)) < len(value):
        raise ValueError("each voucher once")
    return value


Vouchers = Annotated[list[Identifier], Field(max_length=10), AfterValidator(_each_once)]


class ChosenVouchers(RequestModel):
    """Vouchers and service cards to be redeemed with the invoice.

    Where the invoice takes the place of one that is credited whole, other payers by code of the
    operation or part.
    """

    vouchers: Vouchers = []
    pay_types: Annotated[dict[Identifier, PayType], Field(max_length=120)] = {}


class IssueInvoiceRequest(VersionedRequest, ChosenVouchers):
    """Request to issue the invoice as it was previewed."""


class CreditNoteView(CreditNoteIssued):
    """Credit note with its correcting tax invoice (红字发票).

    Number and tax of the tax invoice are as issued, once there is one.
    """

    tax_invoice_number: str | None
    issued_tax_cents: int | None


class RedeemedVoucher(BaseModel):
    """Amount that a voucher or service card takes off an invoice, in cents."""

    voucher_id: str
    kind: VoucherKind
    op_code: str | None
    redeemed_cents: int


class BillView(BaseModel):
    """Issued invoice with its credits and its tax invoice (电子发票).

    Number and tax of the tax invoice are as issued, once there is one.

    ``issued_tax_cents`` may differ from ``computed_tax_cents``, the tax of the customer's share.
    """

    invoice: InvoiceIssued
    credit_notes: Sequence[CreditNoteView]
    tax_invoice_number: str | None
    issued_tax_cents: int | None
    computed_tax_cents: int


class InvoiceView(BillView):
    """Latest invoice of the order with its redeemed vouchers.

    ``earlier`` invoices are credited whole, the latest first.
    """

    vouchers: Sequence[RedeemedVoucher]
    earlier: Sequence[BillView]


class InvoicePreview(BaseModel):
    """Preview of the invoice, in cents.

    Gross lines, discount and vouchers, and their total with the tax that it contains.
    """

    lines: Sequence[EstimateLine]
    payer_splits: Sequence[PayerSplit]
    gross_cents: int
    discount_cents: int
    vouchers: Sequence[BilledVoucher]
    voucher_cents: int
    deposit_cents: int
    tax_cents: int
    total_cents: int
    due_at: datetime


async def issue_invoice(
    uow: UnitOfWork,
    order_id: str,
    command: IssueInvoiceRequest,
    customer_refs: Collection[str],
    deps: Deps,
) -> OrderView:
    """Invoice the work (结算) that the customer has agreed to and the workshop has finished.

    ``customer_refs`` are all references of the customer whose vouchers are redeemed.
    """
    connection = uow.connection
    order = await lock_seen(uow, order_id, command.version)
    billed, used, invoice, redeemed = invoicing.issue_invoice(
        order,
        invoice_id=str(new_id()),
        terms=await _terms(connection, uow.store_id, deps),
        now=uow.now,
        vouchers=await persistence.lock_vouchers(connection, uow.store_id, command.vouchers),
        customer_refs=customer_refs,
        pay_types=command.pay_types,
    )
    saved = await persistence.save_order(uow, billed)
    await persistence.save_vouchers(connection, used)
    await persistence.add_invoice(connection, invoice)
    uow.publish([invoice, *redeemed])
    await claims.draft_claim(uow, saved.visit, invoice, deps)
    await dunning.schedule_next_reminder(uow, saved.account, deps)
    await tax_invoices.schedule_tax_invoice(uow, invoice)
    return order_view(saved)


async def preview_invoice(
    store_id: str, order_id: str, command: ChosenVouchers, deps: Deps
) -> InvoicePreview:
    """Preview the invoice (预结算); nothing is issued or redeemed."""
    customer_refs = await references_to_redeem(store_id, order_id, command.vouchers, deps)
    async with deps.uow_factory.read(store_id) as connection:
        _order, _used, invoice, _redeemed = invoicing.issue_invoice(
            await persistence.read_order(connection, store_id, order_id),
            invoice_id=order_id,
            terms=await _terms(connection, store_id, deps),
            now=deps.uow_factory.clock.now(),
            vouchers=await persistence.lock_vouchers(connection, store_id, command.vouchers),
            customer_refs=customer_refs,
            pay_types=command.pay_types,
        )
    return InvoicePreview(**{name: getattr(invoice, name) for name in InvoicePreview.model_fields})


async def get_invoice(store_id: str, order_id: str, deps: Deps) -> InvoiceView:
    """Read the order's invoice as it was issued (结算单), and those before it.

    Raises:
        RuleViolation: it is not invoiced.
    """
    async with deps.uow_factory.read(store_id) as connection:
        await persistence.read_account(connection, store_id, order_id)
        bills = await persistence.invoices(connection, store_id, order_id)
        views = [
            _invoice_view(*bill, await persistence.credit_notes(connection, bill[0]))
            for bill in bills
        ]
        vouchers = await persistence.redeemed_vouchers(connection, store_id, order_id)
    if not views:
        raise errors.not_invoiced()
    latest, *earlier = views
    return InvoiceView(
        **dict(latest),
        vouchers=[
            RedeemedVoucher(
                voucher_id=each.voucher_id,
                kind=each.kind,
                op_code=each.op_code,
                redeemed_cents=each.redeemed_cents,
            )
            for each in vouchers
        ],
        earlier=earlier,
    )


async def _terms(connection: Connection, store_id: str, deps: Deps) -> Terms:
    store = await deps.group.store(connection, store_id)
    return Terms(store.tax_rate_bp, timedelta(days=store.payment_days))


def _invoice_view(
    invoice: InvoiceIssued,
    tax_invoice: TaxInvoice | None,
    notes: Sequence[tuple[CreditNoteIssued, TaxInvoice | None]],
) -> BillView:
    return BillView(
        invoice=invoice,
        credit_notes=[
            CreditNoteView(
                **note.model_dump(),
                tax_invoice_number=correction and correction.number,
                issued_tax_cents=correction and correction.tax_cents,
            )
            for note, correction in notes
        ],
        tax_invoice_number=tax_invoice and tax_invoice.number,
        issued_tax_cents=tax_invoice and tax_invoice.tax_cents,
        computed_tax_cents=included_tax(payable_cents(invoice.lines), invoice.tax_rate_bp),
    )
