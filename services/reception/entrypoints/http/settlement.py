"""Settlement (结算): discounts, the bill, deposits, payments, refunds, credit, receivables."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Self

from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, Field, model_validator

from services.reception import persistence
from services.reception.application import claim_reminders, receivables, tax_invoices
from services.reception.application.views import OrderView, order_view
from services.reception.domain import claim as claims
from services.reception.domain import errors, settlement
from services.reception.domain.claim import Claim, ClaimRules
from services.reception.domain.estimate import payable_cents
from services.reception.domain.money import included_tax
from services.reception.domain.order import Order
from services.reception.domain.settlement import Correction, Paid, Terms
from services.reception.entrypoints.http.access import (
    Advisor,
    Manager,
    MoneyReader,
    Office,
    catalog_of,
    store_router,
)
from services.reception.entrypoints.http.changes import Decision, change_order
from services.reception.persistence.invoice import TaxInvoice
from shared.commands import CommandContext
from shared.contracts.base import Identifier
from shared.contracts.reception import (
    BilledVoucher,
    CreditNoteIssued,
    CreditNoteReason,
    CreditReason,
    DiscountReason,
    EstimateLine,
    InvoiceIssued,
    Payer,
    PayerShare,
    PaymentMethod,
    PayType,
    RefundReason,
    VoucherKind,
)
from shared.contracts.versioned import require_version
from shared.db import transaction
from shared.duties import serves
from shared.group import Store
from shared.ids import new_id
from shared.request_model import RequestModel, Seen
from shared.security import Principal, require_roles
from shared.unit_of_work import UnitOfWork

router = store_router()

Amount = Annotated[int, Field(gt=0, le=10**10)]


class RequestDiscount(Seen):
    amount_cents: Amount
    reason: DiscountReason


class RecordPayment(Seen):
    method: PaymentMethod
    amount_cents: Amount


class PayRefund(RecordPayment):
    reason: RefundReason


def _each_once(value: list[str]) -> list[str]:
    if len(set(value)) < len(value):
        raise ValueError("each voucher once")
    return value


Vouchers = Annotated[list[Identifier], Field(max_length=10), AfterValidator(_each_once)]


class ChosenVouchers(RequestModel):
    """Vouchers and service cards to be redeemed with the bill; where it takes the place of one that
    is credited whole, other payers by code of the operation or part."""

    vouchers: Vouchers = []
    pay_types: Annotated[dict[Identifier, PayType], Field(max_length=120)] = {}


class IssueInvoice(Seen, ChosenVouchers):
    """The bill as it was previewed."""


class IssueCreditNote(Seen):
    """``vouchers`` that were redeemed with the bill are given back; what is paid already of
    ``amount_cents`` is refunded by ``refund_method``; ``entire`` takes back the whole bill, of all
    payers."""

    entire: bool = False
    amount_cents: Annotated[int, Field(ge=0, le=10**10)] = 0
    refund_method: PaymentMethod | None = None
    vouchers: Vouchers = []
    reason: CreditNoteReason

    @model_validator(mode="after")
    def _takes_something_back(self) -> Self:
        if not (self.amount_cents or self.vouchers or self.entire):
            raise ValueError("a credit note takes back an amount, vouchers or the entire bill")
        if self.entire and self.amount_cents:
            raise ValueError("either an amount or the entire bill")
        return self


class GrantCredit(Seen):
    reason: CreditReason


class CreditNoteView(CreditNoteIssued):
    """A credit note, and number and tax of the correcting tax invoice (红字发票) as it was issued,
    once there is one."""

    tax_invoice_number: str | None
    issued_tax_cents: int | None


class RedeemedVoucher(BaseModel):
    """What a voucher or service card takes off a bill, in cents."""

    voucher_id: str
    kind: VoucherKind
    operation_id: str | None
    redeemed_cents: int


class BillView(BaseModel):
    """A bill as it was issued, what was credited of it since, and number and tax of its tax
    invoice (电子发票) as it was issued, once there is one.

    ``issued_tax_cents`` may differ from ``computed_tax_cents``, the tax of the customer's share.
    """

    invoice: InvoiceIssued
    credit_notes: Sequence[CreditNoteView]
    tax_invoice_number: str | None
    issued_tax_cents: int | None
    computed_tax_cents: int


class InvoiceView(BillView):
    """The order's latest bill with the vouchers that are redeemed with it, and ``earlier`` ones,
    which are credited whole, the latest first."""

    vouchers: Sequence[RedeemedVoucher]
    earlier: Sequence[BillView]


class InvoicePreview(BaseModel):
    """What the bill would be, in cents: gross lines, discount and vouchers, and their total with
    the tax that it contains."""

    lines: Sequence[EstimateLine]
    shares: Sequence[PayerShare]
    gross_cents: int
    discount_cents: int
    vouchers: Sequence[BilledVoucher]
    voucher_cents: int
    deposit_cents: int
    tax_cents: int
    total_cents: int
    due_at: datetime


class Receivable(BaseModel):
    """What a payer still owes of a bill (应收)."""

    order_id: str
    invoice_id: str
    payer: Payer
    customer_ref: str | None
    advisor_id: str | None
    amount_cents: int
    received_cents: int
    balance_cents: int
    due_at: datetime
    days_overdue: int


@router.post(
    "/orders/{order_id}/discount",
    response_model=OrderView,
    tags=["settlement"],
    openapi_extra=serves("R8"),
)
async def request_discount(
    request: Request, order_id: str, body: RequestDiscount, command: Advisor
) -> JSONResponse:
    """Take something off what the customer pays (优惠); above the role's limit it waits for
    another person's approval."""
    limit_bp = _limit_bp(request, command)

    def decide(order: Order, _: datetime) -> Decision:
        return settlement.request_discount(
            order, body.amount_cents, body.reason, command.principal.subject, limit_bp
        )

    return await change_order(command, order_id, decide, seen=body.version)


@router.post(
    "/orders/{order_id}/discount/approval",
    response_model=OrderView,
    tags=["settlement"],
    openapi_extra=serves("R8"),
)
async def approve_discount(
    request: Request, order_id: str, body: Seen, command: Manager
) -> JSONResponse:
    """Grant a discount (优惠审批) that somebody else has asked for, within one's own limit."""
    limit_bp = _limit_bp(request, command)

    def decide(order: Order, _: datetime) -> Decision:
        return settlement.approve_discount(order, command.principal.subject, limit_bp)

    return await change_order(command, order_id, decide, seen=body.version)


@router.post(
    "/orders/{order_id}/discount/withdrawal",
    response_model=OrderView,
    tags=["settlement"],
    openapi_extra=serves("R8"),
)
async def withdraw_discount(order_id: str, body: Seen, command: Advisor) -> JSONResponse:
    """Take back a discount that waits for its approval (撤回优惠), or decline it."""
    return await change_order(
        command,
        order_id,
        lambda order, _: (settlement.withdraw_discount(order), ()),
        seen=body.version,
    )


@router.post(
    "/orders/{order_id}/deposits",
    response_model=OrderView,
    tags=["settlement"],
    openapi_extra=serves("R8"),
)
async def receive_deposit(order_id: str, body: RecordPayment, command: Advisor) -> JSONResponse:
    """Take money before the bill (定金); it will be set against it."""
    return await change_order(
        command,
        order_id,
        lambda order, now: settlement.receive_deposit(order, _paid(body, now)),
        seen=body.version,
    )


@router.post(
    "/orders/{order_id}/invoice",
    response_model=OrderView,
    tags=["settlement"],
    openapi_extra=serves("R8"),
)
async def issue_invoice(
    request: Request, order_id: str, body: IssueInvoice, command: Advisor
) -> JSONResponse:
    """Bill the order (结算): what the customer has agreed to and the workshop has finished."""
    known = catalog_of(request)
    place = known.stores[command.store_id]

    async def use_case(uow: UnitOfWork) -> BaseModel:
        connection, causation = uow.connection, command.causation
        order = await persistence.lock_order(connection, command.store_id, order_id)
        require_version(order, body.version)
        billed, used, invoice, redeemed = settlement.issue_invoice(
            order,
            invoice_id=str(new_id()),
            terms=_terms(place),
            now=uow.now,
            vouchers=await persistence.lock_vouchers(connection, command.store_id, body.vouchers),
            pay_types=body.pay_types,
        )
        saved = await persistence.save_order(uow, billed)
        await persistence.save_vouchers(connection, used)
        await persistence.add_invoice(connection, invoice)
        uow.publish([invoice, *redeemed], causation)
        await _draft_claim(uow, saved, invoice, known.claim_rules, command)
        await receivables.watch(uow, saved, known.overdue_days)
        await tax_invoices.schedule_tax_invoice(uow, invoice)
        return order_view(saved)

    return await command.run(use_case)


@router.post("/orders/{order_id}/invoice-preview", tags=["settlement"], openapi_extra=serves("R8"))
async def preview_invoice(
    request: Request,
    store_id: str,
    order_id: str,
    body: ChosenVouchers,
    _: Annotated[Principal, Depends(require_roles("advisor", "manager"))],
) -> InvoicePreview:
    """What the bill would be (预结算); nothing is issued or redeemed."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        _order, _used, invoice, _redeemed = settlement.issue_invoice(
            await persistence.read_order(connection, store_id, order_id),
            invoice_id=order_id,
            terms=_terms(catalog_of(request).stores[store_id]),
            now=request.app.state.service.clock.now(),
            vouchers=await persistence.lock_vouchers(connection, store_id, body.vouchers),
            pay_types=body.pay_types,
        )
    return InvoicePreview(**{name: getattr(invoice, name) for name in InvoicePreview.model_fields})


@router.get("/orders/{order_id}/invoice", tags=["settlement"], openapi_extra=serves("R8"))
async def get_invoice(
    request: Request, store_id: str, order_id: str, _: MoneyReader
) -> InvoiceView:
    """The order's bill as it was issued (结算单), and those before it."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        await persistence.read_order(connection, store_id, order_id)
        bills = await persistence.invoices(connection, store_id, order_id)
        views = [
            _bill_view(*bill, await persistence.credit_notes(connection, bill[0])) for bill in bills
        ]
        vouchers = await persistence.redeemed_vouchers(connection, store_id, order_id)
    if not views:
        raise errors.not_billed()
    latest, *earlier = views
    return InvoiceView(
        **dict(latest),
        vouchers=[
            RedeemedVoucher(
                voucher_id=each.voucher_id,
                kind=each.kind,
                operation_id=each.operation_id,
                redeemed_cents=each.redeemed_cents,
            )
            for each in vouchers
        ],
        earlier=earlier,
    )


@router.post(
    "/orders/{order_id}/credit-notes",
    response_model=OrderView,
    tags=["settlement"],
    openapi_extra=serves("R8"),
)
async def issue_credit_note(
    request: Request, order_id: str, body: IssueCreditNote, command: Manager
) -> JSONResponse:
    """Correct a bill (红字): take back a part of what the customer pays, refund what is paid of it
    already, and give vouchers back; with the last of what the customer pays, all of them."""
    known, store_id = catalog_of(request), command.store_id

    async def use_case(uow: UnitOfWork) -> BaseModel:
        connection = uow.connection
        found = await persistence.lock_claims_of_order(connection, store_id, order_id)
        order = await persistence.lock_order(connection, store_id, order_id)
        require_version(order, body.version)
        if order.invoice_id is None:
            raise errors.not_billed()
        invoice, _tax = await persistence.read_invoice(connection, store_id, order.invoice_id)
        notes = await persistence.credit_notes(connection, invoice)
        correction = Correction(
            credit_note_id=str(new_id()),
            amount_cents=order.payable_cents if body.entire else body.amount_cents,
            reason=body.reason,
            person=command.principal.subject,
            at=uow.now,
            vouchers=tuple(body.vouchers),
            entire=body.entire,
        )
        refunded, refunds = settlement.refund_credited(
            order, correction, str(new_id()), body.refund_method
        )
        credited, note, given_back, returned = settlement.credit(
            refunded,
            settlement.remaining_lines(invoice.lines, [note for note, _ in notes]),
            correction,
            redeemed=await persistence.redeemed_vouchers(connection, store_id, order_id),
            tax_rate_bp=invoice.tax_rate_bp,
        )
        saved = await persistence.save_order(uow, credited)
        await persistence.add_credit_note(connection, note)
        await persistence.save_vouchers(connection, given_back)
        uow.publish([*refunds, note, *returned], command.causation)
        await receivables.watch(uow, saved, known.overdue_days)
        if body.entire:
            await _withdraw_claims(uow, found, known.claim_rules, command)
        if note.total_cents:
            await tax_invoices.schedule_tax_correction(uow, note)
        return order_view(saved)

    return await command.run(use_case)


@router.post(
    "/orders/{order_id}/payments",
    response_model=OrderView,
    tags=["settlement"],
    openapi_extra=serves("R8"),
)
async def receive_payment(
    request: Request, order_id: str, body: RecordPayment, command: Advisor
) -> JSONResponse:
    """Take money from the customer (收款), never more than the balance."""
    days = catalog_of(request).overdue_days

    async def watch(uow: UnitOfWork, order: Order) -> None:
        await receivables.watch(uow, order, days)

    return await change_order(
        command,
        order_id,
        lambda order, now: settlement.receive_payment(order, _paid(body, now)),
        watch,
        seen=body.version,
    )


@router.post(
    "/orders/{order_id}/refunds",
    response_model=OrderView,
    tags=["settlement"],
    openapi_extra=serves("R8"),
)
async def pay_refund(
    request: Request, order_id: str, body: PayRefund, command: Manager
) -> JSONResponse:
    """Give money back to the customer (退款): a deposit first, then payments."""
    days, person = catalog_of(request).overdue_days, command.principal.subject

    async def watch(uow: UnitOfWork, order: Order) -> None:
        await receivables.watch(uow, order, days)

    return await change_order(
        command,
        order_id,
        lambda order, now: settlement.refund(order, _paid(body, now), body.reason, person),
        watch,
        seen=body.version,
    )


@router.post(
    "/orders/{order_id}/credit",
    response_model=OrderView,
    tags=["settlement"],
    openapi_extra=serves("R8"),
)
async def grant_credit(order_id: str, body: GrantCredit, command: Manager) -> JSONResponse:
    """Let the vehicle go before it is paid (挂账批准); somebody else hands it over."""
    person = command.principal.subject
    return await change_order(
        command,
        order_id,
        lambda order, now: settlement.grant_credit(order, body.reason, person, now),
        seen=body.version,
    )


@router.get("/receivables", tags=["settlement"], openapi_extra=serves("R8", "R32"))
async def list_receivables(request: Request, store_id: str, _: Office) -> list[Receivable]:
    """What customers and manufacturer still owe the store (应收台账), the oldest first."""
    now = request.app.state.service.clock.now()
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        unpaid = await persistence.unpaid_orders(connection, store_id)
    return [each for order in unpaid for each in _receivables(order, now)]


async def _draft_claim(
    uow: UnitOfWork,
    order: Order,
    invoice: InvoiceIssued,
    rules: ClaimRules,
    command: CommandContext,
) -> None:
    """What the manufacturer is to pay of a bill is claimed (R6)."""
    lines = [line for line in invoice.lines if line.pay_type == "warranty"]
    if not lines:
        return
    claim, events = claims.draft(order, lines, str(new_id()), rules, uow.now)
    await persistence.save_claim(uow, claim)
    await claim_reminders.watch(uow, claim, rules)
    uow.publish(events, command.causation)


async def _withdraw_claims(
    uow: UnitOfWork, found: Sequence[Claim], rules: ClaimRules, command: CommandContext
) -> None:
    """The manufacturer is not asked for what is on no bill any more (R6)."""
    for each in found:
        claim, events = claims.withdraw(each, command.principal.subject, uow.now)
        await persistence.save_claim(uow, claim)
        await claim_reminders.watch(uow, claim, rules)
        uow.publish(events, command.causation)


def _bill_view(
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


def _receivables(order: Order, now: datetime) -> Sequence[Receivable]:
    return [
        Receivable(
            order_id=order.order_id,
            invoice_id=order.invoice_id or "",
            customer_ref=order.customer_ref,
            advisor_id=order.advisor_id,
            balance_cents=share.balance_cents,
            days_overdue=max(0, (now - share.due_at).days),
            **share.model_dump(),
        )
        for share in settlement.receivable_shares(order)
        if share.balance_cents
    ]


def _terms(place: Store) -> Terms:
    return Terms(place.tax_rate_bp, timedelta(days=place.payment_days))


def _paid(body: RecordPayment, now: datetime) -> Paid:
    return Paid(str(new_id()), body.method, body.amount_cents, now)


def _limit_bp(request: Request, command: CommandContext) -> int:
    """The highest discount that the caller's roles may grant, in basis points."""
    limits = catalog_of(request).discount_limit_bp
    return max((limits.get(role, 0) for role in command.principal.roles), default=0)
