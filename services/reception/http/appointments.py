"""Appointments (预约)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, Field

from services.reception import store
from services.reception.domain import appointment as appointments
from services.reception.domain import errors
from services.reception.domain.appointment import Appointment
from services.reception.domain.estimate import WantedWork, estimate
from services.reception.http.access import (
    FrontDesk,
    Reader,
    caller_of,
    catalogue_of,
    personal_of,
    store_router,
    workshop_of,
)
from services.reception.http.work import DEFAULT_CONFIDENCE
from services.reception.workshop import WorkshopAwayError
from shared.body import Body
from shared.commands import Command
from shared.db import transaction
from shared.duties import serves
from shared.identifiers import Plate
from shared.ids import new_id
from shared.unit import Unit

router = store_router()


class BookAppointment(Body):
    plate: Plate
    planned_at: AwareDatetime
    operations: Annotated[list[str], Field(min_length=1, max_length=20)]


class CancelBody(Body):
    reason: Annotated[str, Field(min_length=2, max_length=200)]


class AppointmentView(BaseModel):
    appointment_id: str
    plate_ref: str
    planned_at: datetime
    operations: Sequence[str]
    status: str
    provisional: bool


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
    """Book a place (预约) that the workshop reserves."""
    if answered := await command.earlier_answer():
        return answered
    now = request.app.state.service.clock.now()
    if body.planned_at <= now:
        raise errors.in_the_past("planned_at", body.planned_at)
    prices = catalogue_of(request).prices(command.store_id)
    estimate(prices, WantedWork(tuple(body.operations)))
    hold_id = await _hold_id(request, command, body)
    plate_ref = personal_of(request).reference("plate", body.plate)

    async def effect(unit: Unit) -> BaseModel:
        booked, events = appointments.book(
            appointment_id=str(new_id()),
            store_id=command.store_id,
            plate_ref=plate_ref,
            planned_at=body.planned_at,
            operations=tuple(body.operations),
            hold_id=hold_id,
            now=unit.now,
        )
        await store.save_appointment(unit.connection, booked)
        unit.publish(events, command.cause)
        return appointment_view(booked)

    return await command.run(effect, status=201)


@router.get("/appointments", tags=["appointments"], openapi_extra=serves("R1"))
async def list_appointments(request: Request, store_id: str, _: Reader) -> list[AppointmentView]:
    """The appointments of the store's present day."""
    place = catalogue_of(request).stores[store_id]
    begin, end = place.day_bounds(place.local_day(request.app.state.service.clock.now()))
    async with transaction(request.app.state.units.pool, [store_id]) as connection:
        found = await store.list_appointments(connection, store_id, begin, end)
    return [appointment_view(appointment) for appointment in found]


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
        unit.publish(events, command.cause)
        return appointment_view(cancelled)

    return await command.run(effect)


async def _hold_id(request: Request, command: Command, body: BookAppointment) -> str | None:
    try:
        answer = await workshop_of(request).hold(
            caller_of(command),
            body.operations,
            confidence=DEFAULT_CONFIDENCE,
            earliest_start_at=body.planned_at,
        )
    except WorkshopAwayError:
        return None
    hold_id: str = answer["hold_id"]
    return hold_id


def appointment_view(appointment: Appointment) -> AppointmentView:
    return AppointmentView(
        appointment_id=appointment.appointment_id,
        plate_ref=appointment.plate_ref,
        planned_at=appointment.planned_at,
        operations=appointment.operations,
        status=appointment.status,
        provisional=appointment.hold_id is None,
    )
