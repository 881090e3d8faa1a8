"""Timers of appointments: reminder, confirmation and no-show (R1)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import httpx

from services.reception import persistence
from services.reception.application.appointment_offers import start_window
from services.reception.application.deps import Deps
from services.reception.clients.workshop import Caller, WorkshopUnavailableError
from services.reception.domain import appointment as appointments
from services.reception.domain.appointment import Appointment, Place
from shared import timers
from shared.clients.crm.models import AppointmentReminder, AppointmentReminderMessage
from shared.contracts.management import AppointmentRules
from shared.group import Store
from shared.problems import Problem
from shared.timers import RetryLaterError, Timer
from shared.unit_of_work import UnitOfWork

NO_SHOW, REMINDER, CONFIRMATION = (
    "appointment_no_show",
    "appointment_reminder",
    "appointment_confirmation",
)


async def schedule_timers(uow: UnitOfWork, appointment: Appointment, store: Store) -> None:
    """Schedule the no-show check after the store's grace and the reminder for the day before."""
    grace = timedelta(minutes=store.appointment_grace_minutes)
    await _set(uow, NO_SHOW, appointment, appointment.appointment_at + grace)
    reminder_at = _reminder_at(appointment, store)
    if appointment.customer_ref and reminder_at > uow.now:
        await _set(uow, REMINDER, appointment, reminder_at)


async def set_confirmation(uow: UnitOfWork, appointment: Appointment) -> None:
    """Schedule the request for capacity, which is repeated until the workshop is available."""
    await _set(uow, CONFIRMATION, appointment, uow.now)


async def cancel_timers(uow: UnitOfWork, appointment_id: str) -> None:
    """Cancel all timers of the appointment."""
    for kind in (NO_SHOW, REMINDER, CONFIRMATION):
        await timers.cancel(uow, kind, appointment_id)


async def _set(uow: UnitOfWork, kind: str, appointment: Appointment, due_at: datetime) -> None:
    await timers.schedule(
        uow, kind, appointment.appointment_id, store_id=appointment.store_id, due_at=due_at
    )


def _reminder_at(appointment: Appointment, store: Store) -> datetime:
    day_before = store.local_day(appointment.appointment_at) - timedelta(days=1)
    return store.at(day_before, store.appointment_reminder).astimezone(UTC)


async def lock_appointment(uow: UnitOfWork, store_id: str, appointment_id: str) -> None:
    """Lock the appointment that a timer is about."""
    await persistence.lock_appointment(uow.connection, store_id, appointment_id)


async def miss_appointment(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Mark the appointment a no-show (爽约) and release its hold."""
    booked = await persistence.lock_appointment(uow.connection, timer.store_id, timer.entity_id)
    no_show, events = appointments.mark_no_show(booked)
    await persistence.save_appointment(uow, no_show)
    uow.publish(events)


async def send_reminder(store_id: str, appointment_id: str, deps: Deps) -> None:
    """Send the reminder (预约提醒), once however often it is tried."""
    async with deps.uow_factory.read(store_id) as connection:
        appointment = await persistence.read_appointment(connection, store_id, appointment_id)
        store = await deps.group.store(connection, store_id)
    if appointment.status != "booked" or appointment.customer_ref is None:
        return
    local = appointment.appointment_at.astimezone(store.timezone)
    await deps.crm.send_message(
        store_id,
        f"{appointment_id}:{local:%Y%m%d%H%M}",
        AppointmentReminderMessage(
            customer_ref=appointment.customer_ref,
            message_type="appointment_reminder",
            about=appointment_id,
            values=AppointmentReminder(appointment_at=local),
        ),
    )


@dataclass(frozen=True)
class Confirmation:
    """Workshop's response about a time that was booked while it was unavailable."""

    appointment_at: datetime
    place: Place | None
    reason: str = ""


async def ask_for_place(store_id: str, appointment_id: str, deps: Deps) -> Confirmation | None:
    """Reserve the time that was booked while the workshop was unavailable.

    Raises:
        RetryLaterError: it is still unavailable.
    """
    appointment = await _read(store_id, appointment_id, deps)
    appointment_at = appointment.appointment_at
    if appointment.status != "booked" or appointment.hold_id is not None:
        return None
    try:
        token = await deps.credentials.token(store_id)
    except httpx.HTTPError as error:
        raise RetryLaterError(f"identity provider: {type(error).__name__}") from error
    async with deps.uow_factory.read(store_id) as connection:
        rules = await deps.group.rules_today(connection, AppointmentRules, store_id)
    try:
        held = await deps.workshop.hold(
            Caller(store_id, token, f"{appointment_id}:{appointment_at.isoformat()}"),
            appointment.op_codes,
            start_window=start_window(appointment_at, rules),
        )
    except WorkshopUnavailableError as error:
        raise RetryLaterError(f"workshop: {error}") from error
    except Problem as problem:
        if problem.status != HTTPStatus.CONFLICT:
            raise
        return Confirmation(appointment_at, None, problem.rule)
    return Confirmation(appointment_at, Place(held.hold_id, held.promised_at))


async def confirm_appointment(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Apply the workshop's response.

    An appointment that was moved in the meantime is left to its own request.
    """
    response: Confirmation | None = timer.prepared
    booked = await persistence.lock_appointment(uow.connection, timer.store_id, timer.entity_id)
    if response is None or response.appointment_at != booked.appointment_at:
        return
    confirmed, events = appointments.confirm(booked, response.place, response.reason)
    await persistence.save_appointment(uow, confirmed)
    uow.publish(events)


async def _read(store_id: str, appointment_id: str, deps: Deps) -> Appointment:
    async with deps.uow_factory.read(store_id) as connection:
        return await persistence.read_appointment(connection, store_id, appointment_id)
