"""Invoicing (结算): the invoice by payer, discount, vouchers, deposits, payments, refunds,
on-account release."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.client import new_attempt
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
    submit,
)
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.work_choice import PAY_TYPES
from services.desk.context import PageContext
from services.desk.i18n import Translator
from services.desk.pages.order.file import Entry, File, Opened, only
from services.desk.pages.order.summary import MAY_CHANGE

METHODS = ("wechat", "alipay", "card", "cash", "transfer")

_APPROVES = ("service_manager", "group_manager")
_DISCOUNTS = ("loyalty", "complaint", "campaign", "price_match", "other")
_REFUNDS = ("paid_too_much", "work_cancelled", "complaint", "other")
_CREDIT_NOTES = ("wrong_price", "work_not_done", "complaint", "other")
_ON_ACCOUNT_REASONS = ("fleet_customer", "insurer_pays", "goodwill", "other")
_FIGURES = (
    "invoice_id",
    "estimate_cents",
    "deposit_cents",
    "invoiced_cents",
    "received_cents",
    "balance_cents",
)
_TAKES_MONEY = ("greeted", "opened", "in_progress", "ready")
_CENTS = 100


def invoicing(page: Opened, renderer: PartialRenderer) -> None:
    """Show what is to be paid and what was paid, and offer the actions that are possible now."""
    ctx, order, invoice = page.ctx, page.file.order, page.file.invoice
    with renderer.frame("invoicing", partial(panel, name="invoicing"), ctx.t("Invoicing")):
        renderer.section("figures", partial(_figures, ctx.t), only(order, *_FIGURES), invoice)
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
        renderer.section("actions", partial(_actions, page), *_possible(page.file))


def _possible(file: File) -> tuple[object, ...]:
    """Return the status, and whether there are an invoice, one that is credited whole, a debt, a
    credit, money of the customer's and something to be corrected.
    """
    order = file.order
    held = order.received_cents or order.deposit_cents
    invoiced, again = order.is_invoiced, order.invoice_id and not order.is_invoiced
    debt = order.balance_cents
    facts = (invoiced, again, debt, debt and file.may_go, held, _correctable(file))
    return file.status, *map(bool, facts), order.deposit_cents > 0


def _correctable(file: File) -> object:
    """Return the invoiced amounts, and the redeemed vouchers."""
    return file.order.invoiced_cents or (file.invoice and file.invoice.vouchers)


def _figures(t: Translator, order: Entry, invoice: Entry | None) -> None:
    if not order.invoice_id:
        facts(
            [
                (t("Estimate"), formats.money(order.estimate_cents)),
                (t("Deposit held"), formats.money(order.deposit_cents)),
            ]
        )
        return
    tax = None
    if invoice:
        credited = sum(note.tax_cents for note in invoice.credit_notes)
        tax = invoice.invoice.tax_cents - credited
    facts(
        [
            (t("Invoiced"), formats.money(order.invoiced_cents)),
            (t("Contained tax"), formats.money(tax)),
            (t("Received"), formats.money(order.received_cents)),
            (t("Balance"), formats.money(order.balance_cents)),
            *_held(t, order),
            (t("Tax invoice"), _tax_invoice(t, invoice)),
        ]
    )


def _held(t: Translator, order: Entry) -> list[tuple[str, str]]:
    """Return money held above the invoice, until it is refunded or carried over."""
    held = order.deposit_cents
    return [(t("Money held"), formats.money(held))] if held else []


def _tax_invoice(t: Translator, invoice: Entry | None) -> str:
    """Return the tax invoice's number, and its tax where it differs from the invoice's."""
    if invoice is None or not invoice.tax_invoice_number:
        return t("Being issued")
    number, issued, computed = (
        invoice[name] for name in ("tax_invoice_number", "issued_tax_cents", "computed_tax_cents")
    )
    if issued == computed:
        return str(number)
    sign = "−" if issued < computed else "+"
    return t(
        "{number}, tax {tax} as issued ({difference})",
        number=number,
        tax=formats.money(issued),
        difference=f"{sign}{formats.money(abs(issued - computed))}",
    )


def _discount_line(page: Opened, discount: Entry) -> None:
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
        own = ctx.person.subject == discount.requested_by
        if ctx.person.has(_APPROVES) and not own:
            _decide_discount(page, t("Approve"), "approve", "approve-discount")
        if ctx.person.has(MAY_CHANGE):
            label = t("Withdraw") if own else t("Decline")
            _decide_discount(page, label, "cancel", "withdraw-discount")


def _decide_discount(page: Opened, label: str, verb: str, name: str) -> None:
    send = partial(page.send_now, f"discount/{verb}", attempt=new_attempt())
    button(label, send, name=name, kind="small")


def _on_account_line(ctx: PageContext, approval: Entry) -> None:
    t, reason = ctx.t, ctx.t.code("on_account", approval.reason)
    person, amount = ctx.colleague(approval.approved_by), formats.money(approval.amount_cents)
    sentence = "On account up to {amount} ({reason}), approved by {person}"
    text(t(sentence, amount=amount, reason=reason, person=person))


def _credit_note_line(ctx: PageContext, note: Entry) -> None:
    t, zone = ctx.t, ctx.store.timezone
    with test_id("credit-note-line", box("state-line")):
        badge(t("Credit note"), "bad")
        text(f"−{formats.money(note.total_cents)} · {t.code('credit_note', note.reason)}")
        if note.voucher_cents:
            text(t("Vouchers of {amount} reinstated", amount=formats.money(note.voucher_cents)))
        at = formats.day_and_clock(note.issued_at, zone, ctx.now())
        text(f"{ctx.colleague(note.issued_by)} · {at}", "card-note")


def _earlier_line(ctx: PageContext, invoice: Entry) -> None:
    """Show an invoice that was credited whole."""
    t, zone = ctx.t, ctx.store.timezone
    at = formats.day_and_clock(invoice.issued_at, zone, ctx.now())
    with test_id("earlier-invoice", box("state-line")):
        badge(t("Earlier invoice"), "quiet")
        text(f"{formats.money(invoice.total_cents)} · {at}", "card-note")


def _payer_splits(ctx: PageContext, payer_splits: Sequence[Entry]) -> None:
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


def _actions(
    page: Opened,
    status: str,
    invoiced: bool,
    again: bool,
    owes: bool,
    on_account: bool,
    held: bool,
    correctable: bool,
    carries: bool,
) -> None:
    with box("card-actions"):
        if page.may(MAY_CHANGE):
            _counter_actions(page, status, invoiced, again, owes)
            if carries:
                _offer(page.ctx.t("Carry over …"), partial(_carry_over, page), "carry-over")
        if page.may(_APPROVES):
            may_go_on_account = owes and status == "ready" and not on_account
            _manager_actions(page, may_go_on_account, held, correctable)


def _counter_actions(page: Opened, status: str, invoiced: bool, again: bool, owes: bool) -> None:
    t = page.ctx.t
    if invoiced:
        if owes:
            _offer(t("Receive payment"), partial(_pay, page), "pay", "main")
        return
    if again:
        _offer(
            t("Issue the invoice again …"), _InvoiceDialog(page, again=True).open, "invoice", "main"
        )
        return
    if status == "ready":
        _offer(t("Issue invoice …"), _InvoiceDialog(page).open, "invoice", "main")
    _offer(t("Discount …"), partial(_discount, page), "discount")
    _offer(t("Take a deposit …"), partial(_deposit, page), "deposit")


def _manager_actions(page: Opened, may_go_on_account: bool, held: bool, correctable: bool) -> None:
    t = page.ctx.t
    if may_go_on_account:
        _offer(t("Approve on-account release…"), partial(_on_account, page), "on_account")
    if correctable:
        _offer(t("Credit note …"), partial(_credit_note, page), "credit-note")
    if held:
        _offer(t("Refund …"), partial(_refund, page), "refund")


def _offer(label: str, handler: Any, name: str, kind: str = "plain") -> None:
    button(label, handler, name=name, kind=kind)


def money_field(form: Form, label: str, cents: int = 0) -> ui.number:
    """Add a field for an amount, typed in yuan."""
    return form.field(
        "amount_cents",
        ui.number(label, value=cents / _CENTS or None, min=0, prefix="¥", format="%.2f"),
    )


def _paid_methods(t: Translator, order: Entry) -> dict[str, str]:
    """Return the methods by which money came in, each with the amount that can go back by it."""
    return {
        method: f"{t.code('method', method)} · {formats.money(cents)}"
        for method, cents in order.money_by_method.items()
        if cents
    }


def method_field(form: Form) -> ui.select:
    """Add a field for a payment method."""
    t = form.ctx.t
    return form.field(
        "method", ui.select(choices(t, "method", METHODS), label=t("Method"), value="wechat")
    )


class _InvoiceDialog:
    """Invoice before it is issued (预结算): by payer, with the vouchers that are redeemed.

    An invoice that is issued again (换开) may have other payers.
    """

    def __init__(self, page: Opened, *, again: bool = False) -> None:
        self._page = page
        self._again = again
        self._pay_types: dict[str, str] = {}
        self._ctx = page.ctx
        self._catalog = page.catalog
        self._path = page.path
        self._vouchers: list[str] = []

    async def open(self) -> None:
        t = self._ctx.t
        self._vouchers.clear()
        self._pay_types.clear()
        with dialog(t("Issue invoice"), wide=True) as opened:
            self._form = form = Form(self._ctx, self._page.file.version)
            self._preview = box("preview")
            with box("fields"):
                self._voucher = form.field("vouchers", ui.input(t("Voucher or service card")))
                self._voucher.on("keydown.enter", self._add)
                button(t("Redeem"), self._add, name="add-voucher")
            self._chosen = box("chips")

            async def send() -> None:
                await submit(form, opened, "reception", f"{self._path}/invoice", self._body())

            dialog_actions(form, opened, t("Issue invoice"), send)
        await self._show()

    def _body(self) -> dict[str, Any]:
        return {"vouchers": self._vouchers, "pay_types": self._pay_types}

    async def _pay(self, code: str, pay_type: str) -> None:
        self._pay_types[code] = pay_type
        await self._show()

    async def _add(self) -> None:
        """Add a voucher, if the invoice can have it."""
        number = (self._voucher.value or "").strip()
        if not number:
            return
        before, self._vouchers = self._vouchers, [*self._vouchers, number]
        if await self._show():
            self._voucher.set_value("")
        else:
            self._vouchers = before

    async def _show(self) -> bool:
        path = f"{self._ctx.store_path}{self._path}/invoice-preview"
        invoice = await self._form.send(
            lambda: self._ctx.services.ask("reception", path, self._body())
        )
        if invoice is None:
            return False
        for part, show in ((self._preview, self._show_invoice), (self._chosen, self._show_chosen)):
            part.clear()
            with part:
                show(invoice)
        return True

    def _show_chosen(self, _: Entry) -> None:
        for number in self._vouchers:
            badge(number, "good")

    def _show_invoice(self, invoice: Entry) -> None:
        t = self._ctx.t
        invoice_sums(t, self._catalog, invoice, self._payer if self._again else None)
        for split in invoice.payer_splits:
            _sum_line(t.code("payer", split.payer), formats.money(split.amount_cents))
        if invoice.deposit_cents:
            _sum_line(t("Deposit set against it"), f"−{formats.money(invoice.deposit_cents)}")

    def _payer(self, line: Entry) -> None:
        """Show the payer of a line, to be chosen where the invoice is issued again."""
        t, code = self._ctx.t, line.code
        payer = ui.select(
            choices(t, "pay", PAY_TYPES),
            value=line.pay_type,
            on_change=lambda event: self._pay(code, event.value),
        )
        test_id(f"payer-{code}", payer.props("dense outlined options-dense"))


def invoice_sums(
    t: Translator, catalog: Catalog, invoice: Entry, payer: Callable[[Entry], None] | None = None
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
    t: Translator, catalog: Catalog, invoice: Entry, credit_notes: Sequence[Entry]
) -> None:
    """Show the invoice as it was issued, and the rest of it after its credit notes."""
    invoice_sums(t, catalog, invoice)
    if credit_notes:
        credited = sum(note.total_cents for note in credit_notes)
        _sum_line(t("Credit notes"), f"−{formats.money(credited)}")
        _sum_line(t("Left of the invoice"), formats.money(invoice.total_cents - credited))


def _voucher(t: Translator, catalog: Catalog, voucher: Entry) -> str:
    """Return the benefit of a voucher or service card."""
    operation = voucher.op_code
    return catalog.operation(operation) if operation else t.code("voucher", voucher.kind)


def _sum_line(name: str, amount: str) -> None:
    with box("quote-line"):
        text(name)
        text(amount, "number")


def _balance(page: Opened) -> None:
    facts([(page.ctx.t("Balance"), formats.money(page.file.order.balance_cents))])


def _pay(page: Opened) -> None:
    balance = page.file.order.balance_cents
    _money_dialog(page, page.ctx.t("Receive payment"), "payments", balance)


def _deposit(page: Opened) -> None:
    _money_dialog(page, page.ctx.t("Take a deposit"), "deposits")


def _money_dialog(page: Opened, title: str, verb: str, cents: int = 0) -> None:
    ctx = page.ctx
    with dialog(title) as opened:
        form = Form(ctx, page.file.version)
        if page.file.order.invoice_id:
            form.show(partial(_balance, page))
        method = method_field(form)
        amount = money_field(form, ctx.t("Amount"), cents)

        async def send() -> None:
            if form.require("amount_cents"):
                body = {"method": method.value, "amount_cents": formats.cents(amount.value or 0)}
                await submit(form, opened, "reception", f"{page.path}/{verb}", body)

        dialog_actions(form, opened, title, send)


def _discount(page: Opened) -> None:
    """Give a discount (优惠); above the role's limit it waits for a manager."""
    ctx, t, order = page.ctx, page.ctx.t, page.file.order
    with dialog(t("Discount")) as opened:
        form = Form(ctx, page.file.version)
        payable = sum(line.amount_cents for line in order.lines if line.pay_type == "customer")
        facts([(t("The customer pays"), formats.money(payable))])
        amount = money_field(form, t("Discount"))
        reason = form.field(
            "reason", ui.select(choices(t, "discount", _DISCOUNTS), label=t("Reason"))
        )
        text(t("Above your limit it goes to a manager for approval."), "hint")

        async def send() -> None:
            if not form.require("amount_cents", "reason"):
                return
            body = {
                "amount_cents": formats.cents(amount.value or 0),
                "reason": reason.value,
            }
            response = await submit(form, opened, "reception", f"{page.path}/discount", body)
            if response and not response.discount.approved_by:
                ui.notify(
                    t("The discount awaits a manager's approval."), type="info", position="top"
                )

        dialog_actions(form, opened, t("Discount"), send)


def _refund(page: Opened) -> None:
    """Give money back (退款)."""
    ctx, t = page.ctx, page.ctx.t
    with dialog(t("Refund")) as opened:
        form = Form(ctx, page.file.version)
        methods = _paid_methods(t, page.file.order)
        method = form.field(
            "method", ui.select(methods, label=t("Method"), value=next(iter(methods), None))
        )
        amount = money_field(form, t("Amount"))
        reason = form.field("reason", ui.select(choices(t, "refund", _REFUNDS), label=t("Reason")))
        text(t("Money goes back by the method it came in by."), "hint")

        async def send() -> None:
            if form.require("amount_cents", "reason"):
                body = {
                    "method": method.value,
                    "amount_cents": formats.cents(amount.value or 0),
                    "reason": reason.value,
                }
                await submit(form, opened, "reception", f"{page.path}/refunds", body)

        dialog_actions(form, opened, t("Refund"), send)


async def _carry_over(page: Opened) -> None:
    """Carry money held over to another order of the customer (定金转单)."""
    ctx, t, order = page.ctx, page.ctx.t, page.file.order
    found = await ctx.services.get("reception", f"{ctx.store_path}/orders", status=_TAKES_MONEY)
    targets = {
        each.order_id: f"{formats.local(each.arrived_at, ctx.store.timezone)[:10]}"
        f" · {each.queue_number}"
        for each in found
        if each.customer_ref == order.customer_ref
        and each.order_id != order.order_id
        and not each.invoice_id
    }
    with dialog(t("Carry money over")) as opened:
        form = Form(ctx, page.file.version)
        target = form.field("to_order_id", ui.select(targets, label=t("Order of the customer")))
        amount = money_field(form, t("Amount"), order.deposit_cents)
        if not targets:
            text(t("The customer has no other open order."), "hint")

        async def send() -> None:
            if form.require("to_order_id", "amount_cents"):
                body = {
                    "to_order_id": target.value,
                    "amount_cents": formats.cents(amount.value or 0),
                }
                await submit(form, opened, "reception", f"{page.path}/deposit-carry-over", body)

        dialog_actions(form, opened, t("Carry money over"), send)


def _credit_note(page: Opened) -> None:
    """Correct the invoice (红字), whether it is paid or not, and reinstate vouchers."""
    ctx, t, order = page.ctx, page.ctx.t, page.file.order
    redeemed = _redeemed(page)
    with dialog(t("Credit note")) as opened:
        form = Form(ctx, page.file.version)
        form.show(partial(_balance, page))
        amount = money_field(form, t("Amount"))
        entire = ui.checkbox(t("The whole invoice, of all payers"))
        test_id("entire", entire)
        amount.bind_enabled_from(entire, "value", lambda whole: not whole)
        text(t("Then it can be issued again, with other payers."), "hint")
        method = form.field(
            "refund_method",
            ui.select(_paid_methods(t, order), label=t("Refund what is paid by"), clearable=True),
        )
        method.set_visibility(bool(order.received_cents))
        vouchers = form.field("vouchers", several(redeemed, t("Vouchers to reinstate")))
        vouchers.set_visibility(bool(redeemed))
        reason = form.field(
            "reason", ui.select(choices(t, "credit_note", _CREDIT_NOTES), label=t("Reason"))
        )
        text(t("With nothing left to pay, all vouchers are reinstated."), "hint").set_visibility(
            bool(redeemed)
        )

        async def send() -> None:
            whole = bool(entire.value)
            if form.require("reason", *(() if vouchers.value or whole else ("amount_cents",))):
                body = {
                    "entire": whole,
                    "amount_cents": 0 if whole else formats.cents(amount.value or 0),
                    "refund_method": method.value,
                    "vouchers": vouchers.value,
                    "reason": reason.value,
                }
                await submit(form, opened, "reception", f"{page.path}/credit-notes", body)

        dialog_actions(form, opened, t("Issue the credit note"), send)


def _redeemed(page: Opened) -> dict[str, str]:
    """Return the vouchers of the invoice with their kinds and amounts."""
    t, invoice = page.ctx.t, page.file.invoice
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


def _on_account(page: Opened) -> None:
    """Let the vehicle go before it is paid (挂账批准)."""
    ctx, t = page.ctx, page.ctx.t
    with dialog(t("Approve on-account release")) as opened:
        form = Form(ctx, page.file.version)
        form.show(partial(_balance, page))
        reason = form.field(
            "reason", ui.select(choices(t, "on_account", _ON_ACCOUNT_REASONS), label=t("Reason"))
        )

        async def send() -> None:
            if form.require("reason"):
                body = {"reason": reason.value}
                await submit(form, opened, "reception", f"{page.path}/on-account-release", body)

        dialog_actions(form, opened, t("Approve on-account release"), send)
