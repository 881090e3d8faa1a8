"""Repair orders in each status, and what belongs to them, without any I/O."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st

from services.reception.domain import delivery, invoicing
from services.reception.domain import order as orders
from services.reception.domain import repair_order as repair_orders
from services.reception.domain.delivery import Checklist
from services.reception.domain.estimate import (
    CatalogOperation,
    PartQuantity,
    PriceList,
    RequestedWork,
    estimate,
)
from services.reception.domain.estimate_version import DecisionRecord
from services.reception.domain.invoicing import Paid, Terms
from services.reception.domain.order import Order, WriteUp
from services.reception.domain.ordered_work import agree_at_opening
from services.reception.domain.prices import Prices
from services.reception.domain.promise import Promise
from services.reception.domain.vehicle import VehicleIdentity
from shared.contracts.reception import EstimateLine, OrderOpened
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
STEPS: Checklist = {
    "work_explained": {"work"},
    "invoice_explained": {"work", "invoice"},
    "operation_explained": (),
}
PRICES = PriceList(
    {"MNT-001": CatalogOperation("MNT-001", "maintenance", 0.6)},
    Prices(parts={"OIL": 8_800}, labor_rates={"maintenance": 18_001}),
)
LINES = st.lists(
    st.builds(
        EstimateLine,
        kind=st.sampled_from(["labor", "part"]),
        code=st.just("X"),
        pay_type=st.sampled_from(["customer", "warranty", "goodwill", "internal"]),
        quantity=st.just(1),
        amount_cents=st.integers(0, 10**7),
    ),
    min_size=1,
    max_size=8,
).map(tuple)
"""Lines of an estimate, as Hypothesis generates them."""


def arrived() -> Order:
    order, _ = orders.arrive(
        order_id="o1",
        store_id="S01",
        queue_number=1,
        vehicle=VehicleIdentity("p1", "v1", identified=True),
        appointment_id=None,
        greeting_limit=timedelta(minutes=10),
        now=NOW,
    )
    return order


def with_visit(order: Order, **changes: Any) -> Order:
    return replace(order, visit=replace(order.visit, **changes))


def with_work(order: Order, **changes: Any) -> Order:
    return replace(order, repair_order=replace(order.repair_order, **changes))


def with_account(order: Order, **changes: Any) -> Order:
    return replace(order, account=replace(order.account, **changes))


def greet(order: Order, advisor_id: str = "a1") -> Order:
    visit, repair_order, _ = orders.greet(order.visit, order.repair_order, advisor_id, NOW)
    return replace(order, visit=visit, repair_order=repair_order)


def opened(quantity: int = 4) -> Order:
    return opened_from(greet(arrived()), quantity)[0]


def opened_from(order: Order, quantity: int = 4) -> tuple[Order, OrderOpened]:
    priced = estimate(PRICES, RequestedWork(("MNT-001",), (PartQuantity("OIL", quantity),)))
    repair_order, agreed, _ = agree_at_opening(
        order.repair_order, (), priced, DecisionRecord("in_person", "a1", NOW), "a1"
    )
    write_up = WriteUp("c1", "v1", True, 5000, (), waiting_customer=False, rush=False)
    promise = Promise(NOW + timedelta(hours=2), 0.95, "h1", provisional=False)
    visit, repair_order, (event,) = orders.open_order(
        order.visit,
        repair_order,
        write_up,
        promise,
        known_odometer_km=4000,
        agreed=agreed,
        now=NOW,
    )
    return replace(order, visit=visit, repair_order=repair_order), event


def started() -> Order:
    order = opened()
    return replace(order, repair_order=repair_orders.start_work(order.repair_order))


def ready() -> Order:
    order = started()
    finished = repair_orders.finish_work(order.repair_order, NOW, ["MNT-001"])
    return replace(order, repair_order=finished)


def invoiced(order: Order | None = None) -> Order:
    return invoicing.issue_invoice(
        order or ready(),
        invoice_id="i1",
        terms=Terms(1300, timedelta(days=30)),
        now=NOW,
    )[0]


def paid() -> Order:
    order = invoiced()
    return pay(order, order.account.balance_cents)


def delivered() -> Order:
    order = paid()
    for step in STEPS:
        order = delivery.record_step(order, step, STEPS, "a1", NOW)
    return delivery.deliver(order, STEPS, "a1", NOW)[0]


def pay(order: Order, amount_cents: int) -> Order:
    return invoicing.receive_payment(order, Paid("p", "cash", amount_cents, NOW))[0]


def violates(rule: str) -> pytest.RaisesExc[RuleViolation]:
    return pytest.raises(RuleViolation, check=lambda violation: violation.rule == rule)
