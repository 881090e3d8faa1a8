"""Appointments (预约)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from services.reception.domain import errors
from shared.contracts.reception import AppointmentBooked, AppointmentCancelled
from shared.contracts.refusal import Refused


@dataclass(frozen=True)
class Appointment:
    """A customer's place at a time, with the capacity hold behind it."""

    appointment_id: str
    store_id: str
    plate_ref: str
    planned_at: datetime
    operations: tuple[str, ...]
    hold_id: str | None
    status: Literal["booked", "arrived", "cancelled"]


def book(
    *,
    appointment_id: str,
    store_id: str,
    plate_ref: str,
    planned_at: datetime,
    operations: tuple[str, ...],
    hold_id: str | None,
    now: datetime,
) -> tuple[Appointment, list[AppointmentBooked]]:
    """Give the customer a place."""
    if planned_at <= now:
        raise errors.in_the_past("planned_at", planned_at)
    appointment = Appointment(
        appointment_id, store_id, plate_ref, planned_at, operations, hold_id, "booked"
    )
    event = AppointmentBooked(
        store_id=store_id,
        appointment_id=appointment_id,
        plate_ref=plate_ref,
        planned_at=planned_at,
        operations=operations,
        hold_id=hold_id,
    )
    return appointment, [event]


def cancel(appointment: Appointment, reason: str) -> tuple[Appointment, list[AppointmentCancelled]]:
    """Give the place up."""
    _require_booked(appointment)
    event = AppointmentCancelled(
        store_id=appointment.store_id,
        appointment_id=appointment.appointment_id,
        reason=reason,
        hold_id=appointment.hold_id,
    )
    return replace(appointment, status="cancelled"), [event]


def keep(appointment: Appointment, plate_ref: str) -> Appointment:
    """The customer came."""
    _require_booked(appointment)
    if appointment.plate_ref != plate_ref:
        raise Refused(
            "another_vehicle",
            "The appointment was made for another vehicle.",
            field="appointment_id",
            kind="conflict",
        )
    return replace(appointment, status="arrived")


def _require_booked(appointment: Appointment) -> None:
    if appointment.status != "booked":
        raise errors.not_at_stage("appointment_id", appointment.status, "booked")
