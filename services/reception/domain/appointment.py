"""Appointments (预约)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from services.reception.domain import errors
from shared.contracts import Event
from shared.contracts.management import AppointmentRules
from shared.contracts.reception import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentConfirmed,
    AppointmentNoShow,
    AppointmentRescheduled,
    AppointmentRescheduleRequired,
    CancellationReason,
    RequestedPart,
)
from shared.contracts.versioned import Versioned
from shared.contracts.violations import RuleViolation

Status = Literal["booked", "arrived", "cancelled", "no_show"]
"""已预约、已到店、已取消、爽约."""


@dataclass(frozen=True)
class Place:
    """Reserved workshop time (产能预留) and the promise that rests on it."""

    hold_id: str
    promised_at: datetime


@dataclass(frozen=True)
class Appointment(Versioned):
    """Customer's appointment, with the capacity hold behind it.

    Without ``hold_id`` it is provisional; ``reschedule_required`` says that the workshop has no
    room then.
    """

    appointment_id: str
    store_id: str
    plate_ref: str
    appointment_at: datetime
    op_codes: tuple[str, ...]
    hold_id: str | None
    status: Status
    customer_ref: str | None = None
    parts: tuple[RequestedPart, ...] = ()
    promised_at: datetime | None = None
    reschedule_required: bool = False


def book(
    *,
    appointment_id: str,
    store_id: str,
    plate_ref: str,
    appointment_at: datetime,
    op_codes: tuple[str, ...],
    parts: tuple[RequestedPart, ...],
    customer_ref: str | None,
    place: Place | None,
    rules: AppointmentRules,
    now: datetime,
) -> tuple[Appointment, list[AppointmentBooked]]:
    """Book an appointment; without a ``place`` in the workshop it is provisional."""
    check_time(appointment_at, rules, now)
    appointment = Appointment(
        appointment_id=appointment_id,
        store_id=store_id,
        plate_ref=plate_ref,
        appointment_at=appointment_at,
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
        appointment_at=appointment_at,
        op_codes=op_codes,
        hold_id=appointment.hold_id,
        customer_ref=customer_ref,
        parts=parts,
        promised_at=appointment.promised_at,
    )
    return appointment, [event]


def check_time(appointment_at: datetime, rules: AppointmentRules, now: datetime) -> None:
    """Refuse a time that has passed or is too far ahead."""
    if appointment_at <= now:
        raise errors.in_the_past("appointment_at", appointment_at)
    if appointment_at > now + timedelta(days=rules.days_ahead):
        raise errors.too_far_ahead("appointment_at", rules.days_ahead)


def check_may_reschedule(
    appointment: Appointment, appointment_at: datetime, rules: AppointmentRules, now: datetime
) -> None:
    """Refuse to move an appointment that is over, or to move one into the past."""
    _require_booked(appointment)
    check_time(appointment_at, rules, now)


def reschedule(
    appointment: Appointment,
    appointment_at: datetime,
    place: Place | None,
    rules: AppointmentRules,
    now: datetime,
) -> tuple[Appointment, list[AppointmentRescheduled]]:
    """Reschedule the appointment; its event releases the old hold."""
    check_may_reschedule(appointment, appointment_at, rules, now)
    moved = replace(
        appointment,
        appointment_at=appointment_at,
        hold_id=place.hold_id if place else None,
        promised_at=place.promised_at if place else None,
        reschedule_required=False,
    )
    event = AppointmentRescheduled(
        store_id=appointment.store_id,
        appointment_id=appointment.appointment_id,
        appointment_at=appointment_at,
        hold_id=moved.hold_id,
        replaced_hold_id=appointment.hold_id,
        promised_at=moved.promised_at,
    )
    return moved, [event]


def confirm(
    appointment: Appointment, place: Place | None, reason: str = ""
) -> tuple[Appointment, Sequence[Event]]:
    """Confirm a provisional appointment with the place that the workshop now reserves.

    Without a place, the ``reason`` is published and the appointment has to be rescheduled.
    """
    if appointment.status != "booked" or appointment.hold_id is not None:
        return appointment, []
    about = {"store_id": appointment.store_id, "appointment_id": appointment.appointment_id}
    if place is None:
        reschedule_required = AppointmentRescheduleRequired(
            **about, appointment_at=appointment.appointment_at, reason=reason
        )
        return replace(appointment, reschedule_required=True), [reschedule_required]
    confirmed = replace(appointment, hold_id=place.hold_id, promised_at=place.promised_at)
    return confirmed, [
        AppointmentConfirmed(**about, hold_id=place.hold_id, promised_at=place.promised_at)
    ]


def cancel(
    appointment: Appointment, reason: CancellationReason
) -> tuple[Appointment, list[AppointmentCancelled]]:
    """Cancel the appointment; its event releases the hold."""
    _require_booked(appointment)
    event = AppointmentCancelled(
        store_id=appointment.store_id,
        appointment_id=appointment.appointment_id,
        reason=reason,
        hold_id=appointment.hold_id,
    )
    return replace(appointment, status="cancelled"), [event]


def mark_no_show(appointment: Appointment) -> tuple[Appointment, list[AppointmentNoShow]]:
    """Mark the appointment a no-show after its grace.

    A customer who comes later comes without an appointment.
    """
    if appointment.status != "booked":
        return appointment, []
    event = AppointmentNoShow(
        store_id=appointment.store_id,
        appointment_id=appointment.appointment_id,
        appointment_at=appointment.appointment_at,
        hold_id=appointment.hold_id,
    )
    return replace(appointment, status="no_show"), [event]


def check_in(appointment: Appointment, plate_ref: str) -> Appointment:
    """Mark the customer as arrived for the appointment."""
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
