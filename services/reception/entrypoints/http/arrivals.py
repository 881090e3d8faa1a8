"""Arrival and greeting (进厂, 接待)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.reception import persistence
from services.reception.application.appointment_timers import cancel_timers
from services.reception.application.greetings import (
    cancel_expected_greeting,
    expect_greeting,
)
from services.reception.application.views import OrderView, as_seen_by, order_view
from services.reception.domain import appointment as appointments
from services.reception.domain import order as orders
from services.reception.domain import vehicle as vehicles
from services.reception.domain.advisors import suggested
from services.reception.domain.order import Order
from services.reception.domain.vehicle import VehicleIdentity
from services.reception.entrypoints.http.access import (
    Advisor,
    FrontOfficeCommand,
    FrontReader,
    catalog_of,
    personal_of,
    store_router,
)
from services.reception.entrypoints.http.board import BOARD_DAYS
from services.reception.entrypoints.http.changes import change_order
from services.reception.entrypoints.http.vehicles import VehicleView, vehicle_by_plate
from shared.commands import CommandContext, accept_command
from shared.contracts.base import Identifier
from shared.contracts.versioned import require_version
from shared.contracts.violations import unknown_code
from shared.db import transaction
from shared.duties import serves
from shared.formats import Plate, plate_kind
from shared.ids import new_id
from shared.request_model import RequestModel, Seen
from shared.sharing import log_cross_store_access
from shared.unit_of_work import UnitOfWork

router = store_router()

Dispatcher = Annotated[CommandContext, Depends(accept_command("manager", "dispatcher"))]


class CorrectPlate(Seen):
    plate: Plate


class RecordArrival(RequestModel):
    """``elsewhere_confirmed``: the vehicle stands here, although another store has it open."""

    plate: Plate
    appointment_id: Identifier | None = None
    elsewhere_confirmed: bool = False


class AssignAdvisor(Seen):
    advisor_id: Identifier


class ArrivalView(OrderView):
    """An order that begins, and what is known of its vehicle."""

    vehicle: VehicleView


class WaitingView(OrderView):
    """An order at reception. ``waited_s`` is the wait for the greeting, so far or as it was;
    whoever is not greeted yet has a suggestion of who is to greet."""

    waited_s: int
    overdue: bool
    suggested_advisor_id: str | None


@router.post(
    "/arrivals",
    status_code=201,
    response_model=ArrivalView,
    tags=["arrivals"],
    openapi_extra=serves("R2"),
)
async def record_arrival(
    request: Request, body: RecordArrival, command: FrontOfficeCommand
) -> JSONResponse:
    """A vehicle stands at reception (进厂); its customer gets a queue number and is recognized."""
    if previous := await command.previous_response():
        return previous
    known = await vehicle_by_plate(request, command.principal, command.store_id, body.plate)
    place = catalog_of(request).stores[command.store_id]
    vehicle = _identity(request, body.plate, known)

    async def use_case(uow: UnitOfWork) -> BaseModel:
        connection = uow.connection
        await _check_in_one_place(uow, command, vehicle, body)
        if body.appointment_id:
            booked = await persistence.lock_appointment(
                connection, command.store_id, body.appointment_id
            )
            await persistence.save_appointment(
                uow, appointments.check_in(booked, vehicle.plate_ref)
            )
            await cancel_timers(uow, body.appointment_id)
        order, events = orders.arrive(
            order_id=str(new_id()),
            store_id=command.store_id,
            queue_number=await persistence.take_queue_number(
                connection, command.store_id, place.local_day(uow.now)
            ),
            vehicle=vehicle,
            appointment_id=body.appointment_id,
            greeting_limit=timedelta(seconds=place.greeting_limit_s),
            now=uow.now,
        )
        saved = await persistence.save_order(uow, order)
        await expect_greeting(uow, order)
        uow.publish(events, command.causation)
        return ArrivalView(**order_view(saved).model_dump(), vehicle=known)

    return await command.run(use_case, status=201)


@router.post(
    "/orders/{order_id}/plate",
    response_model=ArrivalView,
    tags=["arrivals"],
    openapi_extra=serves("R2"),
)
async def correct_plate(
    request: Request, order_id: str, body: CorrectPlate, command: FrontOfficeCommand
) -> JSONResponse:
    """Correct the plate that was recorded at the arrival (更正车牌); recognize its vehicle."""
    if previous := await command.previous_response():
        return previous
    known = await vehicle_by_plate(request, command.principal, command.store_id, body.plate)
    vehicle = _identity(request, body.plate, known)

    async def use_case(uow: UnitOfWork) -> BaseModel:
        await persistence.lock_vehicle(uow.connection, vehicle.plate_ref)
        order = await persistence.lock_order(uow.connection, command.store_id, order_id)
        require_version(order, body.version)
        visits = await persistence.open_visits(uow.connection, vehicle)
        vehicles.check_not_in_store(visits, command.store_id, order_id)
        corrected, events = orders.correct_plate(order, vehicle)
        saved = await persistence.save_order(uow, corrected)
        uow.publish(events, command.causation)
        return ArrivalView(**order_view(saved).model_dump(), vehicle=known)

    return await command.run(use_case)


@router.get("/arrivals", tags=["arrivals"], openapi_extra=serves("R2"))
async def arrival_board(request: Request, store_id: str, reader: FrontReader) -> list[WaitingView]:
    """Who stands at reception (接待看板): booked customers before others, then by arrival."""
    catalog, now = catalog_of(request), request.app.state.service.clock.now()
    place = catalog.stores[store_id]
    today, _end = place.day_bounds(place.local_day(now))
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        found = await persistence.list_orders(
            connection, store_id, ["arrived", "greeted"], now - timedelta(days=BOARD_DAYS)
        )
        desks = await persistence.desks(connection, store_id, today)
    found.sort(key=orders.greeting_sort_key)
    unassigned = [order.order_id for order in found if order.advisor_id is None]
    freest = suggested(catalog.advisors[store_id], desks, len(unassigned))
    suggestion = dict(zip(unassigned, freest, strict=False))
    return [as_seen_by(reader, _waiting(order, now, suggestion)) for order in found]


@router.post(
    "/orders/{order_id}/advisor",
    response_model=OrderView,
    tags=["arrivals"],
    openapi_extra=serves("R2", "R41"),
)
async def assign_advisor(
    request: Request, order_id: str, body: AssignAdvisor, command: Dispatcher
) -> JSONResponse:
    """Say which advisor receives the customer, or takes an order over (指派, 交接)."""
    if body.advisor_id not in catalog_of(request).advisors[command.store_id]:
        raise unknown_code("advisor_id", body.advisor_id)
    return await change_order(
        command,
        order_id,
        lambda order, now: orders.assign(order, body.advisor_id, command.principal.subject, now),
        seen=body.version,
    )


@router.post(
    "/orders/{order_id}/greeting",
    response_model=OrderView,
    tags=["arrivals"],
    openapi_extra=serves("R2"),
)
async def greet_customer(order_id: str, body: Seen, command: Advisor) -> JSONResponse:
    """The calling advisor receives the customer (接待)."""

    async def not_overdue(uow: UnitOfWork, _: Order) -> None:
        await cancel_expected_greeting(uow, order_id)

    return await change_order(
        command,
        order_id,
        lambda order, now: orders.greet(order, command.principal.subject, now),
        not_overdue,
        seen=body.version,
    )


def _identity(request: Request, plate: str, known: VehicleView) -> VehicleIdentity:
    """What the vehicle is called; one without a plate is known by its VIN anyhow."""
    personal = personal_of(request)
    by_vin = personal.reference("vin", plate) if plate_kind(plate) == "unregistered" else None
    return VehicleIdentity(personal.reference("plate", plate), known.vehicle_ref or by_vin)


async def _check_in_one_place(
    uow: UnitOfWork, command: CommandContext, vehicle: VehicleIdentity, body: RecordArrival
) -> None:
    """Refuse a vehicle that has not left; which other store has it is told and traced."""
    await persistence.lock_vehicle(uow.connection, vehicle.plate_ref)
    visits = await persistence.open_visits(uow.connection, vehicle)
    vehicles.check_not_in_store(visits, command.store_id)
    if not body.elsewhere_confirmed:
        log_cross_store_access(
            "open visit to another store shown",
            command.principal,
            command.store_id,
            [visit.store_id for visit in visits],
            plate_ref=vehicle.plate_ref,
        )
        vehicles.check_not_elsewhere(visits, command.store_id)


def _waiting(order: Order, now: datetime, suggestion: Mapping[str, str]) -> WaitingView:
    until = order.greeted_at or now
    return WaitingView(
        **order_view(order).model_dump(),
        waited_s=int((until - order.arrived_at).total_seconds()),
        overdue=until > order.greeting_due_at,
        suggested_advisor_id=order.advisor_id or suggestion.get(order.order_id),
    )
