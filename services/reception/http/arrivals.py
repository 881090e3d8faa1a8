"""Arrival and greeting (进厂, 接待)."""

from datetime import timedelta

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from services.reception import handlers, store
from services.reception.domain import appointment as appointments
from services.reception.domain import order as orders
from services.reception.domain.order import Order
from services.reception.http.access import (
    Advisor,
    FrontDesk,
    Reader,
    catalogue_of,
    personal_of,
    store_router,
)
from services.reception.http.board import listed
from services.reception.http.changes import change_order
from services.reception.http.views import OrderView, order_view
from shared import timers
from shared.body import Body
from shared.duties import serves
from shared.identifiers import Plate
from shared.ids import new_id
from shared.unit import Unit

router = store_router()


class RecordArrival(Body):
    plate: Plate
    appointment_id: str | None = None


@router.post(
    "/arrivals",
    status_code=201,
    response_model=OrderView,
    tags=["arrivals"],
    openapi_extra=serves("R2"),
)
async def record_arrival(request: Request, body: RecordArrival, command: FrontDesk) -> JSONResponse:
    """A vehicle stands at reception (进厂); its customer gets a queue number."""
    place = catalogue_of(request).stores[command.store_id]
    plate_ref = personal_of(request).reference("plate", body.plate)

    async def effect(unit: Unit) -> BaseModel:
        connection = unit.connection
        if body.appointment_id:
            booked = await store.lock_appointment(connection, command.store_id, body.appointment_id)
            await store.save_appointment(connection, appointments.keep(booked, plate_ref))
        order, events = orders.arrive(
            order_id=str(new_id()),
            store_id=command.store_id,
            queue_number=await store.take_queue_number(
                connection, command.store_id, place.local_day(unit.now)
            ),
            plate_ref=plate_ref,
            appointment_id=body.appointment_id,
            greeting_limit=timedelta(seconds=place.greeting_limit_s),
            now=unit.now,
        )
        saved = await store.save_order(connection, order)
        await timers.schedule(
            unit,
            handlers.GREETING_OVERDUE,
            order.order_id,
            store_id=order.store_id,
            due_at=order.greeting_due_at,
            cause=command.cause,
        )
        unit.publish(events, command.cause)
        return order_view(saved)

    return await command.run(effect, status=201)


@router.get("/arrivals", tags=["arrivals"], openapi_extra=serves("R2"))
async def arrival_board(request: Request, store_id: str, _: Reader) -> list[OrderView]:
    """Who stands at reception (接待看板), the longest waiting first."""
    return await listed(request, store_id, ["arrived", "greeted"])


@router.post(
    "/orders/{order_id}/greeting",
    response_model=OrderView,
    tags=["arrivals"],
    openapi_extra=serves("R2"),
)
async def greet_customer(order_id: str, command: Advisor) -> JSONResponse:
    """The calling advisor receives the customer (接待)."""

    async def not_overdue(unit: Unit, _: Order) -> None:
        await timers.cancel(unit, handlers.GREETING_OVERDUE, order_id)

    return await change_order(
        command,
        order_id,
        lambda order, now: orders.greet(order, command.principal.subject, now),
        not_overdue,
    )
