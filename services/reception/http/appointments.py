"""Appointments (预约)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.reception import store
from services.reception.deadlines.appointments import (
    drop_deadlines,
    set_confirmation,
    set_deadlines,
)
from services.reception.domain import appointment as appointments
from services.reception.domain.appointment import Appointment, Place, Status
from services.reception.domain.estimate import PartQuantity, WantedWork, estimate
from services.reception.http.access import (
    FrontDesk,
    Reader,
    caller_of,
    catalogue_of,
    personal_of,
    store_router,
    workshop_of,
)
from services.reception.http.offers import NO_PLACE, Offers, Wanted, find_offers, window
from services.reception.http.work import DEFAULT_CONFIDENCE, PartLine
from services.reception.workshop import WorkshopAwayError
from shared.body import Body
from shared.commands import Command
from shared.contracts.base import Identifier, Moment
from shared.contracts.reception import WantedPart
from shared.contracts.refusal import Refused
from shared.db import transaction
from shared.duties import serves
from shared.group import CalendarDay
from shared.identifiers import Plate
from shared.ids import new_id
from shared.problems import Problem
from shared.security import Principal, caller
from shared.unit import Unit

router = store_router()

_NEXT_DAYS, _NEXT_OFFERS = 3, 4

Operations = Annotated[list[Identifier], Field(min_length=1, max_length=20)]


class AskForOffers(Body):
    """What is to be done; ``day_from`` is a day of the store, today where it is left out."""

    operations: Operations
    day_from: CalendarDay | None = None
    days: Annotated[int, Field(ge=1, le=14)] = _NEXT_DAYS
    count: Annotated[int, Field(ge=1, le=8)] = _NEXT_OFFERS
    confidence: Annotated[float, Field(ge=0.5, le=0.99)] = DEFAULT_CONFIDENCE


class BookAppointment(Body):
    plate: Plate
    planned_at: Moment
    operations: Operations
    parts: Annotated[list[PartLine], Field(max_length=100)] = []
    customer_ref: Identifier | None = None


class MoveAppointment(Body):
    planned_at: Moment


class CancelBody(Body):
    reason: Annotated[str, Field(min_length=2, max_length=200)]


class AppointmentView(BaseModel):
    """``provisional``: the workshop was away; ``unplaced``: it has no room then, so move it."""

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


@router.post("/appointments/offers", tags=["appointments"], openapi_extra=serves("R1", "R11"))
async def offer_times(
    request: Request,
    store_id: str,
    body: AskForOffers,
    principal: Annotated[Principal, Depends(caller("advisor", "manager", "agent"))],
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
    request: Request, body: BookAppointment, command: FrontDesk
) -> JSONResponse:
    """Book a time (预约) that the workshop reserves; refused with other offers when it is full."""
    if answered := await command.earlier_answer():
        return answered
    appointments.check_time(body.planned_at, request.app.state.service.clock.now())
    _check_known(request, command.store_id, body.operations, body.parts)
    place = await _place(request, command, body.operations, body.planned_at, None)
    plate_ref = personal_of(request).reference("plate", body.plate)

    async def effect(unit: Unit) -> BaseModel:
        booked, events = appointments.book(
            appointment_id=str(new_id()),
            store_id=command.store_id,
            plate_ref=plate_ref,
            planned_at=body.planned_at,
            operations=tuple(body.operations),
            parts=tuple(WantedPart(**line.model_dump()) for line in body.parts),
            customer_ref=body.customer_ref,
            place=place,
            now=unit.now,
        )
        await _save(request, unit, command, booked)
        unit.publish(events, command.cause)
        return appointment_view(booked)

    return await command.run(effect, status=201)


@router.get("/appointments", tags=["appointments"], openapi_extra=serves("R1"))
async def list_appointments(
    request: Request, store_id: str, _: Reader, day: CalendarDay | None = None
) -> list[AppointmentView]:
    """The appointments of a day of the store, today where none is named."""
    place = catalogue_of(request).stores[store_id]
    begin, end = place.day_bounds(day or place.local_day(request.app.state.service.clock.now()))
    async with transaction(request.app.state.units.pool, [store_id]) as connection:
        found = await store.list_appointments(connection, store_id, begin, end)
    return [appointment_view(appointment) for appointment in found]


@router.post(
    "/appointments/{appointment_id}/move",
    response_model=AppointmentView,
    tags=["appointments"],
    openapi_extra=serves("R1"),
)
async def move_appointment(
    request: Request, appointment_id: str, body: MoveAppointment, command: FrontDesk
) -> JSONResponse:
    """The customer comes at another time (改期); the old place is kept until the new one is had."""
    if answered := await command.earlier_answer():
        return answered
    now = request.app.state.service.clock.now()
    async with transaction(request.app.state.units.pool, [command.store_id]) as connection:
        before = await store.lock_appointment(connection, command.store_id, appointment_id)
    try:
        appointments.check_may_move(before, body.planned_at, now)
    except Refused:
        # Another try of this command may have moved it since the question above.
        if answered := await command.earlier_answer():
            return answered
        raise
    place = await _place(request, command, before.operations, body.planned_at, before.hold_id)

    async def effect(unit: Unit) -> BaseModel:
        booked = await store.lock_appointment(unit.connection, command.store_id, appointment_id)
        moved, events = appointments.move(booked, body.planned_at, place, unit.now)
        await drop_deadlines(unit, appointment_id)
        await _save(request, unit, command, moved)
        unit.publish(events, command.cause)
        return appointment_view(moved)

    return await command.run(effect)


@router.post(
    "/appointments/{appointment_id}/cancellation",
    response_model=AppointmentView,
    tags=["appointments"],
    openapi_extra=serves("R1"),
)
async def cancel_appointment(
    appointment_id: str, body: CancelBody, command: FrontDesk
) -> JSONResponse:
    """Give a place up."""

    async def effect(unit: Unit) -> BaseModel:
        booked = await store.lock_appointment(unit.connection, command.store_id, appointment_id)
        cancelled, events = appointments.cancel(booked, body.reason)
        await store.save_appointment(unit.connection, cancelled)
        await drop_deadlines(unit, appointment_id)
        unit.publish(events, command.cause)
        return appointment_view(cancelled)

    return await command.run(effect)


async def _save(request: Request, unit: Unit, command: Command, appointment: Appointment) -> None:
    await store.save_appointment(unit.connection, appointment)
    place = catalogue_of(request).stores[command.store_id]
    await set_deadlines(unit, appointment, place, command.cause)
    if appointment.hold_id is None:
        await set_confirmation(unit, appointment, command.cause)


async def _place(
    request: Request,
    command: Command,
    operations: Sequence[str],
    planned_at: datetime,
    replaces: str | None,
) -> Place | None:
    """Reserved workshop time, none while the workshop is away.

    Raises:
        Problem: 409 ``place_taken``, with the next offers and who was first.
    """
    try:
        answer = await workshop_of(request).hold(
            caller_of(command),
            operations,
            confidence=DEFAULT_CONFIDENCE,
            window=window(planned_at),
            replaces=replaces,
        )
    except WorkshopAwayError:
        return None
    except Problem as problem:
        if problem.rule != NO_PLACE:
            raise
        asked = AskForOffers(operations=list(operations))
        wanted = _wanted(request, command.store_id, asked)
        next_offers = await find_offers(request, command.principal, wanted)
        raise _place_taken(next_offers, problem.values) from None
    return Place(answer["hold_id"], datetime.fromisoformat(answer["promised_at"]))


def _place_taken(next_offers: Offers, refused: Mapping[str, Any]) -> Problem:
    """``refused`` is what the workshop said of the place."""
    return Problem(
        409,
        "place_taken",
        "The workshop has no room at that time any more; other times are offered.",
        field="planned_at",
        values={
            "offers": [offer.model_dump(mode="json") for offer in next_offers.offers],
            "by": refused["by"],
            "at": refused["at"],
        },
    )


def _wanted(request: Request, store_id: str, asked: AskForOffers) -> Wanted:
    place = catalogue_of(request).stores[store_id]
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
    """Refuse operations and parts that are not in the catalogue."""
    wanted = tuple(PartQuantity(line.part_no, line.quantity) for line in parts)
    estimate(catalogue_of(request).prices(store_id), WantedWork(tuple(operations), parts=wanted))


def appointment_view(appointment: Appointment) -> AppointmentView:
    return AppointmentView(
        **{name: getattr(appointment, name) for name in _VIEW_FIELDS},
        provisional=appointment.hold_id is None,
    )


_VIEW_FIELDS = [name for name in AppointmentView.model_fields if name != "provisional"]
