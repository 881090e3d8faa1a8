"""Estimate versions and the customer's decision on them, in any order of events (R4)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.reception.domain import additional_work, ordered_work
from services.reception.domain import order as orders
from services.reception.domain.estimate import (
    CatalogOperation,
    Estimate,
    PartQuantity,
    PriceList,
    RequestedWork,
    ServicePackage,
    estimate,
    sum_of,
)
from services.reception.domain.estimate_items import items_of, without
from services.reception.domain.estimate_version import (
    DecisionRecord,
    EstimateVersion,
    close_unanswered,
    present,
    require_awaiting,
)
from services.reception.domain.lifecycle import RepairOrderStatus
from services.reception.domain.prices import Prices, store_prices
from services.reception.domain.promise import Promise
from services.reception.domain.repair_order import RepairOrder
from services.reception.domain.vehicle import VehicleIdentity
from shared.contracts import Event
from shared.contracts.management import PromiseRules
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
OPERATIONS = ("A", "B", "C")
PRICES = PriceList(
    {name: CatalogOperation(name, "t", 0.1 * place) for place, name in enumerate(OPERATIONS, 3)},
    Prices(parts={"P": 333, "Q": 1}, labor_rates={"t": 17_777}),
    {"K": ServicePackage("K", ("A", "B"), (PartQuantity("P", 3),), 9_999)},
)
COUNTER = DecisionRecord("in_person", "a1", NOW)


def work(*operations: str, parts: int = 0) -> Estimate:
    quantities = (PartQuantity("P", parts),) if parts else ()
    return estimate(PRICES, RequestedWork(operations, quantities))


@given(st.integers(0, 10**7))
def test_package_costs_its_price_for_any_lines(price: int) -> None:
    package = ServicePackage("K", ("A", "B"), (PartQuantity("P", 3),), price)
    prices = replace(PRICES, packages={"K": package})
    assert estimate(prices, RequestedWork(packages=("K",))).total_cents == price


@given(st.integers(1, 9), st.integers(1, 9))
def test_agreed_work_keeps_price_and_hours(before: int, now: int) -> None:
    wanted = RequestedWork(("C",), (PartQuantity("P", before),), ("K",))
    agreed = estimate(PRICES, wanted)
    nothing = PriceList({}, Prices())
    assert estimate(nothing, wanted, agreed.lines) == agreed
    more = replace(wanted, parts=(PartQuantity("P", now),), pay_types={"C": "warranty"})
    changed = estimate(nothing, more, agreed.lines)
    assert changed.labor_operations == agreed.labor_operations
    assert changed.total_cents == agreed.total_cents + 333 * (now - before)
    with pytest.raises(RuleViolation, match="Q is not in the catalog"):
        estimate(nothing, replace(wanted, parts=(PartQuantity("Q", 1),)), agreed.lines)


PRICES_OF_A_LIST = st.builds(
    Prices,
    *[st.dictionaries(st.sampled_from("ABC"), st.integers(0, 9)) for _ in range(3)],
)


@given(PRICES_OF_A_LIST, PRICES_OF_A_LIST, PRICES_OF_A_LIST)
def test_own_price_comes_first_then_list(own: Prices, listed: Prices, catalog: Prices) -> None:
    found = store_prices(own, listed, catalog)
    for kind in ("parts", "operations", "labor_rates"):
        sources = [getattr(each, kind) for each in (own, listed, catalog)]
        for item in "ABC":
            first = next((each[item] for each in sources if item in each), None)
            assert getattr(found, kind).get(item) == first


def test_fixed_price_needs_no_labor_rate() -> None:
    fixed = estimate(replace(PRICES, prices=Prices(operations={"A": 0})), RequestedWork(("A",)))
    assert (fixed.total_cents, fixed.labor_operations[0].op_code) == (0, "A")


def test_skill_without_labor_rate_is_refused() -> None:
    with pytest.raises(RuleViolation) as refused:
        estimate(replace(PRICES, prices=Prices()), RequestedWork(("A",)))
    assert (refused.value.rule, refused.value.field) == ("no_labor_rate", "op_codes")


TYPICAL = {"A": {"P"}, "B": {"P", "Q"}}
OFFERED = estimate(
    PRICES,
    RequestedWork(("A", "B", "C"), (PartQuantity("Q", 2), PartQuantity("P", 1))),
)


def proposed(priced: Estimate) -> EstimateVersion:
    return EstimateVersion(
        "S01", "o", 1, "w", priced.labor_operations, priced.lines, "awaiting", "t", NOW
    )


def test_part_is_decided_with_its_first_operation() -> None:
    priced = estimate(PRICES, RequestedWork(("C",), (PartQuantity("P", 1),), ("K",)))
    assert items_of(OFFERED.lines, TYPICAL) == ["A", "B", "C", "B", "A"]
    assert items_of(priced.lines, TYPICAL) == ["K", "K", "K", "C", "P"]


@given(st.sets(st.sampled_from(["A", "B", "C"]), max_size=2))
def test_authorized_and_declined_lines_sum_to_estimate(declined: set[str]) -> None:
    wanted, rest = without(proposed(OFFERED), declined, TYPICAL)
    assert wanted.total_cents + rest.total_cents == OFFERED.total_cents
    assert {*wanted.lines, *rest.lines} == set(OFFERED.lines)
    assert {each.op_code for each in rest.labor_operations} == declined


@pytest.mark.parametrize(
    ("declined", "rule"), [({"A", "B", "C"}, "nothing_wanted"), ({"P"}, "unknown_code")]
)
def test_estimate_cannot_be_declined_to_nothing(declined: set[str], rule: str) -> None:
    with pytest.raises(RuleViolation) as violation:
        without(proposed(OFFERED), declined, TYPICAL)
    assert violation.value.rule == rule


@pytest.mark.parametrize(
    ("status", "has_invoice", "rule"),
    [("ready", True, "already_invoiced"), ("delivered", True, "invalid_status")],
)
def test_work_found_too_late_is_not_offered(
    status: RepairOrderStatus, has_invoice: bool, rule: str
) -> None:
    order = RepairOrder("S01", "o", status)
    after, (late,), events = additional_work.offer(
        order,
        (),
        OFFERED,
        has_invoice=has_invoice,
        additional_work_id="w",
        presented_by="t",
        now=NOW,
    )
    assert (after, late.status, events) == (order, "not_offered", [])
    with pytest.raises(RuleViolation) as violation:
        require_awaiting(order, [late], late.version)
    assert violation.value.rule == rule


def test_cancelled_visit_leaves_estimate_unanswered() -> None:
    order = RepairOrder("S01", "o", "cancelled", awaiting_estimates=1)
    declined = replace(proposed(OFFERED), version=2, status="declined")
    closed, changed = close_unanswered(order, [proposed(OFFERED), declined])
    assert [(each.version, each.status) for each in changed] == [(1, "unanswered")]
    assert closed.awaiting_estimates == 0


class Decisions(RuleBasedStateMachine):
    """Order whose estimates come and are decided on in any order."""

    def __init__(self) -> None:
        super().__init__()
        arrived, _ = orders.arrive(
            order_id="o",
            store_id="S01",
            queue_number=1,
            vehicle=VehicleIdentity("p", "v", identified=True),
            appointment_id=None,
            greeting_limit=timedelta(minutes=10),
            now=NOW,
        )
        self.order: RepairOrder
        self.visit, self.order, _ = orders.greet(arrived.visit, arrived.repair_order, "a1", NOW)
        self.versions: dict[int, EstimateVersion] = {}

    def keep(self, order: RepairOrder, changed: list[EstimateVersion]) -> None:
        self.order = order
        self.versions |= {version.version: version for version in changed}

    @property
    def present(self) -> list[EstimateVersion]:
        return [self.versions[number] for number in sorted(self.versions)]

    @rule(parts=st.integers(0, 3))
    def submit(self, parts: int) -> None:
        order, changed, _ = present(
            self.order,
            self.present,
            work("A", parts=parts),
            has_invoice=False,
            additional_work_id=None,
            presented_by="a1",
            now=NOW,
        )
        self.keep(order, changed)

    @precondition(lambda self: self.order.opened_at)
    @rule(matter=st.sampled_from(["w1", "w2"]), operation=st.sampled_from(OPERATIONS))
    def find(self, matter: str, operation: str) -> None:
        order, changed, _ = additional_work.offer(
            self.order,
            self.present,
            work(operation),
            has_invoice=False,
            additional_work_id=matter,
            presented_by="t1",
            now=NOW,
        )
        self.keep(order, changed)

    @precondition(lambda self: not self.order.opened_at)
    @rule(parts=st.integers(0, 3))
    def open(self, parts: int) -> None:
        order, agreed, changed = ordered_work.agree_at_opening(
            self.order, self.present, work("A", parts=parts), COUNTER, "a1"
        )
        write_up = orders.WriteUp("c", "v", True, 10, (), waiting_customer=False, rush=False)
        promise = Promise(NOW + timedelta(hours=1), 0.95, "h", provisional=False)
        self.visit, order, (event,) = orders.open_order(
            self.visit, order, write_up, promise, known_odometer_km=0, agreed=agreed, now=NOW
        )
        assert event.estimate_cents == sum_of(event.lines)
        self.keep(order, changed)

    @precondition(lambda self: self.versions)
    @rule(data=st.data(), wanted=st.booleans())
    def decide(self, data: st.DataObject, wanted: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.versions)))
        decided = partial(self.decided, self.versions[number], wanted)
        if self.versions[number].status != "awaiting":
            with pytest.raises(RuleViolation):
                decided()
            return
        order, version, _ = decided()
        self.keep(order, [version])

    def decided(
        self, before: EstimateVersion, wanted: bool
    ) -> tuple[RepairOrder, EstimateVersion, Sequence[Event]]:
        number = before.version
        if before.additional_work_id is None:
            decide = ordered_work.authorize if wanted else ordered_work.decline
            return decide(self.order, self.present, number, COUNTER)
        if not wanted:
            return additional_work.decline(self.order, self.present, number, COUNTER)
        promise = Promise(NOW, 0.95, None, provisional=True)
        return additional_work.authorize(
            self.order, self.present, number, COUNTER, promise, PromiseRules()
        )

    @invariant()
    def at_most_one_version_awaits_the_customer_on_each_matter(self) -> None:
        awaiting = [v.additional_work_id for v in self.present if v.status == "awaiting"]
        assert len(awaiting) == len(set(awaiting)) == self.order.awaiting_estimates

    @invariant()
    def what_will_be_invoiced_is_what_was_agreed_to_last(self) -> None:
        agreed = {v.additional_work_id: v for v in self.present if v.status == "authorized"}
        assert self.order.estimate_cents == sum(v.total_cents for v in agreed.values())
        assert self.order.estimate_cents == sum_of(self.order.lines)

    @invariant()
    def versions_are_numbered_without_a_gap(self) -> None:
        assert sorted(self.versions) == list(range(1, len(self.versions) + 1))


TestDecisions = Decisions.TestCase
TestDecisions.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
