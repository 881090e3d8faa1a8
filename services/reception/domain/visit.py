"""Customer's visit (到店): arrival, greeting, and what the advisor records of the vehicle."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.reception.domain.lifecycle import RepairOrderStatus, require_status
from services.reception.domain.vehicle import VehicleIdentity
from shared.contracts.reception import (
    AdvisorAssigned,
    GreetingOverdue,
    OdometerDiscrepancyReason,
    OrderCustomerLinked,
    PlateCorrected,
    WalkaroundDamage,
)
from shared.contracts.versioned import Versioned


@dataclass(frozen=True)
class Visit(Versioned):
    """One visit of one vehicle to the store; times in UTC.

    ``vehicle_ref`` is the vehicle that its plate told at the arrival, then the one that the order
    was opened for; ``vehicle_identified``: customer records have named it.
    """

    store_id: str
    order_id: str
    queue_number: int
    plate_ref: str
    vehicle_ref: str
    arrived_at: datetime
    greeting_due_at: datetime
    vehicle_identified: bool = False
    appointment_id: str | None = None
    advisor_id: str | None = None
    greeted_at: datetime | None = None
    customer_ref: str | None = None
    odometer_km: int | None = None
    odometer_discrepancy_reason: OdometerDiscrepancyReason | None = None
    fuel_or_charge_percent: int | None = None
    walkaround_damages: tuple[WalkaroundDamage, ...] = ()
    waiting_customer: bool = False

    @property
    def vehicle(self) -> VehicleIdentity:
        return VehicleIdentity(self.plate_ref, self.vehicle_ref, self.vehicle_identified)


def correct_plate(
    visit: Visit, status: RepairOrderStatus, vehicle: VehicleIdentity
) -> tuple[Visit, Sequence[PlateCorrected]]:
    """Correct a plate that was recorded wrongly at the arrival (更正车牌)."""
    require_status(status, "correct_plate")
    if visit.vehicle == vehicle:
        return visit, []
    event = PlateCorrected(
        store_id=visit.store_id,
        order_id=visit.order_id,
        vehicle_ref=vehicle.vehicle_ref,
    )
    corrected = replace(
        visit,
        plate_ref=vehicle.plate_ref,
        vehicle_ref=vehicle.vehicle_ref,
        vehicle_identified=vehicle.identified,
    )
    return corrected, [event]


def greeting_sort_key(visit: Visit, *, has_priority: bool) -> tuple[bool, datetime, int]:
    """Return the sort key of receiving customers.

    Those with an appointment and those whose tier gives them a priority place come first, each
    group by arrival.
    """
    is_first = visit.appointment_id is not None or has_priority
    return not is_first, visit.arrived_at, visit.queue_number


def greeting_overdue(visit: Visit, status: RepairOrderStatus) -> list[GreetingOverdue]:
    """Return an event if the limit has passed and no advisor has greeted the customer."""
    if status != "arrived":
        return []
    return [
        GreetingOverdue(
            store_id=visit.store_id,
            order_id=visit.order_id,
            queue_number=visit.queue_number,
            due_at=visit.greeting_due_at,
        )
    ]


def assign(
    visit: Visit, status: RepairOrderStatus, advisor_id: str, assigned_by: str, now: datetime
) -> tuple[Visit, list[AdvisorAssigned]]:
    """Assign the customer to another advisor; before the greeting, this sets whose turn it is."""
    require_status(status, "assign")
    event = AdvisorAssigned(
        store_id=visit.store_id,
        order_id=visit.order_id,
        advisor_id=advisor_id,
        assigned_by=assigned_by,
        assigned_at=now,
    )
    return replace(visit, advisor_id=advisor_id), [event]


def link_customer(
    visit: Visit, customer_ref: str, vehicle_ref: str
) -> tuple[Visit, list[OrderCustomerLinked]]:
    """Link the visit to the customer and the vehicle now in customer records (客户补录)."""
    event = OrderCustomerLinked(
        store_id=visit.store_id,
        order_id=visit.order_id,
        customer_ref=customer_ref,
        vehicle_ref=vehicle_ref,
    )
    linked = replace(
        visit, customer_ref=customer_ref, vehicle_ref=vehicle_ref, vehicle_identified=True
    )
    return linked, [event]
