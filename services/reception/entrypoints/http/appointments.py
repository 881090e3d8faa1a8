"""Appointments (预约)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.application.appointment_timers import (
    cancel_timers,
    schedule_timers,
    set_confirmation,
)
from services.reception.application.cancellations import Cancel, keep_cancellation
from services.reception.clients.workshop import WorkshopUnavailableError
from services.reception.domain import appointment as appointments
from services.reception.domain import errors
from services.reception.domain import vehicle as vehicles
from services.reception.domain.appointment import Appointment, Place, Status
from services.reception.domain.estimate import PartQuantity, WantedWork, estimate
from services.reception.entrypoints.http.access import (
    FrontOfficeCommand,
    FrontReader,
    caller_of,
    catalog_of,
    check_customer,
    deps_of,
    personal_of,
    store_router,
    workshop_of,
)
from services.reception.entrypoints.http.offers import (
    NO_PLACE,
    Offers,
    Wanted,
    find_offers,
    start_window,
)
from services.reception.entrypoints.http.work import DEFAULT_CONFIDENCE, PartLine
from shared.commands import CommandContext
from shared.contracts.base import Identifier, Moment
from shared.contracts.reception import WantedPart
from shared.contracts.versioned import require_version
from shared.contracts.violations import RuleViolation
from shared.db import Connection, transaction
from shared.duties import serves
from shared.formats import Plate
from shared.group import CalendarDay
from shared.ids import new_id
from shared.problems import Problem
from shared.request_model import RequestModel, Seen, Version
from shared.security import Principal, require_roles
from shared.sharing import log_cross_store_access
from shared.unit_of_work import UnitOfWork

router = store_router()

_NEXT_DAYS, _NEXT_OFFERS = 3, 4

Operations = Annotated[list[Identifier], Field(min_length=1, max_length=20)]


class AskForOffers(RequestModel):
    """What is to be done; ``day_from`` is a day of the store, today where it is left out."""

    operations: Operations
    day_from: CalendarDay | None = None
    days: Annotated[int, Field(ge=1, le=14)] = _NEXT_DAYS
    count: Annotated[int, Field(ge=1, le=8)] = _NEXT_OFFERS
    confidence: Annotated[float, Field(ge=0.5, le=0.99)] = DEFAULT_CONFIDENCE


class Booking(RequestModel):
    """``second_booking_confirmed``: the vehicle comes, although it has another appointment that
    day."""

    planned_at: Moment
    second_booking_confirmed: bool = False


class MoveAppointment(Seen, Booking):
    """Another time."""


class BookAppointment(Booking):
    plate: Plate
    operations: Operations
    parts: Annotated[list[PartLine], Field(max_length=100)] = []
    customer_ref: Identifier | None = None


class AppointmentView(BaseModel):
    """``provisional``: the workshop was unavailable; ``unplaced``: it has no room then, so move it;
    ``calendar_assumed``: the holidays of that year are not published yet."""

    appointment_id: str
    plate_ref: str
    customer_ref: str | None
    planned_at: datetime
    operations: Sequence[str]
    parts: Sequence[WantedPart]
    promised_at: datetime | None
    status: Status
    provisional: bool
    unplaced: bool
    calendar_assumed: bool
    version: Version


@router.post("/appointments/offers", tags=["appointments"], openapi_extra=serves("R1", "R11"))
async def offer_times(
    request: Request,
    store_id: str,
    body: AskForOffers,
    principal: Annotated[Principal, Depends(require_roles("advisor", "manager", "agent"))],
) -> Offers:
    """Times at which the workshop has room, quiet hours first (错峰预约); nothing is reserved."""
    _check_known(request, store_id, body.operations, ())
    return await find_offers(request, principal, _wanted(request, store_id, body))


@router.post(
    "/appointments",
    status_code=201,
    response_model=AppointmentView,
    tags=["appointments"],
    openapi_extra=serves("R1"),
)
async def book_appointment(
    request: Request, body: BookAppointment, command: FrontOfficeCommand
) -> JSONResponse:
    """Book a time (预约) that the workshop reserves; refused with other offers when it is full."""
    if previous := await command.previous_response():
        return previous
    appointments.check_time(body.planned_at, request.app.state.service.clock.now())
    _check_known(request, command.store_id, body.operations, body.parts)
    await check_customer(request, command, body.customer_ref)
    plate_ref = personal_of(request).reference("plate", body.plate)
    async with transaction(request.app.state.uow_factory.pool, [command.store_id]) as connection:
        await _check_booked_once(request, connection, command, body, plate_ref)
    place = await _place(request, command, body.operations, body.planned_at, None)

    async def use_case(uow: UnitOfWork) -> BaseModel:
        await persistence.lock_vehicle(uow.connection, plate_ref)
        await _check_booked_once(request, uow.connection, command, body, plate_ref)
        booked, events = appointments.book(
            appointment_id=str(new_id()),
            store_id=command.store_id,
            plate_ref=plate_ref,
            planned_at=body.planned_at,
            operations=tuple(body.operations),
            parts=tuple(WantedPart(**line.model_dump()) for line in body.parts),
            customer_ref=body.customer_ref,
            place=place,
            now=uow.now,
        )
        saved = await _save(request, uow, command, booked)
        uow.publish(events, command.causation)
        return appointment_view(request, saved)

    return await command.run(use_case, status=201)


@router.get("/appointments", tags=["appointments"], openapi_extra=serves("R1"))
async def list_appointments(
    request: Request, store_id: str, _: FrontReader, day: CalendarDay | None = None
) -> list[AppointmentView]:
    """The appointments of a day of the store, today where none is named."""
    place = catalog_of(request).stores[store_id]
    begin, end = place.day_bounds(day or place.local_day(request.app.state.service.clock.now()))
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        found = await persistence.list_appointments(connection, store_id, begin, end)
    return [appointment_view(request, appointment) for appointment in found]


@router.get("/appointments/{appointment_id}", tags=["appointments"], openapi_extra=serves("R1"))
async def get_appointment(
    request: Request, store_id: str, appointment_id: str, _: FrontReader
) -> AppointmentView:
    """One appointment."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        found = await persistence.read_appointment(connection, store_id, appointment_id)
    return appointment_view(request, found)


@router.post(
    "/appointments/{appointment_id}/move",
    response_model=AppointmentView,
    tags=["appointments"],
    openapi_extra=serves("R1"),
)
async def move_appointment(
    request: Request, appointment_id: str, body: MoveAppointment, command: FrontOfficeCommand
) -> JSONResponse:
    """The customer comes at another time (改期); the old place is kept until the new one is had."""
    if previous := await command.previous_response():
        return previous
    now = request.app.state.service.clock.now()
    async with transaction(request.app.state.uow_factory.pool, [command.store_id]) as connection:
        before = await persistence.read_appointment(connection, command.store_id, appointment_id)
        await _check_booked_once(
            request, connection, command, body, before.plate_ref, appointment_id
        )
    try:
        require_version(before, body.version)
        appointments.check_may_move(before, body.planned_at, now)
    except RuleViolation:
        # Another try of this command may have moved it since the question above.
        if previous := await command.previous_response():
            return previous
        raise
    place = await _place(request, command, before.operations, body.planned_at, before.hold_id)

    async def use_case(uow: UnitOfWork) -> BaseModel:
        await persistence.lock_vehicle(uow.connection, before.plate_ref)
        await _check_booked_once(
            request, uow.connection, command, body, before.plate_ref, appointment_id
        )
        booked = await persistence.lock_appointment(
            uow.connection, command.store_id, appointment_id
        )
        require_version(booked, body.version)
        moved, events = appointments.move(booked, body.planned_at, place, uow.now)
        await cancel_timers(uow, appointment_id)
        saved = await _save(request, uow, command, moved)
        uow.publish(events, command.causation)
        return appointment_view(request, saved)

    return await command.run(use_case)


@router.post(
    "/appointments/{appointment_id}/cancellation",
    response_model=AppointmentView,
    tags=["appointments"],
    openapi_extra=serves("R1"),
)
async def cancel_appointment(
    request: Request, appointment_id: str, body: Cancel, command: FrontOfficeCommand
) -> JSONResponse:
    """Give a place up."""

    async def use_case(uow: UnitOfWork) -> BaseModel:
        booked = await persistence.lock_appointment(
            uow.connection, command.store_id, appointment_id
        )
        require_version(booked, body.version)
        cancelled, events = appointments.cancel(booked, body.reason)
        saved = await persistence.save_appointment(uow, cancelled)
        await keep_cancellation(uow, appointment_id, body, deps_of(request))
        await cancel_timers(uow, appointment_id)
        uow.publish(events, command.causation)
        return appointment_view(request, saved)

    return await command.run(use_case)


async def _save(
    request: Request, uow: UnitOfWork, command: CommandContext, appointment: Appointment
) -> Appointment:
    saved = await persistence.save_appointment(uow, appointment)
    place = catalog_of(request).stores[command.store_id]
    await schedule_timers(uow, appointment, place)
    if appointment.hold_id is None:
        await set_confirmation(uow, appointment)
    return saved


async def _place(
    request: Request,
    command: CommandContext,
    operations: Sequence[str],
    planned_at: datetime,
    replaces: str | None,
) -> Place | None:
    """Reserved workshop time, none while the workshop is unavailable.

    Raises:
        Problem: 409 ``store_closed`` or ``place_taken``, with the next offers, and who was first.
    """
    try:
        catalog_of(request).opening_hours(command.store_id).check_open(planned_at)
    except RuleViolation as violation:
        raise await _with_next_offers(request, command, operations, planned_at, violation) from None
    try:
        response = await workshop_of(request).hold(
            caller_of(command),
            operations,
            confidence=DEFAULT_CONFIDENCE,
            start_window=start_window(planned_at),
            replaces=replaces,
        )
    except WorkshopUnavailableError:
        return None
    except Problem as problem:
        if problem.rule != NO_PLACE:
            raise
        taken = errors.place_taken(problem.values["by"], problem.values["at"])
        raise await _with_next_offers(request, command, operations, planned_at, taken) from None
    return Place(response["hold_id"], datetime.fromisoformat(response["promised_at"]))


async def _with_next_offers(
    request: Request,
    command: CommandContext,
    operations: Sequence[str],
    planned_at: datetime,
    violation: RuleViolation,
) -> RuleViolation:
    """The rejection of a time, with the times that can be had from its day on."""
    day = catalog_of(request).stores[command.store_id].local_day(planned_at)
    asked = AskForOffers(operations=list(operations), day_from=day)
    wanted = _wanted(request, command.store_id, asked)
    found = await find_offers(request, command.principal, wanted)
    violation.values["offers"] = [offer.model_dump(mode="json") for offer in found.offers]
    return violation


async def _check_booked_once(
    request: Request,
    connection: Connection,
    command: CommandContext,
    body: Booking,
    plate_ref: str,
    appointment_id: str | None = None,
) -> None:
    """Ask about a vehicle that some store of the group expects on the same day already."""
    if body.second_booking_confirmed:
        return
    place = catalog_of(request).stores[command.store_id]
    day = place.day_bounds(place.local_day(body.planned_at))
    others = await persistence.other_bookings(connection, plate_ref, *day, appointment_id)
    log_cross_store_access(
        "appointments in other stores shown",
        command.principal,
        command.store_id,
        [other.store_id for other in others],
        plate_ref=plate_ref,
    )
    vehicles.check_booked_once(others)


def _wanted(request: Request, store_id: str, asked: AskForOffers) -> Wanted:
    place = catalog_of(request).stores[store_id]
    today = place.local_day(request.app.state.service.clock.now())
    return Wanted(
        store_id=store_id,
        operations=asked.operations,
        confidence=asked.confidence,
        first=asked.day_from or today,
        days=asked.days,
        count=asked.count,
    )


def _check_known(
    request: Request, store_id: str, operations: Sequence[str], parts: Sequence[PartLine]
) -> None:
    """Refuse operations and parts that are not in the catalog."""
    wanted = tuple(PartQuantity(line.part_no, line.quantity) for line in parts)
    estimate(catalog_of(request).prices(store_id), WantedWork(tuple(operations), parts=wanted))


def appointment_view(request: Request, appointment: Appointment) -> AppointmentView:
    known = catalog_of(request)
    day = known.stores[appointment.store_id].local_day(appointment.planned_at)
    return AppointmentView(
        **{name: getattr(appointment, name) for name in _VIEW_FIELDS},
        provisional=appointment.hold_id is None,
        calendar_assumed=known.calendar.is_assumed(day),
    )


_VIEW_FIELDS = AppointmentView.model_fields.keys() - {"provisional", "calendar_assumed"}
