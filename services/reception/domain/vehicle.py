"""Vehicle (车辆) behind arrivals, appointments and orders; it is in one place at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.reception.domain import errors
from services.reception.domain.lifecycle import RepairOrderStatus


@dataclass(frozen=True)
class VehicleIdentity:
    """Vehicle identity: the plate that it has now, and its reference, minted at first sight.

    A plate moves to its owner's next car; the reference stays with the car. It is ``identified``
    once customer records have named it; until then the plate counts as well.
    """

    plate_ref: str
    vehicle_ref: str
    identified: bool


@dataclass(frozen=True)
class OpenVisit:
    """A visit of the vehicle, to any store of the group, that has not ended (在店)."""

    store_id: str
    order_id: str
    status: RepairOrderStatus
    queue_number: int
    arrived_at: datetime


@dataclass(frozen=True)
class OtherBooking:
    """An appointment of the same plate, in any store of the group, that is still to come."""

    store_id: str
    appointment_id: str
    appointment_at: datetime


def check_not_in_store(
    visits: Sequence[OpenVisit], store_id: str, order_id: str | None = None
) -> None:
    """Refuse a vehicle that has an open order in this store, other than ``order_id``."""
    for visit in visits:
        if visit.store_id == store_id and visit.order_id != order_id:
            raise errors.vehicle_already_here(visit.order_id, visit.queue_number, visit.status)


def check_not_elsewhere(visits: Sequence[OpenVisit], store_id: str) -> None:
    """Require confirmation for a vehicle that another store has as not left."""
    for visit in visits:
        if visit.store_id != store_id:
            raise errors.vehicle_elsewhere(visit.store_id, visit.arrived_at)


def check_booked_once(others: Sequence[OtherBooking]) -> None:
    """Require confirmation for a vehicle that has another appointment on the same day."""
    for other in others:
        raise errors.booked_already(other.store_id, other.appointment_at)


def check_same_plate(arrived_plate_ref: str, opened_plate_ref: str | None) -> None:
    """Refuse to open an order for another vehicle than the one that arrived."""
    if opened_plate_ref != arrived_plate_ref:
        raise errors.not_the_vehicle_that_arrived()
