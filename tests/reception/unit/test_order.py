"""Rules of the repair order, without any I/O (R2, R4, R5)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reception.domain import order as orders
from services.reception.domain.estimate import (
    PartQuantity,
    RequestedWork,
    estimate,
)
from tests.support.orders import NOW, PRICES, arrived, delivered, opened, opened_from, violates


def test_greeted_customer_cannot_be_greeted_again() -> None:
    greeted, _ = orders.greet(arrived(), "a1", NOW)
    with violates("invalid_status"):
        orders.greet(greeted, "a2", NOW)


def test_greeted_customer_is_not_overdue() -> None:
    greeted, _ = orders.greet(arrived(), "a1", NOW)
    assert orders.greeting_overdue(greeted) == []
    assert len(orders.greeting_overdue(arrived())) == 1


def test_order_opens_only_after_greeting() -> None:
    with violates("invalid_status"):
        orders.check_may_open(arrived(), 5000, 0)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_lower_odometer_is_rejected(given_km: int, known_km: int) -> None:
    greeted, _ = orders.greet(arrived(), "a1", NOW)
    if given_km < known_km:
        with violates("odometer_backwards"):
            orders.check_may_open(greeted, given_km, known_km)
    else:
        orders.check_may_open(greeted, given_km, known_km)


def test_estimate_rounds_each_line_half_up() -> None:
    priced = estimate(PRICES, RequestedWork(("MNT-001",), (PartQuantity("OIL", 4),)))
    assert [line.amount_cents for line in priced.lines] == [10_801, 35_200]
    assert priced.total_cents == 46_001


@pytest.mark.parametrize(("op_codes", "part"), [(["NO"], "OIL"), (["MNT-001"], "NO")])
def test_code_outside_catalog_is_rejected(op_codes: list[str], part: str) -> None:
    with violates("unknown_code"):
        estimate(PRICES, RequestedWork(tuple(op_codes), (PartQuantity(part, 1),)))


def test_order_in_progress_cannot_be_cancelled() -> None:
    with violates("invalid_status"):
        orders.cancel(orders.start_work(opened()), "other", None)
    assert orders.cancel(opened(), "customer_request", None)[0].status == "cancelled"


def test_late_workshop_event_keeps_order_status() -> None:
    assert orders.start_work(delivered()).status == "closed"
    assert orders.finish_work(delivered(), NOW, ["MNT-001"]).status == "closed"


@given(st.integers(-120, 120))
def test_provisional_promise_is_confirmed_or_revised(minutes: int) -> None:
    order = replace(opened(), promise_provisional=True)
    assert order.promised_at
    promisable_at = order.promised_at + timedelta(minutes=minutes)
    confirmed, events = orders.confirm_promise(order, [promisable_at])
    assert not confirmed.promise_provisional
    assert confirmed.promised_at == max(order.promised_at, promisable_at)
    assert [event.promised_at for event in events] == ([promisable_at] if minutes > 0 else [])


def test_linked_customer_is_published() -> None:
    linked, (event,) = orders.link_customer(replace(opened(), customer_ref=None), "c9")
    assert linked.customer_ref == event.customer_ref == "c9"


def test_opening_keeps_assigned_advisor() -> None:
    greeted, _ = orders.greet(arrived(), "a1", NOW)
    assigned, _ = orders.assign(greeted, "a2", "m1", NOW)
    order, event = opened_from(assigned)
    assert (order.advisor_id, event.advisor_id) == ("a2", "a2")


def test_replaced_odometer_may_be_lower() -> None:
    greeted, _ = orders.greet(arrived(), "a1", NOW)
    with violates("odometer_backwards"):
        orders.check_may_open(greeted, 12, 90_000)
    orders.check_may_open(greeted, 12, 90_000, "cluster_replaced")
