"""One order from the vehicle's arrival to the last payment: visit, repair order and account."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Any, Protocol

from services.reception.domain import errors
from services.reception.domain.account import OrderAccount
from services.reception.domain.lifecycle import RepairOrderStatus, require_status
from services.reception.domain.promise import Promise, promise_at_opening
from services.reception.domain.repair_order import RepairOrder
from services.reception.domain.vehicle import VehicleIdentity
from services.reception.domain.visit import Visit
from shared.contracts.reception import (
    Channel,
    CustomerGreeted,
    OdometerDiscrepancyReason,
    OrderOpened,
    VehicleArrived,
    WalkaroundDamage,
)
from shared.contracts.versioned import Versioned, version_conflict

LARGEST_ODOMETER_KM = 2_000_000

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Order:
    """Parts of one order (工单), each with its own version."""

    visit: Visit
    repair_order: RepairOrder
    account: OrderAccount

    @property
    def order_id(self) -> str:
        return self.repair_order.order_id

    @property
    def store_id(self) -> str:
        return self.repair_order.store_id

    @property
    def status(self) -> RepairOrderStatus:
        return self.repair_order.status

    @property
    def parts(self) -> tuple[Versioned, ...]:
        return self.visit, self.repair_order, self.account

    @property
    def version(self) -> str:
        """Versions of all parts, which name the present state."""
        return ".".join(str(part.version) for part in self.parts)

    @property
    def payable_cents(self) -> int:
        """Customer's amount of the invoice, else of the agreed lines less the discount."""
        if not self.account.is_invoiced:
            return self.repair_order.agreed_payable_cents
        splits = self.account.payer_splits
        return sum(split.amount_cents for split in splits if split.payer == "customer")

    @property
    def steps_to_repeat(self) -> list[str]:
        """Delivery steps done or left out for other work or another amount than is there now."""
        if self.repair_order.delivered_at:
            return []
        return [
            step
            for step, basis in self.repair_order.step_bases.items()
            if basis.work not in (None, self.repair_order.finished_work)
            or basis.payable_cents not in (None, self.payable_cents)
        ]


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
    vehicle_identified: bool
    odometer_km: int
    symptoms: tuple[str, ...]
    waiting_customer: bool
    rush: bool = False
    odometer_discrepancy_reason: OdometerDiscrepancyReason | None = None
    fuel_or_charge_percent: int | None = None
    walkaround_damages: tuple[WalkaroundDamage, ...] = ()


def require_seen(order: Order, seen: str, **present: Any) -> None:
    """Refuse to decide on an order that has changed since a person saw it.

    ``present`` says how it is now.

    Raises:
        RuleViolation: ``seen`` is not the present version; the violation names who made the last of
            the changes since, and when.
    """
    if order.version == seen:
        return
    numbers = seen.split(".")[: len(order.parts)]
    changed = [
        part for part, number in zip_longest(order.parts, numbers) if str(part.version) != number
    ]
    last = max(changed or order.parts, key=lambda part: (part.changed_at or _NEVER, part.version))
    raise version_conflict(order.version, last, **present)


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
    visit = Visit(
        store_id=store_id,
        order_id=order_id,
        queue_number=queue_number,
        plate_ref=vehicle.plate_ref,
        vehicle_ref=vehicle.vehicle_ref,
        vehicle_identified=vehicle.identified,
        appointment_id=appointment_id,
        arrived_at=now,
        greeting_due_at=now + greeting_limit,
    )
    event = VehicleArrived(
        store_id=store_id,
        order_id=order_id,
        queue_number=queue_number,
        vehicle_ref=vehicle.vehicle_ref,
        appointment_id=appointment_id,
        arrived_at=now,
        greeting_due_at=visit.greeting_due_at,
    )
    repair_order = RepairOrder(store_id, order_id, "arrived")
    return Order(visit, repair_order, OrderAccount(store_id, order_id)), [event]


def greet(
    visit: Visit, repair_order: RepairOrder, advisor_id: str, now: datetime
) -> tuple[Visit, RepairOrder, list[CustomerGreeted]]:
    """Record that an advisor receives the customer; a customer is greeted only once."""
    require_status(repair_order.status, "greet")
    event = CustomerGreeted(
        store_id=visit.store_id, order_id=visit.order_id, advisor_id=advisor_id, greeted_at=now
    )
    greeted = replace(visit, advisor_id=advisor_id, greeted_at=now)
    return greeted, replace(repair_order, status="greeted"), [event]


def open_order(
    visit: Visit,
    repair_order: RepairOrder,
    write_up: WriteUp,
    promise: Promise,
    *,
    known_odometer_km: int,
    agreed: AgreedEstimate,
    now: datetime,
) -> tuple[Visit, RepairOrder, list[OrderOpened]]:
    """Open the repair order with its promise and what the customer has agreed to.

    It stays with the advisor who is responsible for it.
    """
    check_may_open(
        repair_order.status,
        write_up.odometer_km,
        known_odometer_km,
        write_up.odometer_discrepancy_reason,
    )
    recorded = replace(
        visit,
        customer_ref=write_up.customer_ref,
        vehicle_ref=write_up.vehicle_ref,
        vehicle_identified=write_up.vehicle_identified,
        odometer_km=write_up.odometer_km,
        odometer_discrepancy_reason=write_up.odometer_discrepancy_reason,
        fuel_or_charge_percent=write_up.fuel_or_charge_percent,
        walkaround_damages=write_up.walkaround_damages,
        waiting_customer=write_up.waiting_customer,
    )
    opened = replace(
        promise_at_opening(repair_order, promise),
        status="opened",
        symptoms=write_up.symptoms,
        opened_at=now,
    )
    event = _opened_event(recorded, opened, promise, agreed, rush=write_up.rush, opened_at=now)
    return recorded, opened, [event]


def _opened_event(
    visit: Visit,
    repair_order: RepairOrder,
    promise: Promise,
    agreed: AgreedEstimate,
    *,
    rush: bool,
    opened_at: datetime,
) -> OrderOpened:
    return OrderOpened(
        store_id=visit.store_id,
        order_id=visit.order_id,
        advisor_id=visit.advisor_id or "",
        customer_ref=visit.customer_ref,
        vehicle_ref=visit.vehicle_ref,
        odometer_km=visit.odometer_km,
        odometer_discrepancy_reason=visit.odometer_discrepancy_reason,
        fuel_or_charge_percent=visit.fuel_or_charge_percent,
        walkaround_damages=visit.walkaround_damages,
        symptoms=repair_order.symptoms,
        labor_operations=repair_order.labor_operations,
        lines=repair_order.lines,
        estimate_cents=repair_order.estimate_cents,
        estimate_version=agreed.version,
        authorization_channel=agreed.channel,
        promised_at=promise.promised_at,
        promise_confidence=promise.confidence,
        promise_provisional=promise.provisional,
        hold_id=promise.hold_id,
        appointment_id=visit.appointment_id,
        waiting_customer=visit.waiting_customer,
        rush=rush,
        opened_at=opened_at,
    )


def check_may_open(
    status: RepairOrderStatus,
    odometer_km: int,
    known_odometer_km: int,
    replacement: OdometerDiscrepancyReason | None = None,
) -> None:
    """Refuse to open an order in a wrong status, or with an odometer decrease without a reason."""
    require_status(status, "open")
    if odometer_km < known_odometer_km and replacement is None:
        raise errors.odometer_backwards(odometer_km, known_odometer_km)
