"""Delivery steps, none of which can be skipped (R7)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reception.domain import delivery, invoicing
from services.reception.domain.account import OnAccount
from services.reception.domain.delivery import Checklist
from services.reception.domain.invoicing import Correction, Paid
from services.reception.domain.order import Order
from shared.contracts.reception import EstimateLine
from shared.contracts.violations import RuleViolation
from tests.support.orders import (
    NOW,
    STEPS,
    arrived,
    delivered,
    invoiced,
    opened,
    paid,
    pay,
    ready,
    started,
    violates,
    with_account,
    with_work,
)

SIGNED: Checklist = {**STEPS, "customer_signed": {"work", "invoice"}}
WORK, BILL, OPERATION = STEPS


def all_done(order: Order) -> Order:
    for step in STEPS:
        order = delivery.record_step(order, step, STEPS, "a1", NOW)
    return order


def test_vehicle_not_ready_is_not_delivered() -> None:
    with violates("invalid_status"):
        delivery.deliver(opened(), STEPS, "a1", NOW)


@given(st.sets(st.sampled_from([*STEPS])), st.sets(st.sampled_from([*STEPS])))
def test_delivery_needs_every_step_done_or_waived(done: set[str], waived: set[str]) -> None:
    order = paid()
    for step in STEPS:
        if step in done:
            order = delivery.record_step(order, step, STEPS, "a1", NOW)
        elif step in waived:
            order = delivery.request_waiver(order, step, "other", STEPS, "a1", NOW)
            order = delivery.approve_waiver(order, step, "m1", NOW)
    missing = STEPS.keys() - done - waived
    if missing:
        with pytest.raises(RuleViolation) as violation:
            delivery.deliver(order, STEPS, "a1", NOW)
        assert set(violation.value.values["missing"]) == missing
        return
    _, (event,) = delivery.deliver(order, STEPS, "a1", NOW)
    assert [step.step for step in event.steps] == [step for step in STEPS if step in done]
    assert {waiver.step: waiver.approved_by for waiver in event.waivers} == dict.fromkeys(
        waived - done, "m1"
    )


def test_repeated_or_unknown_delivery_step_is_rejected() -> None:
    order = delivery.record_step(ready(), WORK, STEPS, "a1", NOW)
    with violates("step_already_done"):
        delivery.record_step(order, WORK, STEPS, "a2", NOW)
    with violates("unknown_code"):
        delivery.record_step(order, "sing_a_song", STEPS, "a1", NOW)


def test_waiver_needs_second_person() -> None:
    order = delivery.request_waiver(ready(), WORK, "other", STEPS, "m1", NOW)
    with violates("second_person_required"):
        delivery.approve_waiver(order, WORK, "m1", NOW)
    with violates("nothing_to_approve"):
        delivery.approve_waiver(order, BILL, "m2", NOW)


def test_completed_step_removes_its_waiver() -> None:
    order = delivery.request_waiver(ready(), WORK, "other", STEPS, "a1", NOW)
    order = delivery.record_step(order, WORK, STEPS, "a1", NOW)
    assert not order.repair_order.waivers


def test_signature_step_needs_signature() -> None:
    order = all_done(paid())
    with violates("signature_needed"):
        delivery.record_step(order, "customer_signed", SIGNED, "a1", NOW)
    with violates("delivery_steps_missing"):
        delivery.deliver(order, SIGNED, "a1", NOW)
    signed = delivery.sign(order, SIGNED, "a1", NOW)
    assert delivery.deliver(signed, SIGNED, "a1", NOW)[1][0].signed


def test_unpaid_vehicle_needs_on_account_approval_of_another() -> None:
    with violates("not_invoiced"):
        delivery.deliver(all_done(ready()), STEPS, "a1", NOW)
    unpaid = all_done(invoiced())
    with violates("unpaid"):
        delivery.deliver(unpaid, STEPS, "a1", NOW)
    granted = released_on_account(unpaid)
    with violates("second_person_required"):
        delivery.deliver(granted, STEPS, "m1", NOW)
    order, (event,) = delivery.deliver(granted, STEPS, "a1", NOW)
    assert (order.status, event.on_account_approved_by) == ("delivered", "m1")


def on_account(amount_cents: int) -> OnAccount:
    return OnAccount(amount_cents=amount_cents, reason="other", approved_by="m1", approved_at=NOW)


@given(
    order=st.sampled_from([arrived, opened, started, ready, invoiced, paid, delivered]),
    done=st.sets(st.sampled_from([*STEPS])),
    waived=st.dictionaries(st.sampled_from([*STEPS]), st.booleans()),
    released=st.none() | st.builds(on_account, st.sampled_from([0, 10**4, 10**7])),
    changed=st.booleans(),
    person=st.sampled_from(["a1", "m1"]),
)
def test_delivery_is_refused_for_first_blocker(
    order: Callable[[], Order],
    done: set[str],
    waived: dict[str, bool],
    released: OnAccount | None,
    changed: bool,
    person: str,
) -> None:
    now = order()
    for step in STEPS if now.status == "ready" else ():
        if step in done:
            now = delivery.record_step(now, step, STEPS, "a1", NOW)
        elif step in waived:
            now = delivery.request_waiver(now, step, "other", STEPS, "a1", NOW)
            now = delivery.approve_waiver(now, step, "m2", NOW) if waived[step] else now
    now = with_account(with_more_work(now) if changed else now, on_account=released)
    blockers = delivery.delivery_blockers(now, STEPS, person)
    assert len(blockers) == len({*blockers})
    if not blockers:
        assert delivery.deliver(now, STEPS, person, NOW)[0].repair_order.delivered_at == NOW
        return
    with violates(blockers[0]):
        delivery.deliver(now, STEPS, person, NOW)


def test_blockers_name_all_reasons_for_a_person() -> None:
    unpaid = released_on_account(invoiced())
    steps, second = "delivery_steps_missing", "second_person_required"
    assert delivery.delivery_blockers(unpaid, STEPS, "m1") == [steps, second]
    assert delivery.delivery_blockers(all_done(unpaid), STEPS, "a1") == []
    above = with_account(unpaid, on_account=on_account(1))
    assert delivery.delivery_blockers(above, STEPS, "a1") == [steps, "above_on_account"]
    early = ["invalid_status", steps, "not_invoiced"]
    assert delivery.delivery_blockers(arrived(), STEPS, "a1") == early


def test_order_credited_whole_needs_another_invoice() -> None:
    order = all_done(paid())
    whole = order.account.invoiced_cents
    credited = with_account(order, invoiced_cents=0, credited_cents=whole, payer_splits=())
    with violates("not_invoiced"):
        delivery.deliver(credited, STEPS, "a1", NOW)


def released_on_account(order: Order) -> Order:
    account, _ = invoicing.approve_on_account(order.account, order.status, "other", "m1", NOW)
    return replace(order, account=account)


def with_more_work(order: Order) -> Order:
    """Return the order after additional work was agreed to and done."""
    more = EstimateLine(kind="labor", code="MNT-006", quantity=1, amount_cents=9_000)
    lines = (*order.repair_order.lines, more)
    return with_work(order, lines=lines, ready_at=NOW + timedelta(hours=1))


def with_discount(order: Order, cents: int = 500) -> Order:
    return invoicing.request_discount(order, cents, "other", "m1", 10_000)[0]


def credited(order: Order) -> Order:
    correction = Correction("k1", 500, "wrong_price", "m1", NOW)
    lines = order.repair_order.lines
    return invoicing.credit(order, lines, correction, redeemed=(), tax_rate_bp=1300)[0]


def signed(order: Order) -> Order:
    return delivery.sign(all_done(order), SIGNED, "a1", NOW)


@pytest.mark.parametrize(
    ("before", "change", "touched"),
    [
        (ready, with_more_work, {WORK, BILL, "customer_signed"}),
        (ready, with_discount, {BILL, "customer_signed"}),
        (invoiced, credited, {BILL, "customer_signed"}),
        (ready, invoiced, set()),
        (invoiced, lambda order: pay(order, order.account.balance_cents), set()),
    ],
    ids=["additional work", "discount", "credit note", "bill as explained", "payment"],
)
def test_changed_order_repeats_only_affected_steps(
    before: Callable[[], Order], change: Callable[[Order], Order], touched: set[str]
) -> None:
    changed = change(signed(before()))
    assert {*changed.steps_to_repeat} == touched


def test_signature_before_additional_work_does_not_suffice() -> None:
    order = with_more_work(signed(paid()))
    with pytest.raises(RuleViolation) as violation:
        delivery.deliver(order, SIGNED, "a1", NOW)
    assert violation.value.values["missing"] == [WORK, BILL, "customer_signed"]


def test_repeated_steps_and_signature_allow_delivery() -> None:
    order = with_more_work(signed(ready()))
    order = delivery.record_step(order, WORK, SIGNED, "a2", NOW)
    order = delivery.record_step(order, BILL, SIGNED, "a2", NOW)
    order = delivery.sign(order, SIGNED, "a2", NOW)
    assert order.steps_to_repeat == []
    assert {step: done.done_by for step, done in order.repair_order.steps.items()} == {
        WORK: "a2",
        BILL: "a2",
        OPERATION: "a1",
        "customer_signed": "a2",
    }


def test_signature_is_valid_after_discount_is_withdrawn() -> None:
    order = with_discount(signed(ready()))
    assert with_work(order, discount=None).steps_to_repeat == []


def test_waiver_ends_when_work_changes() -> None:
    order = delivery.request_waiver(ready(), WORK, "customer_absent", STEPS, "a1", NOW)
    with violates("nothing_to_approve"):
        delivery.approve_waiver(with_more_work(order), WORK, "m1", NOW)
    order = with_more_work(delivery.approve_waiver(order, WORK, "m1", NOW))
    assert order.steps_to_repeat == [WORK]
    order = delivery.request_waiver(order, WORK, "customer_absent", STEPS, "a1", NOW)
    assert order.steps_to_repeat == []
    assert order.repair_order.waivers[WORK].approved_by is None


def test_waiver_replaces_outdated_step() -> None:
    order = with_more_work(all_done(ready()))
    order = delivery.request_waiver(order, WORK, "customer_absent", STEPS, "a1", NOW)
    assert WORK not in order.repair_order.steps


def test_on_account_release_covers_approved_amount_only() -> None:
    order = invoiced()
    most = Paid("p1", "cash", order.account.balance_cents - 100, NOW)
    nearly_paid, _ = invoicing.receive_payment(all_done(order), most)
    granted = released_on_account(nearly_paid)
    refunded, _ = invoicing.refund(granted, Paid("p2", "cash", 11_100, NOW), "other", "m1")
    with violates("above_on_account") as violation:
        delivery.deliver(refunded, STEPS, "a1", NOW)
    assert violation.value.values == {"balance_cents": 11_200, "amount_cents": 100}
    assert delivery.deliver(granted, STEPS, "a1", NOW)[0].status == "delivered"
    approved_anew = released_on_account(refunded)
    assert delivery.deliver(approved_anew, STEPS, "a1", NOW)[0].status == "delivered"
