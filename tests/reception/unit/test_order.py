"""Rules of the repair order, without any I/O (R2, R4, R5)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reception.domain import order as orders
from services.reception.domain import repair_order as repair_orders
from services.reception.domain import visit as visits
from services.reception.domain.estimate import (
    PartQuantity,
    RequestedWork,
    estimate,
)
from tests.support.orders import (
    NOW,
    PRICES,
    arrived,
    delivered,
    greet,
    opened,
    opened_from,
    started,
    violates,
    with_visit,
    with_work,
)


def test_greeted_customer_cannot_be_greeted_again() -> None:
    with violates("invalid_status"):
        greet(greet(arrived()), "a2")


def test_greeted_customer_is_not_overdue() -> None:
    waiting, greeted = arrived(), greet(arrived())
    assert visits.greeting_overdue(greeted.visit, greeted.status) == []
    assert len(visits.greeting_overdue(waiting.visit, waiting.status)) == 1


def test_order_opens_only_after_greeting() -> None:
    with violates("invalid_status"):
        orders.check_may_open("arrived", 5000, 0)


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_lower_odometer_is_rejected(given_km: int, known_km: int) -> None:
    if given_km < known_km:
        with violates("odometer_backwards"):
            orders.check_may_open("greeted", given_km, known_km)
    else:
        orders.check_may_open("greeted", given_km, known_km)


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
        repair_orders.cancel(started().repair_order, 0, "other", None)
    cancelled, _ = repair_orders.cancel(opened().repair_order, 0, "customer_request", None)
    assert cancelled.status == "cancelled"


def test_late_workshop_event_keeps_order_status() -> None:
    closed = delivered().repair_order
    assert repair_orders.start_work(closed).status == "closed"
    assert repair_orders.finish_work(closed, NOW, ["MNT-001"]).status == "closed"


def test_linked_customer_is_published() -> None:
    linked, (event,) = visits.link_customer(replace(opened().visit, customer_ref=None), "c9", "v9")
    assert linked.customer_ref == event.customer_ref == "c9"
    assert linked.vehicle_ref == event.vehicle_ref == "v9"


def test_opening_keeps_assigned_advisor() -> None:
    order = greet(arrived())
    assigned, _ = visits.assign(order.visit, order.status, "a2", "m1", NOW)
    order, event = opened_from(replace(order, visit=assigned))
    assert (order.visit.advisor_id, event.advisor_id) == ("a2", "a2")


def test_replaced_odometer_may_be_lower() -> None:
    with violates("odometer_backwards"):
        orders.check_may_open("greeted", 12, 90_000)
    orders.check_may_open("greeted", 12, 90_000, "cluster_replaced")


def stored(number: int, by: str) -> dict[str, Any]:
    return {"version": number, "changed_by": by, "changed_at": NOW + timedelta(minutes=number)}


def test_conflict_names_latest_change_since_seen() -> None:
    order = with_visit(with_work(arrived(), **stored(2, "a1")), **stored(3, "m1"))
    orders.require_seen(order, "3.2.0")
    for seen, by in {"2.1.0": "m1", "3.1.0": "a1", "1": "m1"}.items():
        with violates("version_conflict") as violation:
            orders.require_seen(order, seen)
        assert violation.value.values == {
            "version": "3.2.0",
            "by": by,
            "at": (NOW + timedelta(minutes=3 if by == "m1" else 2)).isoformat(),
        }
