"""Appointments (预约)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from services.reception.domain import errors
from shared.contracts import Event
from shared.contracts.reception import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentConfirmed,
    AppointmentMissed,
    AppointmentMoved,
    AppointmentUnplaced,
    CancellationReason,
    RequestedPart,
)
from shared.contracts.versioned import Versioned
from shared.contracts.violations import RuleViolation

Status = Literal["booked", "arrived", "cancelled", "missed"]
"""已预约、已到店、已取消、爽约."""

LATEST_START = timedelta(hours=1)
"""Work begins at most so long after the time that was booked."""

LONGEST_AHEAD = timedelta(days=60)
"""Nobody books further ahead."""


@dataclass(frozen=True)
class Place:
    """Reserved workshop time (产能预留) and the promise that rests on it."""

    hold_id: str
    promised_at: datetime


@dataclass(frozen=True)
class Appointment(Versioned):
    """A customer's visit at a time, with the capacity hold behind it.

    Without ``hold_id`` it is provisional; ``unplaced`` says that the workshop has no room then.
    """

    appointment_id: str
    store_id: str
    plate_ref: str
    planned_at: datetime
    op_codes: tuple[str, ...]
    hold_id: str | None
    status: Status
    customer_ref: str | None = None
    parts: tuple[RequestedPart, ...] = ()
    promised_at: datetime | None = None
    unplaced: bool = False


def book(
    *,
    appointment_id: str,
    store_id: str,
    plate_ref: str,
    planned_at: datetime,
    op_codes: tuple[str, ...],
    parts: tuple[RequestedPart, ...],
    customer_ref: str | None,
    place: Place | None,
    now: datetime,
) -> tuple[Appointment, list[AppointmentBooked]]:
    """Give the customer a time, provisional without a ``place`` in the workshop."""
    check_time(planned_at, now)
    appointment = Appointment(
        appointment_id=appointment_id,
        store_id=store_id,
        plate_ref=plate_ref,
        planned_at=planned_at,
        op_codes=op_codes,
        hold_id=place.hold_id if place else None,
        status="booked",
        customer_ref=customer_ref,
        parts=parts,
        promised_at=place.promised_at if place else None,
    )
    event = AppointmentBooked(
        store_id=store_id,
        appointment_id=appointment_id,
        plate_ref=plate_ref,
        planned_at=planned_at,
        op_codes=op_codes,
        hold_id=appointment.hold_id,
        customer_ref=customer_ref,
        parts=parts,
        promised_at=appointment.promised_at,
    )
    return appointment, [event]


def check_time(planned_at: datetime, now: datetime) -> None:
    """Refuse a time that has passed or is too far ahead."""
    if planned_at <= now:
        raise errors.in_the_past("planned_at", planned_at)
    if planned_at > now + LONGEST_AHEAD:
        raise errors.too_far_ahead("planned_at", LONGEST_AHEAD.days)


def check_may_move(appointment: Appointment, planned_at: datetime, now: datetime) -> None:
    """Refuse to move what is over, or into the past."""
    _require_booked(appointment)
    check_time(planned_at, now)


def move(
    appointment: Appointment,
    planned_at: datetime,
    place: Place | None,
    now: datetime,
) -> tuple[Appointment, list[AppointmentMoved]]:
    """The customer comes at another time; the old place is given back with the event."""
    check_may_move(appointment, planned_at, now)
    moved = replace(
        appointment,
        planned_at=planned_at,
        hold_id=place.hold_id if place else None,
        promised_at=place.promised_at if place else None,
        unplaced=False,
    )
    event = AppointmentMoved(
        store_id=appointment.store_id,
        appointment_id=appointment.appointment_id,
        planned_at=planned_at,
        hold_id=moved.hold_id,
        replaced_hold_id=appointment.hold_id,
        promised_at=moved.promised_at,
    )
    return moved, [event]


def confirm(
    appointment: Appointment, place: Place | None, reason: str = ""
) -> tuple[Appointment, Sequence[Event]]:
    """The workshop is back: it has a place for what was booked meanwhile, or none for a reason."""
    if appointment.status != "booked" or appointment.hold_id is not None:
        return appointment, []
    about = {"store_id": appointment.store_id, "appointment_id": appointment.appointment_id}
    if place is None:
        unplaced = AppointmentUnplaced(**about, planned_at=appointment.planned_at, reason=reason)
        return replace(appointment, unplaced=True), [unplaced]
    confirmed = replace(appointment, hold_id=place.hold_id, promised_at=place.promised_at)
    return confirmed, [
        AppointmentConfirmed(**about, hold_id=place.hold_id, promised_at=place.promised_at)
    ]


def cancel(
    appointment: Appointment, reason: CancellationReason
) -> tuple[Appointment, list[AppointmentCancelled]]:
    """Give the place up."""
    _require_booked(appointment)
    event = AppointmentCancelled(
        store_id=appointment.store_id,
        appointment_id=appointment.appointment_id,
        reason=reason,
        hold_id=appointment.hold_id,
    )
    return replace(appointment, status="cancelled"), [event]


def miss(appointment: Appointment) -> tuple[Appointment, list[AppointmentMissed]]:
    """The grace is over: whoever has not come by now comes without an appointment."""
    if appointment.status != "booked":
        return appointment, []
    event = AppointmentMissed(
        store_id=appointment.store_id,
        appointment_id=appointment.appointment_id,
        planned_at=appointment.planned_at,
        hold_id=appointment.hold_id,
    )
    return replace(appointment, status="missed"), [event]


def check_in(appointment: Appointment, plate_ref: str) -> Appointment:
    """The customer came."""
    _require_booked(appointment)
    if appointment.plate_ref != plate_ref:
        raise RuleViolation(
            "another_vehicle",
            "The appointment was made for another vehicle.",
            field="appointment_id",
            kind="conflict",
        )
    return replace(appointment, status="arrived")


def _require_booked(appointment: Appointment) -> None:
    if appointment.status != "booked":
        raise errors.invalid_status("appointment_id", appointment.status, "booked")
