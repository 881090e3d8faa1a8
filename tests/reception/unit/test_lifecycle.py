"""Order statuses under any sequence of commands: only permitted transitions (R2, R5, R7, R8)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.reception.domain import delivery, invoicing
from services.reception.domain import order as orders
from services.reception.domain import repair_order as repair_orders
from services.reception.domain import visit as visits
from services.reception.domain.estimate import PartQuantity, RequestedWork, estimate
from services.reception.domain.estimate_version import DecisionRecord
from services.reception.domain.invoicing import Paid, Terms
from services.reception.domain.order import Order, WriteUp
from services.reception.domain.ordered_work import agree_at_opening
from services.reception.domain.promise import Promise
from services.reception.domain.repair_order import RepairOrder
from services.reception.domain.vehicle import VehicleIdentity
from shared.contracts.violations import RuleViolation
from tests.support.orders import NOW, PRICES, STEPS, arrived, greet, opened, paid, ready

WAY = {
    "arrived": {"greeted", "cancelled"},
    "greeted": {"opened", "cancelled"},
    "opened": {"in_progress", "ready", "cancelled"},
    "in_progress": {"ready"},
    "ready": {"delivered", "closed"},
    "delivered": {"closed"},
    "closed": {"delivered"},
    "cancelled": set(),
}
WORK = estimate(PRICES, RequestedWork(("MNT-001",), (PartQuantity("OIL", 4),)))


class Lifecycle(RuleBasedStateMachine):
    """Users who try every command on any part of an order at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.order = arrived()

    @initialize(so_far=st.sampled_from([arrived, opened, ready, paid]))
    def come(self, so_far: Callable[[], Order]) -> None:
        self.order = so_far()

    def attempt(self, change: Callable[[Order], Order], *parts: str) -> None:
        """Try a change that may touch these ``parts`` of the order."""
        before = self.order
        try:
            after = change(before)
        except RuleViolation:
            return
        assert after.status == before.status or after.status in WAY[before.status]
        untouched = {"visit", "repair_order", "account"} - {*parts}
        assert all(getattr(after, part) is getattr(before, part) for part in untouched)
        self.order = after

    def attempt_work(self, change: Callable[[RepairOrder], RepairOrder]) -> None:
        self.attempt(
            lambda order: replace(order, repair_order=change(order.repair_order)), "repair_order"
        )

    @rule(who=st.sampled_from(["a1", "m1"]))
    def greet(self, who: str) -> None:
        self.attempt(lambda order: greet(order, who), "visit", "repair_order")

    @rule(who=st.sampled_from(["a1", "m1"]))
    def assign(self, who: str) -> None:
        self.attempt(
            lambda order: replace(
                order, visit=visits.assign(order.visit, order.status, who, "m1", NOW)[0]
            ),
            "visit",
        )

    @rule(plate=st.sampled_from(["p1", "p2"]))
    def correct_plate(self, plate: str) -> None:
        vehicle = VehicleIdentity(plate, f"v-{plate}", identified=False)
        self.attempt(
            lambda order: replace(
                order, visit=visits.correct_plate(order.visit, order.status, vehicle)[0]
            ),
            "visit",
        )

    @rule()
    def open(self) -> None:
        def change(order: Order) -> Order:
            decision_record = DecisionRecord("in_person", "a1", NOW)
            repair_order, agreed, _ = agree_at_opening(
                order.repair_order, (), WORK, decision_record, "a1"
            )
            write_up = WriteUp("c1", "v1", True, 5000, (), waiting_customer=False, rush=False)
            promise = Promise(NOW + timedelta(hours=2), 0.95, "h1", provisional=False)
            visit, repair_order, _ = orders.open_order(
                order.visit,
                repair_order,
                write_up,
                promise,
                known_odometer_km=0,
                agreed=agreed,
                now=NOW,
            )
            return replace(order, visit=visit, repair_order=repair_order)

        self.attempt(change, "visit", "repair_order")

    @rule()
    def cancel(self) -> None:
        deposit_cents = self.order.account.deposit_cents
        self.attempt_work(lambda work: repair_orders.cancel(work, deposit_cents, "other", None)[0])

    @rule()
    def start(self) -> None:
        self.attempt_work(repair_orders.start_work)

    @rule(finished=st.sampled_from([(), ("MNT-001",)]))
    def finish(self, finished: tuple[str, ...]) -> None:
        self.attempt_work(lambda work: repair_orders.finish_work(work, NOW, finished))

    @rule(amount=st.sampled_from([1, 46_001]))
    def deposit(self, amount: int) -> None:
        paid = Paid("d", "cash", amount, NOW)
        self.attempt(
            lambda order: replace(
                order, account=invoicing.receive_deposit(order.account, order.status, paid)[0]
            ),
            "account",
        )

    @rule()
    def invoice(self) -> None:
        self.attempt(
            lambda order: invoicing.issue_invoice(
                order, invoice_id="i", terms=Terms(1300, timedelta(days=30)), now=NOW
            )[0],
            "repair_order",
            "account",
        )

    @rule(amount=st.sampled_from([1, 46_000, 46_001]))
    def pay(self, amount: int) -> None:
        paid = Paid("p", "cash", amount, NOW)
        self.attempt(
            lambda order: invoicing.receive_payment(order, paid)[0], "repair_order", "account"
        )

    @rule(amount=st.sampled_from([1, 500]))
    def discount(self, amount: int) -> None:
        self.attempt(
            lambda order: invoicing.request_discount(order, amount, "other", "a1", 10_000)[0],
            "repair_order",
        )

    @rule(amount=st.sampled_from([1, 46_001]))
    def refund(self, amount: int) -> None:
        paid = Paid("r", "cash", amount, NOW)
        self.attempt(
            lambda order: invoicing.refund(order, paid, "other", "m1")[0], "repair_order", "account"
        )

    @rule()
    def approve_on_account(self) -> None:
        def change(order: Order) -> Order:
            account, _ = invoicing.approve_on_account(
                order.account, order.status, "other", "m1", NOW
            )
            return replace(order, account=account)

        self.attempt(change, "account")

    @rule(step=st.sampled_from([*STEPS]))
    def do_step(self, step: str) -> None:
        self.attempt(
            lambda order: delivery.record_step(order, step, STEPS, "a1", NOW), "repair_order"
        )

    @rule(step=st.sampled_from([*STEPS]), who=st.sampled_from(["a1", "m1"]))
    def ask_to_waive(self, step: str, who: str) -> None:
        self.attempt(
            lambda order: delivery.request_waiver(order, step, "other", STEPS, who, NOW),
            "repair_order",
        )

    @rule(step=st.sampled_from([*STEPS]))
    def waive(self, step: str) -> None:
        self.attempt(lambda order: delivery.approve_waiver(order, step, "m1", NOW), "repair_order")

    @rule()
    def deliver(self) -> None:
        def change(order: Order) -> Order:
            delivered = delivery.deliver(order, STEPS, "a1", NOW)[0]
            assert not STEPS.keys() & {*order.steps_to_repeat}
            return delivered

        self.attempt(change, "repair_order")

    @invariant()
    def a_vehicle_has_gone_only_with_its_steps_and_its_invoice(self) -> None:
        work, account = self.order.repair_order, self.order.account
        gone = work.status in ("delivered", "closed")
        assert gone == (work.delivered_at is not None)
        if gone:
            waived = {step for step, each in work.waivers.items() if each.approved_by}
            assert set(STEPS) <= set(work.steps) | waived
            assert all(each.requested_by != each.approved_by for each in work.waivers.values())
            assert account.invoice_id
            assert (work.status == "closed") == (account.balance_cents == 0)

    @invariant()
    def invoiced_work_is_finished(self) -> None:
        order = self.order
        assert order.account.invoice_id is None or order.repair_order.ready_at is not None

    @invariant()
    def an_opened_order_has_an_advisor_and_a_customer(self) -> None:
        visit = self.order.visit
        if self.order.repair_order.opened_at:
            assert None not in (visit.greeted_at, visit.advisor_id, visit.customer_ref)
        if self.order.status == "arrived":
            assert visit.greeted_at is None


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
