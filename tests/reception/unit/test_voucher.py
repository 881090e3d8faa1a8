"""Vouchers and service cards: once, for the right customer and work (R28)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reception.domain import invoicing, voucher
from services.reception.domain.estimate import payable_cents, sum_of
from services.reception.domain.invoicing import Correction, Terms
from services.reception.domain.order import Order
from services.reception.domain.repair_order import Discount
from services.reception.domain.voucher import IssuedInMonth, Voucher
from shared.contracts.base import LAST_TIMESTAMP
from shared.contracts.management import VoucherLimit, VoucherRules
from shared.contracts.reception import CreditNoteIssued, EstimateLine, VoucherReinstated
from shared.contracts.violations import RuleViolation
from tests.support.orders import LINES, NOW, ready, violates, with_work

GIFT = Voucher(
    store_id="S01",
    voucher_id="g1",
    kind="voucher",
    value_cents=5_000,
    op_code=None,
    customer_ref=None,
    expires_at=NOW + timedelta(days=1),
    issued_by="m1",
    issued_at=NOW,
)
CARD = replace(GIFT, kind="service_card", value_cents=0, op_code="MNT-001")


@given(LINES, st.integers(1, 10**7))
def test_voucher_covers_at_most_customer_amount(
    lines: tuple[EstimateLine, ...], value: int
) -> None:
    gift = replace(GIFT, value_cents=value)
    payable = payable_cents(lines)
    if not payable:
        with violates("voucher_fits_nothing"):
            voucher.redeem([gift], ready().visit, lines, NOW)
        return
    (used,), left, (event,) = voucher.redeem([gift], ready().visit, lines, NOW)
    assert used.redeemed_cents == event.amount_cents == min(value, payable)
    assert sum_of(lines) - sum_of(left) == event.amount_cents
    assert all(line.amount_cents >= 0 for line in left)


def test_service_card_covers_only_its_op_code() -> None:
    visit, lines = ready().visit, ready().repair_order.lines
    (used,), left, _ = voucher.redeem([CARD], visit, lines, NOW)
    assert [line.amount_cents for line in left if line.kind == "labor"] == [0]
    assert used.redeemed_cents == sum_of(lines) - sum_of(left)
    with violates("voucher_fits_nothing"):
        voucher.redeem([replace(CARD, op_code="MNT-999")], visit, lines, NOW)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"redeemed_at": NOW}, "voucher_redeemed"),
        ({"expires_at": NOW}, "voucher_expired"),
        ({"customer_ref": "somebody else"}, "voucher_of_another"),
    ],
)
def test_invalid_voucher_is_rejected(change: dict[str, Any], rule: str) -> None:
    order = ready()
    with violates(rule):
        voucher.redeem([replace(GIFT, **change)], order.visit, order.repair_order.lines, NOW)


def test_merged_customers_voucher_is_redeemed() -> None:
    order = ready()
    lines = order.repair_order.lines
    (used,), _, _ = voucher.redeem(
        [replace(GIFT, customer_ref="c-merged")], order.visit, lines, NOW, ["c-merged"]
    )
    assert used.order_id == order.order_id


def test_expired_voucher_is_not_issued() -> None:
    with violates("in_the_past"):
        voucher.issue(replace(GIFT, expires_at=NOW))


LATER = NOW + timedelta(days=40)


def credited(
    order: Order, used: list[Voucher], cents: int, vouchers: Sequence[str] = ()
) -> tuple[Order, CreditNoteIssued, list[Voucher], list[VoucherReinstated]]:
    """Return the corrected invoice, with the vouchers that were ``used`` on it."""
    correction = Correction("n1", cents, "work_not_done", "m1", LATER, tuple(vouchers))
    left = invoicing.remaining_lines(order.repair_order.lines, [])
    return invoicing.credit(order, left, correction, redeemed=used, tax_rate_bp=1300)


@pytest.fixture
def invoice() -> tuple[Order, list[Voucher]]:
    """Return an invoice on which a voucher and a card were redeemed."""
    card = replace(CARD, voucher_id="c1")
    order, used, invoice, _ = invoicing.issue_invoice(
        ready(),
        invoice_id="i1",
        terms=Terms(1300, timedelta(days=30)),
        now=NOW,
        vouchers=[card, GIFT],
    )
    return with_work(order, lines=invoice.lines), used


def test_full_credit_reinstates_vouchers_with_remaining_validity(
    invoice: tuple[Order, list[Voucher]],
) -> None:
    order, used = invoice
    _, note, given, events = credited(order, used, order.account.balance_cents)
    assert note.voucher_cents == sum(each.redeemed_cents for each in used) > 5_000
    assert {each.voucher_id for each in given} == {"g1", "c1"}
    for each, before, event in zip(given, used, events, strict=True):
        assert (each.order_id, each.redeemed_cents, each.redeemed_at) == (None, 0, None)
        assert each.expires_at - LATER == before.expires_at - NOW
        assert (event.order_id, event.expires_at) == (order.order_id, each.expires_at)
    again, _, _ = voucher.redeem(given, ready().visit, ready().repair_order.lines, LATER)
    assert [each.redeemed_cents for each in again] == [each.redeemed_cents for each in used]


def test_voucher_without_expiry_is_reinstated_without_expiry() -> None:
    redeemed = replace(GIFT, expires_at=LAST_TIMESTAMP, order_id="o1", redeemed_at=NOW)
    (given,), (event,) = voucher.reinstate([redeemed], "n1", LATER)
    assert given.expires_at == event.expires_at == LAST_TIMESTAMP


def test_partial_credit_reinstates_only_named_vouchers(
    invoice: tuple[Order, list[Voucher]],
) -> None:
    order, used = invoice
    assert credited(order, used, 1)[2:] == ([], [])
    _, note, (given,), _ = credited(order, used, 0, ["c1"])
    assert (given.voucher_id, note.total_cents, note.balance_cents) == (
        "c1",
        0,
        order.account.balance_cents,
    )
    with violates("voucher_not_on_invoice"):
        credited(order, used, 1, ["of another invoice"])


@given(LINES, st.data())
def test_invoice_adds_up_from_gross_to_total(
    lines: tuple[EstimateLine, ...], data: st.DataObject
) -> None:
    payable = payable_cents(lines)
    off = data.draw(st.integers(0, payable))
    discount = Discount(amount_cents=off, reason="other", requested_by="a", approved_by="m")
    worth = data.draw(st.lists(st.integers(1, 10**6), max_size=2)) if off < payable else []
    vouchers = [
        replace(GIFT, voucher_id=f"g{number}", value_cents=cents)
        for number, cents in enumerate(worth)
        if sum(worth[:number]) < payable - off
    ]
    _, _, invoice, _ = invoicing.issue_invoice(
        with_work(ready(), lines=lines, discount=discount),
        invoice_id="i",
        terms=Terms(1300, timedelta(days=30)),
        now=NOW,
        vouchers=vouchers,
    )
    assert sum(line.gross_cents or 0 for line in invoice.lines) == invoice.gross_cents
    assert sum(each.amount_cents for each in invoice.vouchers) == invoice.voucher_cents
    assert (
        invoice.gross_cents - invoice.discount_cents - invoice.voucher_cents == invoice.total_cents
    )
    assert invoice.total_cents == sum(line.amount_cents for line in invoice.lines)
    assert all(line.amount_cents <= (line.gross_cents or 0) for line in invoice.lines)


RULES = VoucherRules(
    limits=(
        VoucherLimit(
            role="customer_care_agent",
            most_value_cents=10_000,
            most_in_month=3,
            most_cents_in_month=25_000,
        ),
    ),
    store_cents_in_month=60_000,
    most_to_customer_in_month=2,
    longest_valid_days=365,
)
AGENT = ("customer_care_agent",)


def test_gift_reduces_nothing_and_costs_its_value() -> None:
    gift = replace(GIFT, kind="gift", item_code="umbrella")
    lines = ready().repair_order.lines
    (used,), left, (event,) = voucher.redeem([gift], ready().visit, lines, NOW)
    assert left == tuple(lines)
    assert (event.amount_cents, event.redemption_cost_cents) == (0, 5_000)
    with violates("voucher_redeemed"):
        voucher.redeem([used], ready().visit, lines, NOW)
    (given_back,), _ = voucher.reinstate([used], "n1", NOW)
    assert (given_back.order_id, given_back.cost_cents) == (None, 0)


def test_voucher_of_another_vehicle_is_refused() -> None:
    visit, lines = ready().visit, ready().repair_order.lines
    voucher.redeem([replace(GIFT, vehicle_ref=visit.vehicle_ref)], visit, lines, NOW)
    with violates("voucher_of_another_vehicle"):
        voucher.redeem([replace(GIFT, vehicle_ref="v-other")], visit, lines, NOW)


@given(st.lists(st.integers(1, 12_000), max_size=12))
def test_issued_vouchers_never_pass_limits(values: list[int]) -> None:
    issued = IssuedInMonth(0, 0, 40_000, 0)
    for value in values:
        try:
            voucher.require_within_limits(replace(GIFT, value_cents=value), RULES, AGENT, issued)
        except RuleViolation:
            continue
        issued = replace(
            issued,
            by_person=issued.by_person + 1,
            by_person_cents=issued.by_person_cents + value,
            in_store_cents=issued.in_store_cents + value,
        )
    assert issued.by_person <= 3
    assert issued.by_person_cents <= 20_000


@pytest.mark.parametrize(
    ("changes", "roles", "rule"),
    [
        ({"value_cents": 10_001}, AGENT, "voucher_over_one_limit"),
        ({}, ("technician",), "voucher_over_one_limit"),
        ({"expires_at": LAST_TIMESTAMP}, AGENT, "voucher_valid_too_long"),
        ({"customer_ref": "c1"}, AGENT, "customer_has_enough"),
    ],
)
def test_voucher_above_limit_is_refused(
    changes: dict[str, Any], roles: Sequence[str], rule: str
) -> None:
    with violates(rule):
        voucher.require_within_limits(
            replace(GIFT, **changes), RULES, roles, IssuedInMonth(0, 0, 0, 2)
        )
