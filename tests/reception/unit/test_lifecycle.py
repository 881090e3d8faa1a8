"""Order statuses under any sequence of commands: only permitted transitions (R2, R5, R7, R8)."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.reception.domain import delivery, invoicing
from services.reception.domain import order as orders
from services.reception.domain.authorization import DecisionRecord, agree_at_opening
from services.reception.domain.estimate import PartQuantity, RequestedWork, estimate
from services.reception.domain.invoicing import Paid, Terms
from services.reception.domain.order import Order, Promise, WriteUp
from shared.contracts.violations import RuleViolation
from tests.support.orders import NOW, PRICES, STEPS, arrived, opened, paid, ready

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


class Visit(RuleBasedStateMachine):
    """Users who try every command at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.order = arrived()

    @initialize(so_far=st.sampled_from([arrived, opened, ready, paid]))
    def come(self, so_far: Callable[[], Order]) -> None:
        self.order = so_far()

    def attempt(self, change: Callable[[Order], Order]) -> None:
        before = self.order
        try:
            after = change(before)
        except RuleViolation:
            return
        assert after.status == before.status or after.status in WAY[before.status]
        self.order = after

    @rule(who=st.sampled_from(["a1", "m1"]))
    def greet(self, who: str) -> None:
        self.attempt(lambda order: orders.greet(order, who, NOW)[0])

    @rule()
    def open(self) -> None:
        def change(order: Order) -> Order:
            decision_record = DecisionRecord("in_person", "a1", NOW)
            order, agreed, _ = agree_at_opening(order, (), WORK, decision_record, "a1")
            write_up = WriteUp("c1", "v1", 5000, (), waiting_customer=False, rush=False)
            promise = Promise(NOW + timedelta(hours=2), 0.95, "h1", provisional=False)
            return orders.open_order(
                order, write_up, promise, known_odometer_km=0, agreed=agreed, now=NOW
            )[0]

        self.attempt(change)

    @rule()
    def cancel(self) -> None:
        self.attempt(lambda order: orders.cancel(order, "other", None)[0])

    @rule()
    def start(self) -> None:
        self.attempt(orders.start_work)

    @rule(finished=st.sampled_from([(), ("MNT-001",)]))
    def finish(self, finished: tuple[str, ...]) -> None:
        self.attempt(lambda order: orders.finish_work(order, NOW, finished))

    @rule()
    def invoice(self) -> None:
        self.attempt(
            lambda order: invoicing.issue_invoice(
                order, invoice_id="i", terms=Terms(1300, timedelta(days=30)), now=NOW
            )[0]
        )

    @rule(amount=st.sampled_from([1, 46_000, 46_001]))
    def pay(self, amount: int) -> None:
        paid = Paid("p", "cash", amount, NOW)
        self.attempt(lambda order: invoicing.receive_payment(order, paid)[0])

    @rule(amount=st.sampled_from([1, 500]))
    def discount(self, amount: int) -> None:
        self.attempt(
            lambda order: invoicing.request_discount(order, amount, "other", "a1", 10_000)[0]
        )

    @rule(amount=st.sampled_from([1, 46_001]))
    def refund(self, amount: int) -> None:
        paid = Paid("r", "cash", amount, NOW)
        self.attempt(lambda order: invoicing.refund(order, paid, "other", "m1")[0])

    @rule()
    def approve_on_account(self) -> None:
        self.attempt(lambda order: invoicing.approve_on_account(order, "other", "m1", NOW)[0])

    @rule(step=st.sampled_from([*STEPS]))
    def do_step(self, step: str) -> None:
        self.attempt(lambda order: delivery.record_step(order, step, STEPS, "a1", NOW))

    @rule(step=st.sampled_from([*STEPS]), who=st.sampled_from(["a1", "m1"]))
    def ask_to_waive(self, step: str, who: str) -> None:
        self.attempt(lambda order: delivery.request_waiver(order, step, "other", STEPS, who, NOW))

    @rule(step=st.sampled_from([*STEPS]))
    def waive(self, step: str) -> None:
        self.attempt(lambda order: delivery.approve_waiver(order, step, "m1", NOW))

    @rule()
    def deliver(self) -> None:
        def change(order: Order) -> Order:
            delivered = delivery.deliver(order, STEPS, "a1", NOW)[0]
            assert not STEPS.keys() & {*order.steps_to_repeat}
            return delivered

        self.attempt(change)

    @invariant()
    def a_vehicle_has_gone_only_with_its_steps_and_its_invoice(self) -> None:
        order = self.order
        gone = order.status in ("delivered", "closed")
        assert gone == (order.delivered_at is not None)
        if gone:
            waived = {step for step, each in order.waivers.items() if each.approved_by}
            assert set(STEPS) <= set(order.steps) | waived
            assert all(each.requested_by != each.approved_by for each in order.waivers.values())
            assert order.invoice_id
            assert (order.status == "closed") == (order.balance_cents == 0)

    @invariant()
    def invoiced_work_is_finished(self) -> None:
        assert self.order.invoice_id is None or self.order.ready_at is not None


TestVisit = Visit.TestCase
TestVisit.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
