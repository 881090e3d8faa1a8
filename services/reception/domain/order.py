"""The repair order (维修工单) from the vehicle's arrival to the last payment."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from services.reception.domain import errors
from services.reception.domain.estimate import payable_cents
from services.reception.domain.lifecycle import RepairOrderStatus, require_status
from services.reception.domain.vehicle import VehicleIdentity
from shared.contracts.base import Cents, EventPart
from shared.contracts.reception import (
    AdvisorAssigned,
    CancellationReason,
    Channel,
    CustomerGreeted,
    DeliveryStep,
    DeliveryWaiver,
    DiscountReason,
    EstimateLine,
    GreetingOverdue,
    LaborOperation,
    OdometerDiscrepancyReason,
    OnAccountReason,
    OrderCancelled,
    OrderCustomerLinked,
    OrderOpened,
    Payer,
    PayerSplit,
    PaymentMethod,
    PlateCorrected,
    PromisedTimeRevised,
    VehicleArrived,
    WalkaroundDamage,
)
from shared.contracts.versioned import Versioned

LARGEST_ODOMETER_KM = 2_000_000


class Discount(EventPart):
    """Discount on what the customer pays; without ``approved_by`` it is only requested."""

    amount_cents: Cents
    reason: DiscountReason
    requested_by: str
    approved_by: str | None = None


class OnAccount(EventPart):
    """Approval to deliver the vehicle with at most ``amount_cents`` unpaid (挂账)."""

    amount_cents: Cents
    reason: OnAccountReason
    approved_by: str
    approved_at: datetime


class PromiseAlert(EventPart):
    """Workshop's alert that the promise will probably not be kept (承诺风险)."""

    probability: float
    cause: str
    explanation: str
    best_promise_at: datetime
    confidence: float
    alerted_at: datetime


class StepBasis(EventPart):
    """Basis of a delivery step: the facts that the customer could be shown at the time.

    As far as the step depends on them, they are the finished work and what the customer pays.
    """

    work: tuple[str, ...] | None = None
    payable_cents: Cents | None = None


class PayerBalance(PayerSplit):
    """Amounts of the invoice that one payer has to pay, and has paid."""

    received_cents: Cents = 0

    @property
    def balance_cents(self) -> int:
        return self.amount_cents - self.received_cents


@dataclass(frozen=True)
class Order(Versioned):
    """One visit of one vehicle. Money in integer cents, times in UTC.

    ``vehicle_ref`` is the vehicle that its plate told at the arrival, then the one that the order
    was opened for. ``lines`` and ``labor_operations`` are what the customer has agreed to,
    ``estimate_cents`` their sum; ``estimate_count`` counts versions of the estimate,
    ``awaiting_estimates`` those that the customer has yet to decide on. ``payer_splits`` say who
    pays the invoice; ``received_cents`` is what all payers have paid of it; ``money_by_method`` is
    what came in from the customer by each method and did not go back. ``step_bases`` keeps for each
    delivery step what it was done or left out for.
    """

    order_id: str
    store_id: str
    status: RepairOrderStatus
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
    odometer_discrepancy_reason: OdometerDiscrepancyReason | None = None
    fuel_or_charge_percent: int | None = None
    walkaround_damages: tuple[WalkaroundDamage, ...] = ()
    waiting_customer: bool = False
    symptoms: tuple[str, ...] = ()
    labor_operations: tuple[LaborOperation, ...] = ()
    lines: tuple[EstimateLine, ...] = ()
    estimate_cents: int = 0
    estimate_count: int = 0
    awaiting_estimates: int = 0
    hold_id: str | None = None
    opened_at: datetime | None = None
    promised_at: datetime | None = None
    promise_provisional: bool = False
    risk: PromiseAlert | None = None
    ready_at: datetime | None = None
    steps: Mapping[str, DeliveryStep] = field(default_factory=dict)
    waivers: Mapping[str, DeliveryWaiver] = field(default_factory=dict)
    step_bases: Mapping[str, StepBasis] = field(default_factory=dict)
    signed_at: datetime | None = None
    delivered_at: datetime | None = None
    discount: Discount | None = None
    on_account: OnAccount | None = None
    deposit_cents: int = 0
    money_by_method: Mapping[PaymentMethod, int] = field(default_factory=dict)
    invoice_id: str | None = None
    payer_splits: tuple[PayerBalance, ...] = ()
    invoiced_cents: int = 0
    credited_cents: int = 0
    received_cents: int = 0

    @property
    def vehicle(self) -> VehicleIdentity:
        return VehicleIdentity(self.plate_ref, self.vehicle_ref)

    @property
    def is_invoiced(self) -> bool:
        """Whether there is an invoice that is not credited whole."""
        return self.invoice_id is not None and (self.invoiced_cents > 0 or not self.credited_cents)

    @property
    def balance_cents(self) -> int:
        """Amount that the customer still has to pay (应收余额)."""
        return self.balance_of("customer")

    def balance_of(self, payer: Payer) -> int:
        """Return the amount that a payer still has to pay."""
        return sum(split.balance_cents for split in self.payer_splits if split.payer == payer)

    @property
    def payable_cents(self) -> int:
        """Customer's amount of the invoice, else of the agreed lines less the discount."""
        if self.is_invoiced:
            return sum(each.amount_cents for each in self.payer_splits if each.payer == "customer")
        agreed = payable_cents(self.lines)
        if self.discount and self.discount.approved_by:
            return agreed - self.discount.amount_cents
        return agreed

    @property
    def finished_work(self) -> tuple[str, ...]:
        """Finished work and fitted parts, and the time when the vehicle was ready with it."""
        items = sorted(f"{line.code} {line.quantity}" for line in self.lines)
        return self.ready_at.isoformat() if self.ready_at else "", *items

    @property
    def steps_to_repeat(self) -> list[str]:
        """Delivery steps done or left out for other work or another amount than is there now."""
        if self.delivered_at:
            return []
        return [
            step
            for step, basis in self.step_bases.items()
            if basis.work not in (None, self.finished_work)
            or basis.payable_cents not in (None, self.payable_cents)
        ]


@dataclass(frozen=True)
class Promise:
    """A completion time (承诺交车时间), the confidence behind it and the hold that reserves it."""

    promised_at: datetime
    confidence: float
    hold_id: str | None
    provisional: bool


class AgreedEstimate(Protocol):
    """Version of the estimate that the customer agreed to, and how."""

    @property
    def version(self) -> int: ...

    @property
    def channel(self) -> Channel | None: ...


@dataclass(frozen=True)
class WriteUp:
    """Data that the advisor records at the write-up (接车登记)."""

    customer_ref: str | None
    vehicle_ref: str
    odometer_km: int
    symptoms: tuple[str, ...]
    waiting_customer: bool
    rush: bool = False
    odometer_discrepancy_reason: OdometerDiscrepancyReason | None = None
    fuel_or_charge_percent: int | None = None
    walkaround_damages: tuple[WalkaroundDamage, ...] = ()


def arrive(
    *,
    order_id: str,
    store_id: str,
    queue_number: int,
    vehicle: VehicleIdentity,
    appointment_id: str | None,
    greeting_limit: timedelta,
    now: datetime,
) -> tuple[Order, list[VehicleArrived]]:
    """Record the arrival of a vehicle.

    Its customer is to be greeted within the store's limit.
    """
    order = Order(
        order_id=order_id,
        store_id=store_id,
        status="arrived",
        queue_number=queue_number,
        plate_ref=vehicle.plate_ref,
        vehicle_ref=vehicle.vehicle_ref,
        appointment_id=appointment_id,
        arrived_at=now,
        greeting_due_at=now + greeting_limit,
    )
    event = VehicleArrived(
        store_id=store_id,
        order_id=order_id,
        queue_number=queue_number,
        plate_ref=vehicle.plate_ref,
        vehicle_ref=vehicle.vehicle_ref,
        appointment_id=appointment_id,
        arrived_at=now,
        greeting_due_at=order.greeting_due_at,
    )
    return order, [event]


def correct_plate(order: Order, vehicle: VehicleIdentity) -> tuple[Order, Sequence[PlateCorrected]]:
    """Correct a plate that was recorded wrongly at the arrival (更正车牌)."""
    require_status(order.status, "correct_plate")
    if order.vehicle == vehicle:
        return order, []
    event = PlateCorrected(
        store_id=order.store_id,
        order_id=order.order_id,
        plate_ref=vehicle.plate_ref,
        vehicle_ref=vehicle.vehicle_ref,
    )
    corrected = replace(order, plate_ref=vehicle.plate_ref, vehicle_ref=vehicle.vehicle_ref)
    return corrected, [event]


def greeting_sort_key(order: Order) -> tuple[bool, datetime, int]:
    """Return the sort key of receiving customers: appointments first, then by arrival."""
    return order.appointment_id is None, order.arrived_at, order.queue_number


def greet(order: Order, advisor_id: str, now: datetime) -> tuple[Order, list[CustomerGreeted]]:
    """Record that an advisor receives the customer; a customer is greeted only once."""
    require_status(order.status, "greet")
    greeted = replace(order, status="greeted", advisor_id=advisor_id, greeted_at=now)
    event = CustomerGreeted(
        store_id=order.store_id, order_id=order.order_id, advisor_id=advisor_id, greeted_at=now
    )
    return greeted, [event]


def assign(
    order: Order, advisor_id: str, assigned_by: str, now: datetime
) -> tuple[Order, list[AdvisorAssigned]]:
    """Assign the customer to another advisor; before the greeting, this sets whose turn it is."""
    require_status(order.status, "assign")
    event = AdvisorAssigned(
        store_id=order.store_id,
        order_id=order.order_id,
        advisor_id=advisor_id,
        assigned_by=assigned_by,
        assigned_at=now,
    )
    return replace(order, advisor_id=advisor_id), [event]


def greeting_overdue(order: Order) -> list[GreetingOverdue]:
    """Return an event if the limit has passed and no advisor has greeted the customer."""
    if order.status != "arrived":
        return []
    return [
        GreetingOverdue(
            store_id=order.store_id,
            order_id=order.order_id,
            queue_number=order.queue_number,
            due_at=order.greeting_due_at,
        )
    ]


def open_order(
    order: Order,
    write_up: WriteUp,
    promise: Promise,
    *,
    known_odometer_km: int,
    agreed: AgreedEstimate,
    now: datetime,
) -> tuple[Order, list[OrderOpened]]:
    """Open the repair order with its promise and what the customer has agreed to.

    It stays with the advisor who is responsible for it.
    """
    check_may_open(
        order, write_up.odometer_km, known_odometer_km, write_up.odometer_discrepancy_reason
    )
    opened = replace(
        order,
        status="opened",
        customer_ref=write_up.customer_ref,
        vehicle_ref=write_up.vehicle_ref,
        odometer_km=write_up.odometer_km,
        odometer_discrepancy_reason=write_up.odometer_discrepancy_reason,
        fuel_or_charge_percent=write_up.fuel_or_charge_percent,
        walkaround_damages=write_up.walkaround_damages,
        waiting_customer=write_up.waiting_customer,
        symptoms=write_up.symptoms,
        hold_id=promise.hold_id,
        opened_at=now,
        promised_at=promise.promised_at,
        promise_provisional=promise.provisional,
    )
    event = OrderOpened(
        store_id=order.store_id,
        order_id=order.order_id,
        advisor_id=order.advisor_id or "",
        customer_ref=write_up.customer_ref,
        vehicle_ref=write_up.vehicle_ref,
        odometer_km=write_up.odometer_km,
        odometer_discrepancy_reason=write_up.odometer_discrepancy_reason,
        fuel_or_charge_percent=write_up.fuel_or_charge_percent,
        walkaround_damages=write_up.walkaround_damages,
        symptoms=write_up.symptoms,
        labor_operations=order.labor_operations,
        lines=order.lines,
        estimate_cents=order.estimate_cents,
        estimate_version=agreed.version,
        authorization_channel=agreed.channel,
        promised_at=promise.promised_at,
        promise_confidence=promise.confidence,
        promise_provisional=promise.provisional,
        hold_id=promise.hold_id,
        appointment_id=order.appointment_id,
        waiting_customer=write_up.waiting_customer,
        rush=write_up.rush,
        opened_at=now,
    )
    return opened, [event]


def link_customer(order: Order, customer_ref: str) -> tuple[Order, list[OrderCustomerLinked]]:
    """Link the order to the customer now in customer records (客户补录)."""
    event = OrderCustomerLinked(
        store_id=order.store_id, order_id=order.order_id, customer_ref=customer_ref
    )
    return replace(order, customer_ref=customer_ref), [event]


def check_may_open(
    order: Order,
    odometer_km: int,
    known_odometer_km: int,
    replacement: OdometerDiscrepancyReason | None = None,
) -> None:
    """Refuse to open an order in a wrong status, or with an odometer decrease without a reason."""
    require_status(order.status, "open")
    if odometer_km < known_odometer_km and replacement is None:
        raise errors.odometer_backwards(odometer_km, known_odometer_km)


def confirm_promise(
    order: Order, promisable: Sequence[datetime]
) -> tuple[Order, list[PromisedTimeRevised]]:
    """Record that the workshop has planned a job of an order with a provisional promise.

    With the last one the promise is confirmed, or revised to the latest of the ``promisable`` times
    that the workshop has published.
    """
    planned = promisable and len(promisable) >= len(order.labor_operations)
    if not (order.promise_provisional and planned):
        return order, []
    latest = max(promisable)
    confirmed = replace(order, promise_provisional=False)
    if order.promised_at is not None and latest <= order.promised_at:
        return confirmed, []
    event = PromisedTimeRevised(
        store_id=order.store_id,
        order_id=order.order_id,
        promised_at=latest,
        reason="workshop_returned",
    )
    return replace(confirmed, promised_at=latest), [event]


def start_work(order: Order) -> Order:
    """Record that the workshop has begun the work."""
    return replace(order, status="in_progress") if order.status == "opened" else order


def finish_work(order: Order, ready_at: datetime, finished: Iterable[str]) -> Order:
    """Record the workshop's report that the vehicle is ready.

    Additional work that was authorized in the meantime is not among the ``finished`` operations;
    then the vehicle is not ready yet.
    """
    ordered = Counter(operation.op_code for operation in order.labor_operations)
    if order.status not in ("opened", "in_progress") or ordered - Counter(finished):
        return order
    return replace(order, status="ready", ready_at=ready_at, risk=None)


def after_delivery(order: Order) -> Order:
    """Close a delivered order (结清) when the customer owes nothing."""
    if order.delivered_at is None:
        return order
    return replace(order, status="delivered" if order.balance_cents else "closed")


def cancel(
    order: Order, reason: CancellationReason, appointment_hold_id: str | None
) -> tuple[Order, list[OrderCancelled]]:
    """Cancel a visit before any work was done, and release what was reserved for it.

    ``appointment_hold_id`` is the hold of an appointment that no order has taken over.
    """
    require_status(order.status, "cancel")
    if order.deposit_cents:
        raise errors.deposit_held(order.deposit_cents)
    event = OrderCancelled(
        store_id=order.store_id,
        order_id=order.order_id,
        reason=reason,
        hold_id=order.hold_id or appointment_hold_id,
    )
    return replace(order, status="cancelled"), [event]
