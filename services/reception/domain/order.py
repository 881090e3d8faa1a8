"""The repair order (维修工单) from the vehicle's arrival to the last payment."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol

from services.reception.domain import errors
from services.reception.domain.lifecycle import Stage, require_stage
from services.reception.domain.money import included_tax
from shared.contracts.reception import (
    Channel,
    CustomerGreeted,
    DeliveryStep,
    EstimateLine,
    InvoiceIssued,
    OrderCancelled,
    OrderCustomerLinked,
    OrderedOperation,
    OrderOpened,
    PaymentReceived,
    PromiseRevised,
    ReceptionOverdue,
    VehicleArrived,
    VehicleDelivered,
)

PaymentMethod = Literal["cash", "card", "wechat", "alipay", "transfer"]


@dataclass(frozen=True)
class Order:
    """One visit of one vehicle. Money in integer cents, times in UTC.

    ``lines`` and ``operations`` are what the customer has agreed to, ``estimate_cents`` their sum;
    ``awaiting_estimates`` counts versions that the customer has yet to decide on.
    """

    order_id: str
    store_id: str
    stage: Stage
    queue_number: int
    plate_ref: str
    arrived_at: datetime
    greeting_due_at: datetime
    appointment_id: str | None = None
    advisor_id: str | None = None
    greeted_at: datetime | None = None
    customer_ref: str | None = None
    vehicle_ref: str | None = None
    odometer_km: int | None = None
    waiting_customer: bool = False
    symptoms: tuple[str, ...] = ()
    operations: tuple[OrderedOperation, ...] = ()
    lines: tuple[EstimateLine, ...] = ()
    estimate_cents: int = 0
    awaiting_estimates: int = 0
    hold_id: str | None = None
    opened_at: datetime | None = None
    promised_at: datetime | None = None
    promise_provisional: bool = False
    ready_at: datetime | None = None
    steps: Mapping[str, DeliveryStep] = field(default_factory=dict)
    delivered_at: datetime | None = None
    invoice_id: str | None = None
    invoiced_cents: int = 0
    received_cents: int = 0
    version: int = 0

    @property
    def balance_cents(self) -> int:
        """What is still to be paid (应收余额)."""
        return self.invoiced_cents - self.received_cents


@dataclass(frozen=True)
class Promise:
    """A completion time (承诺交车时间), the confidence behind it and the hold that reserves it."""

    promised_at: datetime
    confidence: float
    hold_id: str | None
    provisional: bool


class AgreedEstimate(Protocol):
    """Which version of the estimate the customer agreed to, and how."""

    @property
    def version(self) -> int: ...

    @property
    def channel(self) -> Channel | None: ...


@dataclass(frozen=True)
class Intake:
    """What the advisor takes down (接车登记)."""

    customer_ref: str | None
    vehicle_ref: str
    odometer_km: int
    symptoms: tuple[str, ...]
    waiting_customer: bool


def arrive(
    *,
    order_id: str,
    store_id: str,
    queue_number: int,
    plate_ref: str,
    appointment_id: str | None,
    greeting_limit: timedelta,
    now: datetime,
) -> tuple[Order, list[VehicleArrived]]:
    """A vehicle stands at reception; its customer is to be greeted within the store's limit."""
    order = Order(
        order_id=order_id,
        store_id=store_id,
        stage="arrived",
        queue_number=queue_number,
        plate_ref=plate_ref,
        appointment_id=appointment_id,
        arrived_at=now,
        greeting_due_at=now + greeting_limit,
    )
    event = VehicleArrived(
        store_id=store_id,
        order_id=order_id,
        queue_number=queue_number,
        plate_ref=plate_ref,
        appointment_id=appointment_id,
        arrived_at=now,
        greeting_due_at=order.greeting_due_at,
    )
    return order, [event]


def greet(order: Order, advisor_id: str, now: datetime) -> tuple[Order, list[CustomerGreeted]]:
    """An advisor receives the customer; nobody is greeted twice."""
    require_stage(order.stage, "greet")
    greeted = replace(order, stage="greeted", advisor_id=advisor_id, greeted_at=now)
    event = CustomerGreeted(
        store_id=order.store_id, order_id=order.order_id, advisor_id=advisor_id, greeted_at=now
    )
    return greeted, [event]


def greeting_overdue(order: Order) -> list[ReceptionOverdue]:
    """The limit has passed: an event if nobody has greeted the customer yet."""
    if order.stage != "arrived":
        return []
    return [
        ReceptionOverdue(
            store_id=order.store_id,
            order_id=order.order_id,
            queue_number=order.queue_number,
            due_at=order.greeting_due_at,
        )
    ]


def open_order(
    order: Order,
    intake: Intake,
    promise: Promise,
    *,
    advisor_id: str,
    known_odometer_km: int,
    agreed: AgreedEstimate,
    now: datetime,
) -> tuple[Order, list[OrderOpened]]:
    """Open the repair order with its promise and what the customer has agreed to."""
    check_may_open(order, intake.odometer_km, known_odometer_km)
    opened = replace(
        order,
        stage="opened",
        advisor_id=advisor_id,
        customer_ref=intake.customer_ref,
        vehicle_ref=intake.vehicle_ref,
        odometer_km=intake.odometer_km,
        waiting_customer=intake.waiting_customer,
        symptoms=intake.symptoms,
        hold_id=promise.hold_id,
        opened_at=now,
        promised_at=promise.promised_at,
        promise_provisional=promise.provisional,
    )
    event = OrderOpened(
        store_id=order.store_id,
        order_id=order.order_id,
        advisor_id=advisor_id,
        customer_ref=intake.customer_ref,
        vehicle_ref=intake.vehicle_ref,
        odometer_km=intake.odometer_km,
        symptoms=intake.symptoms,
        operations=order.operations,
        lines=order.lines,
        estimate_cents=order.estimate_cents,
        estimate_version=agreed.version,
        authorization_channel=agreed.channel,
        promised_at=promise.promised_at,
        promise_confidence=promise.confidence,
        promise_provisional=promise.provisional,
        hold_id=promise.hold_id,
        appointment_id=order.appointment_id,
        waiting_customer=intake.waiting_customer,
        opened_at=now,
    )
    return opened, [event]


def link_customer(order: Order, customer_ref: str) -> tuple[Order, list[OrderCustomerLinked]]:
    """The details taken with the order now have a customer in the archive (客户补录)."""
    event = OrderCustomerLinked(
        store_id=order.store_id, order_id=order.order_id, customer_ref=customer_ref
    )
    return replace(order, customer_ref=customer_ref), [event]


def check_may_open(order: Order, odometer_km: int, known_odometer_km: int) -> None:
    """Refuse to open an order out of turn or with an odometer that goes back."""
    require_stage(order.stage, "open")
    if odometer_km < known_odometer_km:
        raise errors.odometer_backwards(odometer_km, known_odometer_km)


def confirm_promise(
    order: Order, planned_finishes: Sequence[datetime]
) -> tuple[Order, list[PromiseRevised]]:
    """The workshop has planned a job of an order whose promise is provisional.

    With the last one the promise is confirmed, or revised to the latest planned finish.
    """
    if not order.promise_provisional or len(planned_finishes) < len(order.operations):
        return order, []
    latest = max(planned_finishes)
    confirmed = replace(order, promise_provisional=False)
    if order.promised_at is not None and latest <= order.promised_at:
        return confirmed, []
    event = PromiseRevised(
        store_id=order.store_id,
        order_id=order.order_id,
        promised_at=latest,
        reason="workshop_returned",
    )
    return replace(confirmed, promised_at=latest), [event]


def start_work(order: Order) -> Order:
    """The workshop has begun."""
    return replace(order, stage="in_work") if order.stage == "opened" else order


def finish_work(order: Order, ready_at: datetime, finished: Iterable[str]) -> Order:
    """The workshop says that the vehicle is ready.

    Additional work that was authorised meanwhile is not among the ``finished`` operations; then
    the vehicle is not ready yet.
    """
    ordered = Counter(operation.operation_id for operation in order.operations)
    if order.stage not in ("opened", "in_work") or ordered - Counter(finished):
        return order
    return replace(order, stage="ready", ready_at=ready_at)


def record_step(
    order: Order, step: str, template: Sequence[str], done_by: str, now: datetime
) -> Order:
    """One step of the delivery checklist is done."""
    require_stage(order.stage, "record_step")
    if step not in template:
        raise errors.unknown_code("step", step)
    if step in order.steps:
        raise errors.step_already_done(step)
    done = DeliveryStep(step=step, done_by=done_by, done_at=now)
    return replace(order, steps={**order.steps, step: done})


def deliver(
    order: Order, template: Sequence[str], advisor_id: str, now: datetime
) -> tuple[Order, list[VehicleDelivered]]:
    """Hand the vehicle over; refused while a step of the checklist is missing."""
    require_stage(order.stage, "deliver")
    missing = [step for step in template if step not in order.steps]
    if missing:
        raise errors.steps_missing(missing)
    event = VehicleDelivered(
        store_id=order.store_id,
        order_id=order.order_id,
        advisor_id=advisor_id,
        customer_ref=order.customer_ref,
        delivered_at=now,
        steps=tuple(order.steps[step] for step in template),
    )
    return replace(order, stage="delivered", delivered_at=now), [event]


def issue_invoice(
    order: Order, *, invoice_id: str, tax_rate_bp: int, payment_term: timedelta, now: datetime
) -> tuple[Order, list[InvoiceIssued]]:
    """Bill the order's lines. Prices include tax; the tax is what they contain."""
    require_stage(order.stage, "bill")
    if order.invoice_id is not None:
        raise errors.not_at_stage("order_id", "invoiced", "delivered")
    labor = sum(line.amount_cents for line in order.lines if line.kind == "labor")
    parts = sum(line.amount_cents for line in order.lines if line.kind == "part")
    total = labor + parts
    event = InvoiceIssued(
        store_id=order.store_id,
        order_id=order.order_id,
        invoice_id=invoice_id,
        lines=order.lines,
        labor_cents=labor,
        parts_cents=parts,
        tax_cents=included_tax(total, tax_rate_bp),
        total_cents=total,
        due_at=now + payment_term,
        issued_at=now,
    )
    return replace(order, invoice_id=invoice_id, invoiced_cents=total), [event]


def receive_payment(
    order: Order, *, payment_id: str, method: PaymentMethod, amount_cents: int, now: datetime
) -> tuple[Order, list[PaymentReceived]]:
    """Take money against the invoice, never more than its balance."""
    require_stage(order.stage, "receive_payment")
    if order.invoice_id is None:
        raise errors.not_at_stage("order_id", "delivered", "invoiced")
    if amount_cents > order.balance_cents:
        raise errors.payment_above_balance(order.balance_cents)
    received = order.received_cents + amount_cents
    balance = order.invoiced_cents - received
    paid = replace(order, received_cents=received, stage="delivered" if balance else "settled")
    event = PaymentReceived(
        store_id=order.store_id,
        order_id=order.order_id,
        payment_id=payment_id,
        invoice_id=order.invoice_id,
        method=method,
        amount_cents=amount_cents,
        balance_cents=balance,
        received_at=now,
    )
    return paid, [event]


def cancel(
    order: Order, reason: str, appointment_hold_id: str | None
) -> tuple[Order, list[OrderCancelled]]:
    """End a visit before any work was done; what was reserved for it is given back.

    ``appointment_hold_id`` is the hold of an appointment that no order has taken over.
    """
    require_stage(order.stage, "cancel")
    event = OrderCancelled(
        store_id=order.store_id,
        order_id=order.order_id,
        reason=reason,
        hold_id=order.hold_id or appointment_hold_id,
    )
    return replace(order, stage="cancelled"), [event]


def require_version(order: Order, seen: int) -> None:
    """Refuse to change what somebody else has changed since it was ``seen``."""
    if order.version != seen:
        raise errors.changed_meanwhile(order.version)
