"""Money of an invoice: no cent lost, no limit passed (R8)."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.reception.domain import invoicing
from services.reception.domain.estimate import payable_cents, sum_of
from services.reception.domain.invoicing import Correction, Paid, Terms
from services.reception.domain.money import included_tax
from services.reception.domain.order import Order
from services.reception.domain.repair_order import Discount
from services.reception.domain.voucher import Voucher
from shared.contracts.base import Event
from shared.contracts.reception import (
    CreditNoteIssued,
    EstimateLine,
    PaymentMethod,
    PayType,
    VoucherReinstated,
)
from shared.contracts.violations import RuleViolation
from tests.support.orders import (
    LINES,
    NOW,
    delivered,
    invoiced,
    opened,
    pay,
    ready,
    violates,
    with_account,
    with_work,
)

DAYS = (7, 15, 30)
METHODS = st.sampled_from(["cash", "wechat", "card"])


@given(st.integers(0, 10**9), st.integers(0, 3000))
def test_included_tax_matches_rate_within_a_cent(total: int, rate_bp: int) -> None:
    tax = included_tax(total, rate_bp)
    assert 0 <= tax <= total
    assert abs((total - tax) * rate_bp / 10_000 - tax) <= 1


@given(LINES, st.data())
def test_credit_notes_sum_to_invoice_tax(
    lines: tuple[EstimateLine, ...], data: st.DataObject
) -> None:
    rate_bp = data.draw(st.integers(0, 3000))
    order, _, invoice, _ = invoicing.issue_invoice(
        with_work(ready(), lines=lines),
        invoice_id="i",
        terms=Terms(rate_bp, timedelta(days=30)),
        now=NOW,
    )
    notes: list[CreditNoteIssued] = []
    while order.account.balance_cents:
        cents = data.draw(st.integers(1, order.account.balance_cents))
        if len(notes) == 8:
            cents = order.account.balance_cents
        order, note, _, _ = invoicing.credit(
            order,
            invoicing.remaining_lines(invoice.lines, notes),
            Correction("n", cents, "other", "m", NOW),
            redeemed=[],
            tax_rate_bp=invoice.tax_rate_bp,
        )
        notes.append(note)
    if order.account.is_invoiced:
        order, note, _, _ = invoicing.credit(
            order,
            invoicing.remaining_lines(invoice.lines, notes),
            Correction("n", 0, "other", "m", NOW, entire=True),
            redeemed=[],
            tax_rate_bp=invoice.tax_rate_bp,
        )
        notes.append(note)
    assert sum(note.tax_cents for note in notes) == invoice.tax_cents
    assert all(0 <= note.tax_cents <= note.total_cents for note in notes)


@given(LINES, st.data())
def test_invoice_total_equals_lines_and_payer_splits(
    lines: tuple[EstimateLine, ...], data: st.DataObject
) -> None:
    payable = payable_cents(lines)
    off = data.draw(st.integers(0, payable))
    deposit = data.draw(st.integers(0, 2 * payable))
    discount = Discount(amount_cents=off, reason="other", requested_by="a", approved_by="m")
    order = with_work(ready(), lines=lines, discount=discount)
    order = with_account(order, deposit_cents=deposit)
    after, _, event, _ = invoicing.issue_invoice(
        order, invoice_id="i", terms=Terms(1300, timedelta(days=30)), now=NOW
    )
    assert event.total_cents == sum_of(event.lines) == sum_of(lines) - off
    assert event.total_cents == event.labor_cents + event.parts_cents
    assert event.total_cents == sum(split.amount_cents for split in event.payer_splits)
    assert all(line.amount_cents >= 0 for line in event.lines)
    assert after.account.balance_cents == max(0, payable - off - deposit)
    assert after.account.deposit_cents == max(0, deposit - (payable - off))


def test_order_is_invoiced_once_after_work_is_finished() -> None:
    for order in (invoiced(), opened()):
        with pytest.raises(RuleViolation):
            invoiced(order)


@given(st.integers(1, 40_000), st.integers(0, 2_000))
def test_discount_above_limit_waits_for_second_person(amount: int, limit_bp: int) -> None:
    order = ready()
    payable = payable_cents(order.repair_order.lines)
    asked, events = invoicing.request_discount(order, amount, "loyalty", "a1", limit_bp)
    if amount * 10_000 <= payable * limit_bp:
        assert [event.approved_by for event in events] == ["a1"]
        return
    assert events == []
    with violates("awaits_approval"):
        invoiced(asked)
    with violates("second_person_required"):
        invoicing.approve_discount(asked, "a1", 10_000)
    with violates("discount_above_limit"):
        invoicing.approve_discount(asked, "m1", limit_bp)
    granted, _ = invoicing.approve_discount(asked, "m1", 10_000)
    assert invoiced(granted).account.invoiced_cents == payable - amount


def credit_entirely(
    order: Order, lines: tuple[EstimateLine, ...]
) -> tuple[Order, CreditNoteIssued, list[Voucher], list[VoucherReinstated]]:
    order, _ = invoicing.refund_credited(order, entire(order), "r1", "cash")
    return invoicing.credit(order, lines, entire(order), redeemed=(), tax_rate_bp=1300)


def entire(order: Order) -> Correction:
    return Correction("k1", order.payable_cents, "other", "m1", NOW, entire=True)


@given(LINES, st.data())
def test_fully_credited_invoice_is_issued_again(
    lines: tuple[EstimateLine, ...], data: st.DataObject
) -> None:
    before = with_work(ready(), lines=lines)
    order, _, first, _ = invoicing.issue_invoice(
        before, invoice_id="i1", terms=Terms(1300, timedelta(days=30)), now=NOW
    )
    order = pay(order, data.draw(st.integers(0, order.account.balance_cents)))
    order, note, _, _ = credit_entirely(order, first.lines)
    assert note.total_cents == first.total_cents
    assert {split.balance_cents for split in order.account.payer_splits} == {0}
    assert order.account.is_invoiced is not (first.total_cents > 0)
    if order.account.is_invoiced:
        return
    pay_types: list[PayType] = ["customer", "warranty", "internal"]
    payer = data.draw(st.sampled_from(pay_types))
    again, _, second, _ = invoicing.issue_invoice(
        order,
        invoice_id="i2",
        terms=Terms(1300, timedelta(days=30)),
        now=NOW,
        pay_types={"X": payer},
    )
    assert {line.pay_type for line in second.lines} == {payer}
    assert second.total_cents == first.total_cents == again.account.invoiced_cents
    assert again.account.balance_cents == (first.total_cents if payer == "customer" else 0)
    with violates("already_invoiced"):
        invoicing.issue_invoice(
            again, invoice_id="i3", terms=Terms(1300, timedelta(days=30)), now=NOW
        )


def test_reinvoiced_delivered_order_has_open_balance() -> None:
    order, _, _, _ = credit_entirely(delivered(), ready().repair_order.lines)
    assert order.status == "closed"
    assert invoiced(order).status == "delivered"


def test_first_invoice_keeps_agreed_payers() -> None:
    with violates("payers_agreed"):
        invoicing.issue_invoice(
            ready(),
            invoice_id="i1",
            terms=Terms(1300, timedelta(days=30)),
            now=NOW,
            pay_types={"OIL": "warranty"},
        )


def test_partly_credited_invoice_is_not_issued_again() -> None:
    correction = Correction("k1", 1, "other", "m1", NOW)
    order, _, _, _ = invoicing.credit(
        invoiced(), ready().repair_order.lines, correction, redeemed=(), tax_rate_bp=1300
    )
    with violates("already_invoiced"):
        invoiced(order)


def test_withdrawn_discount_request_allows_invoice() -> None:
    waiting, _ = invoicing.request_discount(ready(), 1, "other", "a1", 0)
    with violates("awaits_approval"):
        invoiced(waiting)
    assert invoiced(invoicing.withdraw_discount(waiting)) == invoiced()


def test_approved_discount_cannot_be_withdrawn() -> None:
    granted, _ = invoicing.request_discount(ready(), 1, "other", "m1", 10_000)
    with violates("nothing_to_approve"):
        invoicing.withdraw_discount(granted)


def test_discount_above_customer_amount_is_rejected() -> None:
    order = ready()
    above = order.repair_order.estimate_cents + 1
    with violates("discount_above_invoice"):
        invoicing.request_discount(order, above, "other", "a", 10_000)


Receive = Callable[[Order, Paid], tuple[Order, Sequence[Event]]]


class Till(RuleBasedStateMachine):
    """Deposits, payments, refunds and credit notes in any order, before and after the invoice."""

    def __init__(self) -> None:
        super().__init__()
        self.order = ready()
        self.cash = 0
        self.by_method: Counter[PaymentMethod | None] = Counter()
        self.notes: list[CreditNoteIssued] = []

    def attempt(self, change: Receive, method: PaymentMethod, amount: int, sign: int) -> None:
        try:
            self.order, _ = change(self.order, Paid("p", method, amount, NOW))
        except RuleViolation:
            return
        self.cash += sign * amount
        self.by_method[method] += sign * amount

    @rule(method=METHODS, amount=st.integers(1, 60_000))
    def deposit(self, method: PaymentMethod, amount: int) -> None:
        def change(order: Order, paid: Paid) -> tuple[Order, Sequence[Event]]:
            account, events = invoicing.receive_deposit(order.account, order.status, paid)
            return replace(order, account=account), events

        self.attempt(change, method, amount, 1)

    @rule(method=METHODS, amount=st.integers(1, 60_000))
    def pay(self, method: PaymentMethod, amount: int) -> None:
        self.attempt(invoicing.receive_payment, method, amount, 1)

    @rule(method=METHODS, amount=st.integers(1, 60_000))
    def refund(self, method: PaymentMethod, amount: int) -> None:
        self.attempt(lambda o, paid: invoicing.refund(o, paid, "other", "m"), method, amount, -1)

    @precondition(lambda self: self.order.account.invoice_id is None)
    @rule()
    def invoice(self) -> None:
        self.order = invoiced(self.order)

    @rule(amount=st.integers(1, 60_000), method=st.none() | METHODS)
    def credit(self, amount: int, method: PaymentMethod | None) -> None:
        left = invoicing.remaining_lines(self.order.repair_order.lines, self.notes)
        correction = Correction("n", amount, "other", "m", NOW)
        try:
            refunded, refunds = invoicing.refund_credited(self.order, correction, "r", method)
            self.order, note, _, _ = invoicing.credit(
                refunded, left, correction, redeemed=[], tax_rate_bp=1300
            )
        except RuleViolation:
            return
        self.cash -= sum(each.amount_cents for each in refunds)
        self.by_method[method] -= sum(each.amount_cents for each in refunds)
        self.notes.append(note)
        assert note.total_cents == amount == sum_of(note.lines)

    @invariant()
    def an_invoice_less_its_credit_notes_is_the_sum_of_the_shares(self) -> None:
        left = invoicing.remaining_lines(self.order.repair_order.lines, self.notes)
        assert all(line.amount_cents >= 0 for line in left)
        account = self.order.account
        if account.invoice_id:
            payer_splits = sum(split.amount_cents for split in account.payer_splits)
            assert sum_of(left) == account.invoiced_cents == payer_splits

    @invariant()
    def the_till_holds_what_the_order_says(self) -> None:
        account = self.order.account
        assert self.cash == account.deposit_cents + account.received_cents
        assert +self.by_method == +Counter(account.money_by_method)
        assert min(self.by_method.values(), default=0) >= 0
        assert account.deposit_cents >= 0
        assert 0 <= account.received_cents <= account.invoiced_cents
        assert account.balance_cents == account.invoiced_cents - account.received_cents


TestTill = Till.TestCase
TestTill.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


@given(st.integers(0, 60))
def test_unpaid_balance_is_reminded_on_each_dunning_day(days: int) -> None:
    due = NOW
    moments = [invoicing.next_reminder(due, DAYS, due + timedelta(days=days))]
    assert moments == [next((due + timedelta(days=each) for each in DAYS if each > days), None)]


def test_paid_split_is_not_overdue() -> None:
    order = invoiced()
    account, late = order.account, NOW + timedelta(days=37)
    (event,) = invoicing.receivable_overdue(account, "customer", "a1", late)
    assert (event.days_overdue, event.balance_cents) == (7, account.balance_cents)
    paid = pay(order, account.balance_cents).account
    assert invoicing.receivable_overdue(paid, "customer", "a1", late) == []


@pytest.mark.parametrize(
    ("roles", "limit_bp"),
    [
        (["service_advisor"], 500),
        (["front_desk_supervisor"], 500),
        (["front_desk_supervisor", "service_manager"], 1_000),
        (["cashier"], 0),
        (["group_finance_manager"], 0),
    ],
)
def test_discount_limit_follows_role(roles: list[str], limit_bp: int) -> None:
    limits = {"service_advisor": 500, "service_manager": 1_000, "group_manager": 2_000}
    assert invoicing.discount_limit_bp(roles, limits) == limit_bp
