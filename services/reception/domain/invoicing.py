"""Invoicing (结算): discounts, the invoice and its payers, deposits, payments and refunds.

On-account release is part of it.

All money is integer cents. A discount is taken off the lines that the customer pays, allocated by
their amounts, so that the invoice is always the sum of its lines, and its payer splits the same
sum.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.reception.domain import errors
from services.reception.domain.account import (
    OnAccount,
    OrderAccount,
    PayerBalance,
    move_money,
    receive,
)
from services.reception.domain.estimate import payable_cents, sum_of
from services.reception.domain.lifecycle import RepairOrderStatus, require_status
from services.reception.domain.money import included_tax
from services.reception.domain.order import Order
from services.reception.domain.repair_order import Discount, after_delivery
from services.reception.domain.voucher import Voucher, redeem, reduce_lines, reinstate
from shared.contracts.reception import (
    BilledVoucher,
    CreditNoteIssued,
    CreditNoteReason,
    DepositReceived,
    DiscountApproved,
    DiscountReason,
    EstimateLine,
    InvoiceIssued,
    OnAccountReason,
    OnAccountReleaseApproved,
    Payer,
    PayerSplit,
    PaymentMethod,
    PaymentReceived,
    PayType,
    ReceivableOverdue,
    RefundIssued,
    RefundReason,
    VoucherRedeemed,
    VoucherReinstated,
)

_PAYERS: dict[PayType, Payer] = {
    "customer": "customer",
    "warranty": "manufacturer",
    "goodwill": "internal",
    "internal": "internal",
}
_REFUND_REASONS: dict[CreditNoteReason, RefundReason] = {
    "wrong_price": "paid_too_much",
    "work_not_done": "work_cancelled",
    "complaint": "complaint",
    "other": "other",
}
_WHOLE_BP = 10_000


@dataclass(frozen=True)
class Paid:
    """Money that was paid or paid back."""

    payment_id: str
    method: PaymentMethod
    amount_cents: int
    at: datetime


@dataclass(frozen=True)
class Correction:
    """Correction of an invoice: money taken back, vouchers to be reinstated by id, and the reason.

    ``amount_cents`` is taken back of what the customer pays; an ``entire`` correction takes back
    what the other payers pay as well.
    """

    credit_note_id: str
    amount_cents: int
    reason: CreditNoteReason
    person: str
    at: datetime
    vouchers: tuple[str, ...] = ()
    entire: bool = False


_SAME_LIMIT = {"front_desk_supervisor": "service_advisor"}


@dataclass(frozen=True)
class Terms:
    """Invoicing terms of a store: tax contained in prices, in basis points, and days to pay."""

    tax_rate_bp: int
    payment_term: timedelta


def discount_limit_bp(roles: Collection[str], limits: Mapping[str, int]) -> int:
    """Return the highest discount that a person of these roles may approve, in basis points.

    A front-desk supervisor has the limit of an advisor.
    """
    return max((limits.get(_SAME_LIMIT.get(role, role), 0) for role in roles), default=0)


def request_discount(
    order: Order, amount_cents: int, reason: DiscountReason, person: str, limit_bp: int
) -> tuple[Order, list[DiscountApproved]]:
    """Request a discount on what the customer pays (优惠).

    Above the person's limit, in basis points, it waits for a second person.

    Raises:
        RuleViolation: not now, or more than the customer pays.
    """
    require_not_invoiced(order.status, order.account)
    payable = payable_cents(order.repair_order.lines)
    if amount_cents > payable:
        raise errors.discount_above_invoice(payable)
    discount = Discount(amount_cents=amount_cents, reason=reason, requested_by=person)
    if amount_cents * _WHOLE_BP > payable * limit_bp:
        return _with_discount(order, discount), []
    return _approve(order, discount.model_copy(update={"approved_by": person}))


def approve_discount(
    order: Order, person: str, limit_bp: int
) -> tuple[Order, list[DiscountApproved]]:
    """Approve the discount as a second person (优惠审批), within their own limit.

    Raises:
        RuleViolation: no discount is requested, the same person requested it, or it is above the
            limit.
    """
    discount = _waiting_discount(order)
    if discount.requested_by == person:
        raise errors.second_person_required()
    allowed = payable_cents(order.repair_order.lines) * limit_bp // _WHOLE_BP
    if discount.amount_cents > allowed:
        raise errors.discount_above_limit(allowed)
    return _approve(order, discount.model_copy(update={"approved_by": person}))


def withdraw_discount(order: Order) -> Order:
    """Withdraw a discount that waits for its approval (撤回优惠).

    Raises:
        RuleViolation: no discount waits.
    """
    _waiting_discount(order)
    return _with_discount(order, None)


def issue_invoice(
    order: Order,
    *,
    invoice_id: str,
    terms: Terms,
    now: datetime,
    vouchers: Sequence[Voucher] = (),
    customer_refs: Collection[str] = (),
    pay_types: Mapping[str, PayType] | None = None,
) -> tuple[Order, list[Voucher], InvoiceIssued, list[VoucherRedeemed]]:
    """Invoice the work that the customer has agreed to and the workshop has finished.

    An order is invoiced again where the invoice before is credited whole (换开), with other payers
    by ``pay_types``.

    Prices include tax; the tax is what they contain. The discount and then the vouchers are taken
    off the customer's lines, a deposit is set against the customer's share.

    Raises:
        RuleViolation: the work is not finished, a version awaits the customer's decision, a
            discount awaits its approval, a voucher cannot be redeemed, the order is invoiced
            already, or a first invoice has other payers than were agreed.
    """
    work, account = order.repair_order, order.account
    require_status(work.status, "reissue_invoice" if account.invoice_id else "invoice")
    _require_nothing_open(order)
    agreed = _with_payers(order, pay_types or {})
    asked = work.discount.amount_cents if work.discount else 0
    discount_cents = min(asked, payable_cents(agreed))
    lines = discounted(agreed, discount_cents)
    used, lines, redeemed = redeem(vouchers, order.visit, lines, now, customer_refs)
    total = sum_of(lines)
    due_at = now + terms.payment_term
    deposit = min(account.deposit_cents, payable_cents(lines))
    event = InvoiceIssued(
        store_id=order.store_id,
        order_id=order.order_id,
        invoice_id=invoice_id,
        lines=_with_gross(lines, work.lines),
        labor_cents=sum_of(line for line in lines if line.kind == "labor"),
        parts_cents=sum_of(line for line in lines if line.kind == "part"),
        tax_cents=included_tax(total, terms.tax_rate_bp),
        tax_rate_bp=terms.tax_rate_bp,
        total_cents=total,
        payer_splits=_payer_splits(lines, due_at),
        gross_cents=sum_of(work.lines),
        discount_cents=discount_cents,
        vouchers=tuple(map(_billed, used)),
        voucher_cents=sum(each.redeemed_cents for each in used),
        deposit_cents=deposit,
        due_at=due_at,
        issued_at=now,
    )
    return _with_account(order, _invoiced(account, event)), used, event, redeemed


def _with_gross(
    lines: Sequence[EstimateLine], agreed: Sequence[EstimateLine]
) -> tuple[EstimateLine, ...]:
    """Return the lines with what they cost before discount and vouchers."""
    return tuple(
        line.model_copy(update={"gross_cents": gross.amount_cents})
        for line, gross in zip(lines, agreed, strict=True)
    )


def _billed(voucher: Voucher) -> BilledVoucher:
    return BilledVoucher(
        voucher_id=voucher.voucher_id,
        kind=voucher.kind,
        op_code=voucher.op_code,
        amount_cents=voucher.redeemed_cents,
    )


def _invoiced(account: OrderAccount, invoice: InvoiceIssued) -> OrderAccount:
    """Return the account with the invoice, against which its deposit is set."""
    invoiced = replace(
        account,
        invoice_id=invoice.invoice_id,
        invoiced_cents=invoice.total_cents,
        credited_cents=0,
        on_account=None,
        deposit_cents=account.deposit_cents - invoice.deposit_cents,
        payer_splits=tuple(PayerBalance(**split.model_dump()) for split in invoice.payer_splits),
    )
    return receive(invoiced, "customer", invoice.deposit_cents)


def receive_deposit(
    account: OrderAccount, status: RepairOrderStatus, paid: Paid
) -> tuple[OrderAccount, list[DepositReceived]]:
    """Receive a deposit before the invoice (定金)."""
    require_status(status, "take_deposit")
    require_not_invoiced(status, account)
    held = account.deposit_cents + paid.amount_cents
    event = DepositReceived(
        store_id=account.store_id,
        order_id=account.order_id,
        payment_id=paid.payment_id,
        method=paid.method,
        amount_cents=paid.amount_cents,
        held_cents=held,
        received_at=paid.at,
    )
    received = move_money(account, paid.method, paid.amount_cents)
    return replace(received, deposit_cents=held), [event]


def receive_payment(
    order: Order, paid: Paid, payer: Payer = "customer"
) -> tuple[Order, list[PaymentReceived]]:
    """Receive a payment of the invoice, never more than the payer's balance.

    Raises:
        RuleViolation: there is no invoice, or too much money.
    """
    require_status(order.status, "receive_payment")
    account = order.account
    if account.invoice_id is None:
        raise errors.not_invoiced()
    balance = account.balance_of(payer) - paid.amount_cents
    if balance < 0:
        raise errors.payment_above_balance(account.balance_of(payer))
    event = PaymentReceived(
        store_id=order.store_id,
        order_id=order.order_id,
        payment_id=paid.payment_id,
        invoice_id=account.invoice_id,
        payer=payer,
        method=paid.method,
        amount_cents=paid.amount_cents,
        balance_cents=balance,
        received_at=paid.at,
    )
    received = receive(account, payer, paid.amount_cents)
    if payer == "customer":
        received = move_money(received, paid.method, paid.amount_cents)
    return _with_account(order, received), [event]


def refund(
    order: Order, paid: Paid, reason: RefundReason, person: str
) -> tuple[Order, list[RefundIssued]]:
    """Refund money to the customer (退款) by a method it came in by (原路退回).

    A deposit goes first, then payments, whose part of the invoice is open again.

    Raises:
        RuleViolation: more than the customer has paid, or has paid by that method.
    """
    from_deposit = min(order.account.deposit_cents, paid.amount_cents)
    _require_method(order.account, paid, "method")
    return _reinstate(order, paid, from_deposit, reason, person)


def refund_credited(
    order: Order, correction: Correction, refund_id: str, method: PaymentMethod | None
) -> tuple[Order, list[RefundIssued]]:
    """Refund the paid part of a correction, so that all of it is open to be credited.

    Without a ``method``, nothing is refunded.

    Raises:
        RuleViolation: more than the customer has paid.
    """
    cents = correction.amount_cents - order.account.balance_cents
    if method is None or cents <= 0:
        return order, []
    paid = Paid(refund_id, method, cents, correction.at)
    _require_method(order.account, paid, "refund_method")
    return _reinstate(order, paid, 0, _REFUND_REASONS[correction.reason], correction.person)


def _require_method(account: OrderAccount, paid: Paid, field: str) -> None:
    """Require that customer money goes back by the method it came in by."""
    came_in = account.money_by_method.get(paid.method, 0)
    if came_in < paid.amount_cents <= sum(account.money_by_method.values()):
        raise errors.refund_above_method(field, paid.method, came_in)


def _reinstate(
    order: Order, paid: Paid, from_deposit: int, reason: RefundReason, person: str
) -> tuple[Order, list[RefundIssued]]:
    account = order.account
    from_payments = paid.amount_cents - from_deposit
    received = sum(
        split.received_cents for split in account.payer_splits if split.payer == "customer"
    )
    if from_payments > received:
        raise errors.refund_above_paid(from_deposit + received)
    refunded = move_money(account, paid.method, -paid.amount_cents)
    refunded = replace(refunded, deposit_cents=account.deposit_cents - from_deposit)
    if from_payments:
        refunded = receive(refunded, "customer", -from_payments)
    event = RefundIssued(
        store_id=order.store_id,
        order_id=order.order_id,
        refund_id=paid.payment_id,
        invoice_id=account.invoice_id,
        method=paid.method,
        amount_cents=paid.amount_cents,
        deposit_cents=from_deposit,
        balance_cents=refunded.balance_cents,
        reason=reason,
        paid_by=person,
        paid_at=paid.at,
    )
    return _with_account(order, refunded), [event]


def remaining_lines(
    invoiced: Sequence[EstimateLine], notes: Iterable[CreditNoteIssued]
) -> tuple[EstimateLine, ...]:
    """Return the remaining lines of an invoice: each less what was credited of it."""
    left = [line.amount_cents for line in invoiced]
    for note in notes:
        left = [cents - line.amount_cents for cents, line in zip(left, note.lines, strict=True)]
    return tuple(
        line.model_copy(update={"amount_cents": cents, "gross_cents": None})
        for line, cents in zip(invoiced, left, strict=True)
    )


def credit(
    order: Order,
    left: Sequence[EstimateLine],
    correction: Correction,
    *,
    redeemed: Sequence[Voucher],
    tax_rate_bp: int,
) -> tuple[Order, CreditNoteIssued, list[Voucher], list[VoucherReinstated]]:
    """Correct an invoice (红冲) by a part of what is open of the customer's share.

    The part is allocated to what is ``left`` of their lines.

    Of the vouchers ``redeemed`` with the invoice those are reinstated that the correction names,
    and all of them when nothing is left that the customer pays. Its tax is that of what was left
    less that of what is left now, so that credit notes in any cut sum to the tax of what they
    credit.

    Raises:
        RuleViolation: there is no invoice, or less is open (see :func:`refund_credited`), or a
            voucher is named that was not redeemed with the invoice.
    """
    account = order.account
    if account.invoice_id is None or not account.is_invoiced:
        raise errors.not_invoiced()
    if correction.amount_cents > account.balance_cents:
        raise errors.credit_above_balance(account.balance_cents)
    after = discounted(left, correction.amount_cents)
    if correction.entire:
        after = tuple(line.model_copy(update={"amount_cents": 0}) for line in after)
    lines = tuple(
        line.model_copy(update={"amount_cents": line.amount_cents - kept.amount_cents})
        for line, kept in zip(left, after, strict=True)
    )
    vouchers = _to_reinstate(correction, redeemed, payable_cents(after))
    reinstated, returned = reinstate(vouchers, correction.credit_note_id, correction.at)
    credited = _credited(account, lines)
    event = CreditNoteIssued(
        store_id=order.store_id,
        order_id=order.order_id,
        credit_note_id=correction.credit_note_id,
        invoice_id=account.invoice_id,
        lines=lines,
        tax_cents=included_tax(sum_of(left), tax_rate_bp)
        - included_tax(sum_of(after), tax_rate_bp),
        total_cents=sum_of(lines),
        balance_cents=credited.balance_cents,
        reason=correction.reason,
        voucher_cents=sum(each.amount_cents for each in returned),
        issued_by=correction.person,
        issued_at=correction.at,
    )
    return _with_account(order, credited), event, reinstated, returned


def _credited(account: OrderAccount, lines: Sequence[EstimateLine]) -> OrderAccount:
    """Return the account less the credited ``lines``, by who pays them."""
    taken, total_cents = _amounts_by_payer(lines), sum_of(lines)
    return replace(
        account,
        payer_splits=tuple(
            _of_amount(split, split.amount_cents - taken.get(split.payer, 0))
            for split in account.payer_splits
        ),
        invoiced_cents=account.invoiced_cents - total_cents,
        credited_cents=account.credited_cents + total_cents,
    )


def _to_reinstate(
    correction: Correction, redeemed: Sequence[Voucher], left_cents: int
) -> Sequence[Voucher]:
    known = {each.voucher_id: each for each in redeemed}
    for voucher_id in correction.vouchers:
        if voucher_id not in known:
            raise errors.voucher_not_on_invoice(voucher_id)
    if not left_cents:
        return redeemed
    return [known[voucher_id] for voucher_id in correction.vouchers]


def write_off(account: OrderAccount, cents: int) -> OrderAccount:
    """Transfer so much of the manufacturer's share to the store (核销)."""
    if not cents:
        return account
    amounts = {split.payer: split for split in account.payer_splits}
    manufacturer = amounts["manufacturer"]
    internal = amounts.get(
        "internal", PayerBalance(payer="internal", amount_cents=0, due_at=manufacturer.due_at)
    )
    amounts["manufacturer"] = _of_amount(manufacturer, manufacturer.amount_cents - cents)
    amounts["internal"] = _of_amount(internal, internal.amount_cents + cents)
    return replace(account, payer_splits=tuple(amounts[payer] for payer in sorted(amounts)))


def _of_amount(split: PayerBalance, amount_cents: int) -> PayerBalance:
    return split.model_copy(update={"amount_cents": amount_cents})


def approve_on_account(
    account: OrderAccount,
    status: RepairOrderStatus,
    reason: OnAccountReason,
    person: str,
    now: datetime,
) -> tuple[OrderAccount, list[OnAccountReleaseApproved]]:
    """Approve the release with what is unpaid of its invoice now, never with more (挂账批准)."""
    require_status(status, "deliver")
    if account.invoice_id is None:
        raise errors.not_invoiced()
    on_account = OnAccount(
        amount_cents=account.balance_cents, reason=reason, approved_by=person, approved_at=now
    )
    event = OnAccountReleaseApproved(
        store_id=account.store_id,
        order_id=account.order_id,
        invoice_id=account.invoice_id,
        balance_cents=account.balance_cents,
        reason=reason,
        approved_by=person,
        approved_at=now,
    )
    return replace(account, on_account=on_account), [event]


def receivable_overdue(
    account: OrderAccount, payer: Payer, advisor_id: str | None, now: datetime
) -> list[ReceivableOverdue]:
    """Return an overdue event (应收逾期) for a payer split that is still unpaid.

    The event says how many days ago the split was due.
    """
    split = next((each for each in account.payer_splits if each.payer == payer), None)
    if split is None or not split.balance_cents or account.invoice_id is None:
        return []
    return [
        ReceivableOverdue(
            store_id=account.store_id,
            order_id=account.order_id,
            invoice_id=account.invoice_id,
            payer=payer,
            balance_cents=split.balance_cents,
            due_at=split.due_at,
            days_overdue=(now - split.due_at).days,
            advisor_id=advisor_id or "",
        )
    ]


def next_reminder(due_at: datetime, dunning_days: Sequence[int], now: datetime) -> datetime | None:
    """Return when the next reminder of an unpaid payer split is due."""
    later = (due_at + timedelta(days=days) for days in dunning_days)
    return next((moment for moment in later if moment > now), None)


def discounted(lines: Sequence[EstimateLine], discount_cents: int) -> tuple[EstimateLine, ...]:
    """Return the lines after a discount on what the customer pays, which is not more than that."""
    weights = [line.amount_cents if line.pay_type == "customer" else 0 for line in lines]
    return reduce_lines(lines, discount_cents, weights)


def _waiting_discount(order: Order) -> Discount:
    require_not_invoiced(order.status, order.account)
    discount = order.repair_order.discount
    if discount is None or discount.approved_by:
        raise errors.nothing_to_approve("discount")
    return discount


def _with_discount(order: Order, discount: Discount | None) -> Order:
    return replace(order, repair_order=replace(order.repair_order, discount=discount))


def _approve(order: Order, discount: Discount) -> tuple[Order, list[DiscountApproved]]:
    assert discount.approved_by  # noqa: S101
    event = DiscountApproved(
        store_id=order.store_id,
        order_id=order.order_id,
        amount_cents=discount.amount_cents,
        reason=discount.reason,
        requested_by=discount.requested_by,
        approved_by=discount.approved_by,
    )
    return _with_discount(order, discount), [event]


def _payer_splits(lines: Sequence[EstimateLine], due_at: datetime) -> tuple[PayerSplit, ...]:
    """Return how much of the invoice each payer pays, payers in a fixed order."""
    amounts = _amounts_by_payer(lines)
    return tuple(
        PayerSplit(payer=payer, amount_cents=amounts[payer], due_at=due_at)
        for payer in sorted(amounts)
    )


def _amounts_by_payer(lines: Iterable[EstimateLine]) -> dict[Payer, int]:
    amounts: dict[Payer, int] = {}
    for line in lines:
        payer = _PAYERS[line.pay_type]
        amounts[payer] = amounts.get(payer, 0) + line.amount_cents
    return amounts


def _with_payers(order: Order, pay_types: Mapping[str, PayType]) -> tuple[EstimateLine, ...]:
    """Return the agreed lines with corrected payers."""
    if pay_types and order.account.invoice_id is None:
        raise errors.payers_agreed()
    for code in pay_types.keys() - {line.code for line in order.repair_order.lines}:
        raise errors.pay_type_without_line(code)
    return tuple(
        line.model_copy(update={"pay_type": pay_types.get(line.code, line.pay_type)})
        for line in order.repair_order.lines
    )


def _with_account(order: Order, account: OrderAccount) -> Order:
    """Return the order with its account; the customer's last payment closes it."""
    repair_order = after_delivery(order.repair_order, account.balance_cents)
    return replace(order, repair_order=repair_order, account=account)


def require_not_invoiced(status: RepairOrderStatus, account: OrderAccount) -> None:
    """Require an order that is in a status with an estimate and not invoiced.

    Raises:
        RuleViolation: the order is invoiced, or not in a status with an estimate.
    """
    require_status(status, "estimate")
    if account.is_invoiced:
        raise errors.already_invoiced()


def _require_nothing_open(order: Order) -> None:
    work = order.repair_order
    if order.account.is_invoiced:
        raise errors.already_invoiced()
    if work.awaiting_estimates:
        raise errors.awaits_authorization(work.awaiting_estimates)
    if work.discount and work.discount.approved_by is None:
        raise errors.awaits_approval()
