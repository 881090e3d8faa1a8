"""Invoicing (结算): the invoice by payer, discount, vouchers, deposits, payments, refunds,
on-account release."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    dialog,
    facts,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import (
    Form,
    choices,
    dialog_actions,
    several,
)
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.payment import method_field
from services.desk.context import PageContext
from services.desk.i18n import Translator
from services.desk.pages.order.data import OrderCommand, OrderData, OrderPage
from shared.clients.reception.models import (
    ApproveOnAccountRequest,
    CarryOverRequest,
    ChosenVouchers,
    CreditNoteView,
    DeliveryBlocker,
    Discount,
    DiscountRequest,
    InvoicePreview,
    InvoiceView,
    IssueCreditNoteRequest,
    IssueInvoiceRequest,
    IssueRefundRequest,
    OnAccount,
    OrderDetail,
    OrderStatus,
    OrderView,
    PayerBalance,
    RecordPaymentRequest,
    RedeemedVoucher,
    VoucherView,
)
from shared.contracts.reception import (
    BilledVoucher,
    CreditNoteReason,
    DiscountReason,
    EstimateLine,
    InvoiceIssued,
    OnAccountReason,
    PayType,
    RefundReason,
)

_TAKES_MONEY: tuple[OrderStatus, ...] = ("greeted", "opened", "in_progress", "ready")
_CENTS = 100
_NEED_RELEASE: frozenset[DeliveryBlocker] = frozenset({"unpaid", "above_on_account"})


@dataclass(frozen=True)
class _Possible:
    """State of an order on which the possible actions depend."""

    status: OrderStatus
    is_invoiced: bool
    is_credited_whole: bool
    has_debt: bool
    needs_release: bool
    has_money: bool
    is_correctable: bool
    has_deposit: bool

    @classmethod
    def of(cls, data: OrderData) -> "_Possible":
        order, invoice = data.order, data.invoice
        return cls(
            status=data.status,
            is_invoiced=bool(order.is_invoiced),
            is_credited_whole=bool(order.invoice_id) and not order.is_invoiced,
            has_debt=bool(order.balance_cents),
            needs_release=not _NEED_RELEASE.isdisjoint(order.delivery_blockers or ()),
            has_money=bool(order.received_cents or order.deposit_cents),
            is_correctable=bool(order.invoiced_cents or (invoice and invoice.vouchers)),
            has_deposit=(order.deposit_cents or 0) > 0,
        )


def invoicing(page: OrderPage, renderer: PartialRenderer) -> None:
    """Show what is to be paid and what was paid, and offer the actions that are possible now."""
    ctx, order, invoice = page.ctx, page.data.order, page.data.invoice
    with renderer.frame("invoicing", partial(panel, name="invoicing"), ctx.t("Invoicing")):
        renderer.section("figures", facts, _figures(ctx.t, order, invoice))
        if invoice:
            sums = partial(_invoiced, ctx.t, page.catalog)
            renderer.section("invoice", sums, invoice.invoice, invoice.credit_notes)
        if order.discount:
            renderer.section("discount", partial(_discount_line, page), order.discount)
        if order.on_account:
            renderer.section("on_account", partial(_on_account_line, ctx), order.on_account)
        if order.payer_splits:
            renderer.section("payer_splits", partial(_payer_splits, ctx), order.payer_splits)
        for each in (*(invoice.earlier if invoice else ()), *([invoice] if invoice else ())):
            number = each.invoice.invoice_id
            if each is not invoice:
                renderer.section(f"invoice {number}", partial(_earlier_line, ctx), each.invoice)
            for place, note in enumerate(each.credit_notes):
                key = f"credit note {number} {place}"
                renderer.section(key, partial(_credit_note_line, ctx), note)
        renderer.section("actions", partial(_actions, page), _Possible.of(page.data))


def _figures(
    t: Translator, order: OrderDetail, invoice: InvoiceView | None
) -> list[tuple[str, str]]:
    if not order.invoice_id:
        return [
            (t("Estimate"), formats.money(order.estimate_cents)),
            (t("Deposit held"), formats.money(order.deposit_cents)),
        ]
    tax = None
    if invoice:
        tax = invoice.invoice.tax_cents - sum(note.tax_cents for note in invoice.credit_notes)
    return [
        (t("Invoiced"), formats.money(order.invoiced_cents)),
        (t("Contained tax"), formats.money(tax)),
        (t("Received"), formats.money(order.received_cents)),
        (t("Balance"), formats.money(order.balance_cents)),
        *_held(t, order),
        (t("Tax invoice"), _tax_invoice(t, invoice)),
    ]


def _held(t: Translator, order: OrderDetail) -> list[tuple[str, str]]:
    """Return money held above the invoice, until it is refunded or carried over."""
    held = order.deposit_cents
    return [(t("Money held"), formats.money(held))] if held else []


def _tax_invoice(t: Translator, invoice: InvoiceView | None) -> str:
    """Return the tax invoice's number, and its tax where it differs from the invoice's."""
    if invoice is None or not invoice.tax_invoice_number:
        return t("Being issued")
    number, computed = invoice.tax_invoice_number, invoice.computed_tax_cents
    issued = invoice.issued_tax_cents
    if issued is None or issued == computed:
        return number
    sign = "−" if issued < computed else "+"
    return t(
        "{number}, tax {tax} as issued ({difference})",
        number=number,
        tax=formats.money(issued),
        difference=f"{sign}{formats.money(abs(issued - computed))}",
    )


def _discount_line(page: OrderPage, discount: Discount) -> None:
    ctx, t = page.ctx, page.ctx.t
    with test_id("discount-line", box("state-line")):
        text(
            t(
                "Discount {amount} ({reason}), asked for by {person}",
                amount=formats.money(discount.amount_cents),
                reason=t.code("discount", discount.reason),
                person=ctx.colleague(discount.requested_by),
            )
        )
        if discount.approved_by:
            granted = t("approved by {person}", person=ctx.colleague(discount.approved_by))
            badge(granted, "good")
            return
        badge(t("Awaits approval"), "warn")
        reception, own = ctx.services.reception, ctx.person.subject == discount.requested_by
        if ctx.may(reception.approve_discount) and not own:
            approve = page.deciding(reception.approve_discount)
            button(t("Approve"), approve, name="approve-discount", kind="small")
        if ctx.may(reception.withdraw_discount):
            label = t("Withdraw") if own else t("Decline")
            withdraw = page.deciding(reception.withdraw_discount)
            button(label, withdraw, name="withdraw-discount", kind="small")


def _on_account_line(ctx: PageContext, approval: OnAccount) -> None:
    t, reason = ctx.t, ctx.t.code("on_account", approval.reason)
    person, amount = ctx.colleague(approval.approved_by), formats.money(approval.amount_cents)
    sentence = "On account up to {amount} ({reason}), approved by {person}"
    text(t(sentence, amount=amount, reason=reason, person=person))


def _credit_note_line(ctx: PageContext, note: CreditNoteView) -> None:
    t, zone = ctx.t, ctx.store.timezone
    with test_id("credit-note-line", box("state-line")):
        badge(t("Credit note"), "bad")
        text(f"−{formats.money(note.total_cents)} · {t.code('credit_note', note.reason)}")
        if note.voucher_cents:
            text(t("Vouchers of {amount} reinstated", amount=formats.money(note.voucher_cents)))
        at = formats.day_and_clock(note.issued_at, zone, ctx.now())
        text(f"{ctx.colleague(note.issued_by)} · {at}", "card-note")


def _earlier_line(ctx: PageContext, invoice: InvoiceIssued) -> None:
    """Show an invoice that was credited whole."""
    t, zone = ctx.t, ctx.store.timezone
    at = formats.day_and_clock(invoice.issued_at, zone, ctx.now())
    with test_id("earlier-invoice", box("state-line")):
        badge(t("Earlier invoice"), "quiet")
        text(f"{formats.money(invoice.total_cents)} · {at}", "card-note")


def _payer_splits(ctx: PageContext, payer_splits: Sequence[PayerBalance]) -> None:
    """Show the payer splits, with amounts and due dates."""
    t, zone = ctx.t, ctx.store.timezone
    amounts = (t("Amount"), t("Received"), t("Balance"))
    with table([t("Payer"), t("Due"), *amounts], amounts):
        for split in payer_splits:
            with row():
                cell(t.code("payer", split.payer))
                cell(formats.day_and_clock(split.due_at, zone, ctx.now()), "number")
                cell(formats.money(split.amount_cents), "figure")
                cell(formats.money(split.received_cents), "figure")
                balance = split.amount_cents - split.received_cents
                cell(formats.money(balance), "figure")


def _actions(page: OrderPage, possible: _Possible) -> None:
    with box("card-actions"):
        _counter_actions(page, possible)
        _manager_actions(page, possible)


def _counter_actions(page: OrderPage, possible: _Possible) -> None:
    offer, reception, t = partial(_offer, page), page.ctx.services.reception, page.ctx.t
    issue = reception.issue_invoice
    if possible.is_invoiced:
        if possible.has_debt:
            offer(reception.receive_payment, t("Receive payment"), _pay, "pay", "main")
    elif possible.is_credited_whole:
        offer(issue, t("Issue the invoice again …"), _invoice_again, "invoice", "main")
    else:
        if possible.status == "ready":
            offer(issue, t("Issue invoice …"), _invoice, "invoice", "main")
        offer(reception.request_discount, t("Discount …"), _discount, "discount")
        offer(reception.receive_deposit, t("Take a deposit …"), _deposit, "deposit")
    if possible.has_deposit:
        offer(reception.carry_over, t("Carry over …"), _carry_over, "carry-over")


def _manager_actions(page: OrderPage, possible: _Possible) -> None:
    offer, reception, t = partial(_offer, page), page.ctx.services.reception, page.ctx.t
    if possible.status == "ready" and possible.needs_release:
        approve = t("Approve on-account release…")
        offer(reception.approve_on_account, approve, _on_account, "on_account")
    if possible.is_correctable:
        offer(reception.issue_credit_note, t("Credit note …"), _credit_note, "credit-note")
    if possible.has_money:
        offer(reception.pay_refund, t("Refund …"), _refund, "refund")


def _offer(
    page: OrderPage,
    operation: Callable[..., object],
    label: str,
    begin: Callable[[OrderPage], object],
    name: str,
    kind: str = "plain",
) -> None:
    """Offer an action to those who may take it."""
    if page.ctx.may(operation):
        button(label, partial(begin, page), name=name, kind=kind)


def money_field(form: Form, label: str, cents: int = 0) -> ui.number:
    """Add a field for an amount, typed in yuan."""
    return form.field(
        "amount_cents",
        ui.number(label, value=cents / _CENTS or None, min=0, prefix="¥", format="%.2f"),
    )


def _paid_methods(t: Translator, order: OrderDetail) -> dict[str, str]:
    """Return the methods by which money came in, each with the amount that can go back by it."""
    return {
        method: f"{t.code('method', method)} · {formats.money(cents)}"
        for method, cents in (order.money_by_method or {}).items()
        if cents
    }


class _InvoiceDialog:
    """Invoice before it is issued (预结算): by payer, with the vouchers that are redeemed.

    An invoice that is issued again (换开) may have other payers.
    """

    def __init__(self, page: OrderPage, *, again: bool = False) -> None:
        self._page = page
        self._again = again
        self._pay_types: dict[str, PayType] = {}
        self._ctx = page.ctx
        self._catalog = page.catalog
        self._reception = page.ctx.services.reception
        self._vouchers: list[str] = []
        self._open_vouchers: list[VoucherView] = []

    async def open(self) -> None:
        t = self._ctx.t
        self._vouchers.clear()
        self._pay_types.clear()
        with dialog(t("Issue invoice"), wide=True) as opened:
            self._form = form = Form(self._ctx, self._page.data.version)
            self._preview = box("preview")
            with box("fields"):
                self._voucher = form.field("vouchers", ui.input(t("Voucher or service card")))
                self._voucher.on("keydown.enter", self._add)
                button(t("Redeem"), self._add, name="add-voucher")
            self._chosen = box("chips")
            self._offered = box("chips")

            async def send() -> None:
                await self._page.submit(form, opened, self._reception.issue_invoice, self._request)

            dialog_actions(form, opened, t("Issue invoice"), send)
        self._open_vouchers = await self._reception.list_open_vouchers(*self._page.ids)
        await self._show()

    def _request(self) -> IssueInvoiceRequest:
        return IssueInvoiceRequest(
            vouchers=self._vouchers, pay_types=self._pay_types, version=self._form.version
        )

    def _preview_invoice(self) -> Awaitable[InvoicePreview]:
        chosen = ChosenVouchers(vouchers=self._vouchers, pay_types=self._pay_types)
        return self._reception.preview_invoice(*self._page.ids, chosen)

    async def _pay(self, code: str, pay_type: PayType) -> None:
        self._pay_types[code] = pay_type
        await self._show()

    async def _add(self) -> None:
        """Add a voucher, if the invoice can have it."""
        number = (self._voucher.value or "").strip()
        if number and await self._redeem(number):
            self._voucher.set_value("")

    async def _redeem(self, number: str) -> bool:
        before, self._vouchers = self._vouchers, [*self._vouchers, number]
        if await self._show():
            return True
        self._vouchers = before
        return False

    async def _show(self) -> bool:
        invoice = await self._form.send(self._preview_invoice)
        if invoice is None:
            return False
        self._preview.clear()
        with self._preview:
            self._show_invoice(invoice)
        self._chosen.clear()
        with self._chosen:
            for number in self._vouchers:
                badge(number, "good")
        self._offer()
        return True

    def _offer(self) -> None:
        """Offer the vouchers of the customer and the vehicle that are not chosen yet."""
        t = self._ctx.t
        self._offered.clear()
        with self._offered:
            for each in self._open_vouchers:
                if each.voucher_id not in self._vouchers:
                    worth = formats.money(each.value_cents)
                    if each.op_code:
                        worth = self._catalog.operation(each.op_code)
                    button(
                        f"{t.code('voucher', each.kind)} · {worth}",
                        partial(self._redeem, each.voucher_id),
                        name=f"use-{each.voucher_id}",
                        kind="small",
                    )

    def _show_invoice(self, invoice: InvoicePreview) -> None:
        t = self._ctx.t
        invoice_sums(t, self._catalog, invoice, self._payer if self._again else None)
        for split in invoice.payer_splits:
            _sum_line(t.code("payer", split.payer), formats.money(split.amount_cents))
        if invoice.deposit_cents:
            _sum_line(t("Deposit applied"), f"−{formats.money(invoice.deposit_cents)}")

    def _payer(self, line: EstimateLine) -> None:
        """Show the payer of a line, to be chosen where the invoice is issued again."""
        t, code = self._ctx.t, line.code
        payer = ui.select(
            choices(t, "pay", get_args(PayType)),
            value=line.pay_type,
            on_change=lambda event: self._pay(code, event.value),
        )
        test_id(f"payer-{code}", payer.props("dense outlined options-dense"))


async def _invoice(page: OrderPage) -> None:
    await _InvoiceDialog(page).open()


async def _invoice_again(page: OrderPage) -> None:
    await _InvoiceDialog(page, again=True).open()


def invoice_sums(
    t: Translator,
    catalog: Catalog,
    invoice: InvoicePreview | InvoiceIssued,
    payer: Callable[[EstimateLine], None] | None = None,
) -> None:
    """Show an invoice as sums (结算单): gross lines, discount, vouchers, total with the contained
    tax.
    """
    with table([t("Item"), t("Payer"), t("Amount")], (t("Amount"),)):
        for line in invoice.lines:
            with row():
                cell(catalog.line(line.kind, line.code))
                with cell_box():
                    if payer:
                        payer(line)
                    else:
                        text(t.code("pay", line.pay_type))
                cell(formats.money(line.gross_cents), "figure")
    _sum_line(t("Sum of the lines"), formats.money(invoice.gross_cents))
    if invoice.discount_cents:
        _sum_line(t("Discount"), f"−{formats.money(invoice.discount_cents)}")
    for each in invoice.vouchers:
        _sum_line(_voucher(t, catalog, each), f"−{formats.money(each.amount_cents)}")
    with box("quote-total"):
        tax = formats.money(invoice.tax_cents)
        text(t("Invoice, tax {tax} included", tax=tax))
        test_id("invoice-total", text(formats.money(invoice.total_cents), "number"))


def _invoiced(
    t: Translator, catalog: Catalog, invoice: InvoiceIssued, credit_notes: Sequence[CreditNoteView]
) -> None:
    """Show the invoice as it was issued, and the rest of it after its credit notes."""
    invoice_sums(t, catalog, invoice)
    if credit_notes:
        credited = sum(note.total_cents for note in credit_notes)
        _sum_line(t("Credit notes"), f"−{formats.money(credited)}")
        _sum_line(t("Invoice after credit notes"), formats.money(invoice.total_cents - credited))


def _voucher(t: Translator, catalog: Catalog, voucher: BilledVoucher | RedeemedVoucher) -> str:
    """Return the benefit of a voucher or service card."""
    operation = voucher.op_code
    return catalog.operation(operation) if operation else t.code("voucher", voucher.kind)


def _sum_line(name: str, amount: str) -> None:
    with box("quote-line"):
        text(name)
        text(amount, "number")


def _balance(page: OrderPage) -> None:
    facts([(page.ctx.t("Balance"), formats.money(page.data.order.balance_cents))])


def _pay(page: OrderPage) -> None:
    receive = page.ctx.services.reception.receive_payment
    balance = page.data.order.balance_cents or 0
    _money_dialog(page, page.ctx.t("Receive payment"), receive, balance)


def _deposit(page: OrderPage) -> None:
    _money_dialog(page, page.ctx.t("Take a deposit"), page.ctx.services.reception.receive_deposit)


def _money_dialog(
    page: OrderPage,
    title: str,
    receive: OrderCommand[RecordPaymentRequest, OrderView],
    cents: int = 0,
) -> None:
    ctx = page.ctx
    with dialog(title) as opened:
        form = Form(ctx, page.data.version)
        if page.data.order.invoice_id:
            form.show(partial(_balance, page))
        method = method_field(form)
        amount = money_field(form, ctx.t("Amount"), cents)

        def request() -> RecordPaymentRequest:
            return RecordPaymentRequest(
                version=form.version,
                method=method.value,
                amount_cents=formats.cents(amount.value or 0),
            )

        async def send() -> None:
            if form.require("amount_cents"):
                await page.submit(form, opened, receive, request)

        dialog_actions(form, opened, title, send)


def _discount(page: OrderPage) -> None:
    """Give a discount (优惠); above the role's limit it waits for a manager."""
    ctx, t, order = page.ctx, page.ctx.t, page.data.order
    with dialog(t("Discount")) as opened:
        form = Form(ctx, page.data.version)
        payable = sum(line.amount_cents or 0 for line in order.lines if line.pay_type == "customer")
        facts([(t("The customer pays"), formats.money(payable))])
        amount = money_field(form, t("Discount"))
        reason = form.field(
            "reason", ui.select(choices(t, "discount", get_args(DiscountReason)), label=t("Reason"))
        )
        text(t("Above your limit it goes to a manager for approval."), "hint")

        def request() -> DiscountRequest:
            return DiscountRequest(
                version=form.version,
                amount_cents=formats.cents(amount.value or 0),
                reason=reason.value,
            )

        async def send() -> None:
            if not form.require("amount_cents", "reason"):
                return
            command = ctx.services.reception.request_discount
            response = await page.submit(form, opened, command, request)
            if response and response.discount and not response.discount.approved_by:
                ui.notify(
                    t("The discount awaits a manager's approval."), type="info", position="top"
                )

        dialog_actions(form, opened, t("Discount"), send)


def _refund(page: OrderPage) -> None:
    """Give money back (退款)."""
    ctx, t = page.ctx, page.ctx.t
    with dialog(t("Refund")) as opened:
        form = Form(ctx, page.data.version)
        methods = _paid_methods(t, page.data.order)
        method = form.field(
            "method", ui.select(methods, label=t("Method"), value=next(iter(methods), None))
        )
        amount = money_field(form, t("Amount"))
        reason = form.field(
            "reason", ui.select(choices(t, "refund", get_args(RefundReason)), label=t("Reason"))
        )
        text(t("Refunds use the original payment method."), "hint")

        def request() -> IssueRefundRequest:
            return IssueRefundRequest(
                version=form.version,
                method=method.value,
                amount_cents=formats.cents(amount.value or 0),
                reason=reason.value,
            )

        async def send() -> None:
            if form.require("amount_cents", "reason"):
                await page.submit(form, opened, ctx.services.reception.pay_refund, request)

        dialog_actions(form, opened, t("Refund"), send)


async def _carry_over(page: OrderPage) -> None:
    """Carry money held over to another order of the customer (暂存款转单)."""
    ctx, t, order = page.ctx, page.ctx.t, page.data.order
    found = await ctx.services.reception.list_orders(ctx.store.id, status=_TAKES_MONEY)
    targets = {
        each.order_id: f"{formats.local(each.arrived_at, ctx.store.timezone)[:10]}"
        f" · {each.queue_number}"
        for each in found
        if each.customer_ref == order.customer_ref
        and each.order_id != order.order_id
        and not each.invoice_id
    }
    with dialog(t("Carry money over")) as opened:
        form = Form(ctx, page.data.version)
        target = form.field("to_order_id", ui.select(targets, label=t("Order of the customer")))
        amount = money_field(form, t("Amount"), order.deposit_cents or 0)
        if not targets:
            text(t("The customer has no other open order."), "hint")

        def request() -> CarryOverRequest:
            return CarryOverRequest(
                version=form.version,
                to_order_id=target.value,
                amount_cents=formats.cents(amount.value or 0),
            )

        async def send() -> None:
            if form.require("to_order_id", "amount_cents"):
                await page.submit(form, opened, ctx.services.reception.carry_over, request)

        dialog_actions(form, opened, t("Carry money over"), send)


def _credit_note(page: OrderPage) -> None:
    """Correct the invoice (红冲), whether it is paid or not, and reinstate vouchers."""
    ctx, t, order = page.ctx, page.ctx.t, page.data.order
    redeemed = _redeemed(page)
    with dialog(t("Credit note")) as opened:
        form = Form(ctx, page.data.version)
        form.show(partial(_balance, page))
        amount = money_field(form, t("Amount"))
        entire = ui.checkbox(t("The whole invoice, of all payers"))
        test_id("entire", entire)
        amount.bind_enabled_from(entire, "value", lambda whole: not whole)
        text(t("The invoice can then be reissued with other payers."), "hint")
        method = form.field(
            "refund_method",
            ui.select(_paid_methods(t, order), label=t("Refund method"), clearable=True),
        )
        method.set_visibility(bool(order.received_cents))
        vouchers = form.field("vouchers", several(redeemed, t("Vouchers to reinstate")))
        vouchers.set_visibility(bool(redeemed))
        reason = form.field(
            "reason",
            ui.select(choices(t, "credit_note", get_args(CreditNoteReason)), label=t("Reason")),
        )
        text(
            t("When the customer's share is credited in full, all vouchers are reinstated."), "hint"
        ).set_visibility(bool(redeemed))

        def request() -> IssueCreditNoteRequest:
            return IssueCreditNoteRequest(
                version=form.version,
                entire=entire.value,
                amount_cents=0 if entire.value else formats.cents(amount.value or 0),
                refund_method=method.value,
                vouchers=vouchers.value,
                reason=reason.value,
            )

        async def send() -> None:
            needs_amount = not (vouchers.value or entire.value)
            if form.require("reason", *(("amount_cents",) if needs_amount else ())):
                await page.submit(form, opened, ctx.services.reception.issue_credit_note, request)

        dialog_actions(form, opened, t("Issue the credit note"), send)


def _redeemed(page: OrderPage) -> dict[str, str]:
    """Return the vouchers of the invoice with their kinds and amounts."""
    t, invoice = page.ctx.t, page.data.invoice
    return {
        each.voucher_id: " · ".join(
            (
                _voucher(t, page.catalog, each),
                formats.money(each.redeemed_cents),
                each.voucher_id,
            )
        )
        for each in (invoice.vouchers if invoice else ())
    }


def _on_account(page: OrderPage) -> None:
    """Let the vehicle go before it is paid (挂账批准)."""
    ctx, t = page.ctx, page.ctx.t
    with dialog(t("Approve on-account release")) as opened:
        form = Form(ctx, page.data.version)
        form.show(partial(_balance, page))
        reason = form.field(
            "reason",
            ui.select(choices(t, "on_account", get_args(OnAccountReason)), label=t("Reason")),
        )

        def request() -> ApproveOnAccountRequest:
            return ApproveOnAccountRequest(version=form.version, reason=reason.value)

        async def send() -> None:
            if form.require("reason"):
                await page.submit(form, opened, ctx.services.reception.approve_on_account, request)

        dialog_actions(form, opened, t("Approve on-account release"), send)
