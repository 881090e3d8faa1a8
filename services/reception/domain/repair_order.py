"""Repair order (维修工单): the agreed work, its promise, and the delivery."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.reception.domain import errors
from services.reception.domain.estimate import payable_cents
from services.reception.domain.lifecycle import RepairOrderStatus, require_status
from shared.contracts.base import Cents, EventPart
from shared.contracts.reception import (
    CancellationReason,
    DeliveryStep,
    DeliveryWaiver,
    DiscountReason,
    EstimateLine,
    LaborOperation,
    OrderCancelled,
)
from shared.contracts.versioned import Versioned


class Discount(EventPart):
    """Discount on what the customer pays; without ``approved_by`` it is only requested."""

    amount_cents: Cents
    reason: DiscountReason
    requested_by: str
    approved_by: str | None = None


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


@dataclass(frozen=True)
class RepairOrder(Versioned):
    """Work of one visit. Money in integer cents, times in UTC.

    ``lines`` and ``labor_operations`` are what the customer has agreed to, ``estimate_cents`` their
    sum; ``estimate_count`` counts versions of the estimate, ``awaiting_estimates`` those that the
    customer has yet to decide on. The ``discount`` is on the agreed lines. ``step_bases`` keeps for
    each delivery step what it was done or left out for.
    """

    store_id: str
    order_id: str
    status: RepairOrderStatus
    symptoms: tuple[str, ...] = ()
    labor_operations: tuple[LaborOperation, ...] = ()
    lines: tuple[EstimateLine, ...] = ()
    estimate_cents: int = 0
    estimate_count: int = 0
    awaiting_estimates: int = 0
    discount: Discount | None = None
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

    @property
    def agreed_payable_cents(self) -> int:
        """Customer's amount of the agreed lines, less the approved discount."""
        agreed = payable_cents(self.lines)
        if self.discount and self.discount.approved_by:
            return agreed - self.discount.amount_cents
        return agreed

    @property
    def finished_work(self) -> tuple[str, ...]:
        """Finished work and fitted parts, and the time when the vehicle was ready with it."""
        items = sorted(f"{line.code} {line.quantity}" for line in self.lines)
        return self.ready_at.isoformat() if self.ready_at else "", *items


def start_work(repair_order: RepairOrder) -> RepairOrder:
    """Record that the workshop has begun the work."""
    if repair_order.status != "opened":
        return repair_order
    return replace(repair_order, status="in_progress")


def finish_work(
    repair_order: RepairOrder, ready_at: datetime, finished: Iterable[str]
) -> RepairOrder:
    """Record the workshop's report that the vehicle is ready.

    Additional work that was authorized in the meantime is not among the ``finished`` operations;
    then the vehicle is not ready yet.
    """
    ordered = Counter(operation.op_code for operation in repair_order.labor_operations)
    is_open = repair_order.status in ("opened", "in_progress")
    if not is_open or ordered - Counter(finished):
        return repair_order
    return replace(repair_order, status="ready", ready_at=ready_at, risk=None)


def after_delivery(repair_order: RepairOrder, balance_cents: int) -> RepairOrder:
    """Close a delivered order (结清) when the customer owes nothing."""
    if repair_order.delivered_at is None:
        return repair_order
    return replace(repair_order, status="delivered" if balance_cents else "closed")


def cancel(
    repair_order: RepairOrder,
    deposit_cents: int,
    reason: CancellationReason,
    appointment_hold_id: str | None,
) -> tuple[RepairOrder, list[OrderCancelled]]:
    """Cancel a visit before any work was done, and release what was reserved for it.

    ``appointment_hold_id`` is the hold of an appointment that no order has taken over.

    Raises:
        RuleViolation: work has begun, or the customer's deposit is still held.
    """
    require_status(repair_order.status, "cancel")
    if deposit_cents:
        raise errors.deposit_held(deposit_cents)
    event = OrderCancelled(
        store_id=repair_order.store_id,
        order_id=repair_order.order_id,
        reason=reason,
        hold_id=repair_order.hold_id or appointment_hold_id,
    )
    return replace(repair_order, status="cancelled"), [event]
