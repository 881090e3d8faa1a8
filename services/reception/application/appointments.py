"""Appointments (预约): booked, moved, cancelled."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.application.appointment_offers import (
    NO_PLACE,
    OffersRequest,
    OpCodes,
    find_offers,
    start_window,
)
from services.reception.application.appointment_timers import (
    cancel_timers,
    schedule_timers,
    set_confirmation,
)
from services.reception.application.cancellations import CancelRequest, keep_cancellation
from services.reception.application.customers import check_customer
from services.reception.application.deps import Deps
from services.reception.application.opening_hours import opening_days
from services.reception.application.work import PartLine
from services.reception.clients.workshop import Caller, WorkshopUnavailableError
from services.reception.domain import appointment as appointments
from services.reception.domain import errors
from services.reception.domain import vehicle as vehicles
from services.reception.domain.appointment import Appointment, Place, Status
from services.reception.domain.estimate import PartQuantity, RequestedWork, estimate
from shared.contracts.base import Identifier, Timestamp
from shared.contracts.management import AppointmentRules
from shared.contracts.reception import RequestedPart
from shared.contracts.versioned import require_version
from shared.contracts.violations import RuleViolation
from shared.db import Connection
from shared.formats import Plate
from shared.group import Store
from shared.ids import new_id
from shared.problems import Problem
from shared.request_model import RequestModel, Version, VersionedRequest
from shared.security import Principal
from shared.sharing import log_cross_store_access
from shared.unit_of_work import UnitOfWork
from shared.working_calendar import WorkingCalendar


class Booking(RequestModel):
    """Data of an appointment to book.

    ``second_booking_confirmed``: the vehicle comes, although it has another appointment that day.
    """

    appointment_at: Timestamp
    second_booking_confirmed: bool = False


class RescheduleAppointmentRequest(VersionedRequest, Booking):
    """Request to move an appointment to another time."""


class BookAppointmentRequest(Booking):
    plate: Plate
    op_codes: OpCodes
    parts: Annotated[list[PartLine], Field(max_length=100)] = []
    customer_ref: Identifier | None = None


class AppointmentView(BaseModel):
    """Appointment as clients see it.

    ``provisional``: the workshop was unavailable; ``reschedule_required``: it has no room then, so
    move it; ``calendar_assumed``: the holidays of that year are not published yet.
    """

    appointment_id: str
    plate_ref: str
    customer_ref: str | None
    appointment_at: datetime
    op_codes: Sequence[str]
    parts: Sequence[RequestedPart]
    promised_at: datetime | None
    status: Status
    provisional: bool
    reschedule_required: bool
    calendar_assumed: bool
    version: Version


async def prepare_booking(
    command: BookAppointmentRequest, principal: Principal, caller: Caller, deps: Deps
) -> Place | None:
    """Have the workshop reserve the time; none while it is unavailable.

    Raises:
        RuleViolation: the store receives no customers then, or other times are available.
    """
    store_id = caller.store_id
    parts = tuple(PartQuantity(line.part_number, line.quantity) for line in command.parts)
    wanted = RequestedWork(tuple(command.op_codes), parts=parts)
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        day = store.local_day(command.appointment_at)
        prices = await deps.catalog.price_list(connection, store, wanted, day)
        rules = await deps.group.rules_today(connection, AppointmentRules, store_id)
    appointments.check_time(command.appointment_at, rules, deps.uow_factory.clock.now())
    estimate(prices, wanted)
    await check_customer(caller, command.customer_ref, deps)
    plate_ref = deps.personal.reference("plate", command.plate)
    async with deps.uow_factory.read(store_id) as connection:
        await _check_booked_once(connection, store_id, command, plate_ref, principal, deps)
    return await _place(caller, command.op_codes, command.appointment_at, None, deps)


async def book_appointment(
    uow: UnitOfWork,
    command: BookAppointmentRequest,
    place: Place | None,
    principal: Principal,
    deps: Deps,
) -> AppointmentView:
    """Book a time (预约) at the ``place`` that the workshop reserved."""
    plate_ref = deps.personal.reference("plate", command.plate)
    await persistence.lock_vehicle(uow.connection, plate_ref)
    await _check_booked_once(uow.connection, uow.store_id, command, plate_ref, principal, deps)
    rules = await deps.group.rules_today(uow.connection, AppointmentRules, uow.store_id)
    booked, events = appointments.book(
        appointment_id=str(new_id()),
        store_id=uow.store_id,
        plate_ref=plate_ref,
        appointment_at=command.appointment_at,
        op_codes=tuple(command.op_codes),
        parts=tuple(RequestedPart(**line.model_dump()) for line in command.parts),
        customer_ref=command.customer_ref,
        place=place,
        rules=rules,
        now=uow.now,
    )
    saved = await _save(uow, booked, deps)
    uow.publish(events)
    return await _view(uow.connection, saved, deps)


async def list_appointments(store_id: str, day: date | None, deps: Deps) -> list[AppointmentView]:
    """List the appointments of a day of the store, today where none is named."""
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        begin, end = store.day_bounds(day or deps.today(store))
        found = await persistence.list_appointments(connection, store_id, begin, end)
        return await view_appointments(connection, store, found, deps)


async def view_appointments(
    connection: Connection, store: Store, found: Sequence[Appointment], deps: Deps
) -> list[AppointmentView]:
    """Return appointments of a store as clients see them."""
    calendar = await deps.group.calendar(connection)
    return [_view_of(appointment, store, calendar) for appointment in found]


async def get_appointment(store_id: str, appointment_id: str, deps: Deps) -> AppointmentView:
    """Read one appointment."""
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.read_appointment(connection, store_id, appointment_id)
        return await _view(connection, found, deps)


async def prepare_move(
    appointment_id: str,
    command: RescheduleAppointmentRequest,
    principal: Principal,
    caller: Caller,
    deps: Deps,
) -> Place | None:
    """Have the workshop reserve another time in place of the old one; none while it is unavailable.

    Raises:
        RuleViolation: the appointment cannot be moved there, or other times are available.
    """
    store_id = caller.store_id
    async with deps.uow_factory.read(store_id) as connection:
        booked = await persistence.read_appointment(connection, store_id, appointment_id)
        await _check_booked_once(
            connection, store_id, command, booked.plate_ref, principal, deps, appointment_id
        )
        rules = await deps.group.rules_today(connection, AppointmentRules, store_id)
    require_version(booked, command.version)
    now = deps.uow_factory.clock.now()
    appointments.check_may_reschedule(booked, command.appointment_at, rules, now)
    return await _place(caller, booked.op_codes, command.appointment_at, booked.hold_id, deps)


async def reschedule_appointment(
    uow: UnitOfWork,
    appointment_id: str,
    command: RescheduleAppointmentRequest,
    place: Place | None,
    principal: Principal,
    deps: Deps,
) -> AppointmentView:
    """Reschedule the appointment (改期) to the ``place`` that the workshop reserved."""
    connection, store_id = uow.connection, uow.store_id
    before = await persistence.read_appointment(connection, store_id, appointment_id)
    await persistence.lock_vehicle(connection, before.plate_ref)
    await _check_booked_once(
        connection, store_id, command, before.plate_ref, principal, deps, appointment_id
    )
    booked = await persistence.lock_appointment(connection, store_id, appointment_id)
    require_version(booked, command.version)
    rules = await deps.group.rules_today(connection, AppointmentRules, store_id)
    moved, events = appointments.reschedule(booked, command.appointment_at, place, rules, uow.now)
    await cancel_timers(uow, appointment_id)
    saved = await _save(uow, moved, deps)
    uow.publish(events)
    return await _view(connection, saved, deps)


async def cancel_appointment(
    uow: UnitOfWork, appointment_id: str, command: CancelRequest, deps: Deps
) -> AppointmentView:
    """Cancel the appointment and release its hold."""
    booked = await persistence.lock_appointment(uow.connection, uow.store_id, appointment_id)
    require_version(booked, command.version)
    cancelled, events = appointments.cancel(booked, command.reason)
    saved = await persistence.save_appointment(uow, cancelled)
    await keep_cancellation(uow, appointment_id, command, deps)
    await cancel_timers(uow, appointment_id)
    uow.publish(events)
    return await _view(uow.connection, saved, deps)


async def _save(uow: UnitOfWork, appointment: Appointment, deps: Deps) -> Appointment:
    saved = await persistence.save_appointment(uow, appointment)
    await schedule_timers(uow, appointment, await deps.group.store(uow.connection, uow.store_id))
    if appointment.hold_id is None:
        await set_confirmation(uow, appointment)
    return saved


async def _place(
    caller: Caller,
    op_codes: Sequence[str],
    appointment_at: datetime,
    replaces: str | None,
    deps: Deps,
) -> Place | None:
    """Reserve workshop time; return None while the workshop is unavailable.

    Raises:
        RuleViolation: the store is closed or the place taken; with the next offers.
    """
    async with deps.uow_factory.read(caller.store_id) as connection:
        store = await deps.group.store(connection, caller.store_id)
        day = store.local_day(appointment_at)
        days = await opening_days(connection, store, [day], deps)
        rules = await deps.group.rules_today(connection, AppointmentRules, store.id)
    hours = days.on(day)
    try:
        hours.check_open(appointment_at)
    except RuleViolation as violation:
        raise await _with_next_offers(caller, op_codes, day, violation, deps) from None
    try:
        held = await deps.workshop.hold(
            caller,
            op_codes,
            start_window=start_window(appointment_at, rules),
            replaces=replaces,
        )
    except WorkshopUnavailableError:
        return None
    except Problem as problem:
        if problem.rule != NO_PLACE:
            raise
        taken = errors.slot_taken(problem.values["by"], problem.values["at"])
        raise await _with_next_offers(caller, op_codes, day, taken, deps) from None
    return Place(held.hold_id, held.promised_at)


async def _with_next_offers(
    caller: Caller,
    op_codes: Sequence[str],
    day: date,
    violation: RuleViolation,
    deps: Deps,
) -> RuleViolation:
    """Return the rejection of a time with the available times from its ``day`` on."""
    asked = OffersRequest(op_codes=list(op_codes), day_from=day)
    found = await find_offers(caller.token, caller.store_id, asked, deps)
    violation.values["offers"] = [offer.model_dump(mode="json") for offer in found.offers]
    return violation


async def _check_booked_once(
    connection: Connection,
    store_id: str,
    booking: Booking,
    plate_ref: str,
    principal: Principal,
    deps: Deps,
    appointment_id: str | None = None,
) -> None:
    """Require confirmation for a vehicle that a store of the group already expects that day."""
    if booking.second_booking_confirmed:
        return
    store = await deps.group.store(connection, store_id)
    day = store.day_bounds(store.local_day(booking.appointment_at))
    others = await persistence.other_bookings(connection, plate_ref, *day, appointment_id)
    log_cross_store_access(
        "appointments in other stores shown",
        principal,
        store_id,
        [other.store_id for other in others],
        plate_ref=plate_ref,
    )
    vehicles.check_booked_once(others)


async def _view(connection: Connection, appointment: Appointment, deps: Deps) -> AppointmentView:
    store = await deps.group.store(connection, appointment.store_id)
    return _view_of(appointment, store, await deps.group.calendar(connection))


def _view_of(appointment: Appointment, store: Store, calendar: WorkingCalendar) -> AppointmentView:
    return AppointmentView(
        **{name: getattr(appointment, name) for name in _VIEW_FIELDS},
        provisional=appointment.hold_id is None,
        calendar_assumed=calendar.is_assumed(store.local_day(appointment.appointment_at)),
    )


_VIEW_FIELDS = AppointmentView.model_fields.keys() - {"provisional", "calendar_assumed"}
