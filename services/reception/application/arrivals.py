"""Arrival and greeting (进厂, 接待)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from services.reception import persistence
from services.reception.application.appointment_timers import cancel_timers
from services.reception.application.changes import lock_seen, save_change
from services.reception.application.deps import Deps
from services.reception.application.entitlements import recognize
from services.reception.application.greetings import (
    cancel_expected_greeting,
    expect_greeting,
    greeting_limit,
)
from services.reception.application.opening_hours import require_in_business
from services.reception.application.orders import BOARD_DAYS
from services.reception.application.vehicles import VehicleView
from services.reception.application.views import OrderView, as_seen_by, order_view
from services.reception.domain import appointment as appointments
from services.reception.domain import order as orders
from services.reception.domain import vehicle as vehicles
from services.reception.domain import visit as visits
from services.reception.domain.advisors import suggest_advisors
from services.reception.domain.entitlement import with_priority
from services.reception.domain.order import Order
from services.reception.domain.vehicle import VehicleIdentity
from shared.contracts.base import Identifier
from shared.contracts.violations import unknown_code
from shared.formats import Plate
from shared.ids import new_id
from shared.request_model import RequestModel, VersionedRequest
from shared.security import Principal
from shared.sharing import log_cross_store_access
from shared.unit_of_work import UnitOfWork


class CorrectPlateRequest(VersionedRequest):
    plate: Plate


class RecordArrivalRequest(RequestModel):
    """Request to record an arrival.

    ``elsewhere_confirmed``: the vehicle stands here, although another store has it open.
    """

    plate: Plate
    appointment_id: Identifier | None = None
    elsewhere_confirmed: bool = False


class AssignAdvisorRequest(VersionedRequest):
    advisor_id: Identifier


class ArrivalView(OrderView):
    """New order at reception with the known facts of its vehicle."""

    vehicle: VehicleView


class WaitingView(OrderView):
    """Order at reception with the customer's wait.

    ``waited_s`` is the wait for the greeting, so far or as it was. A customer who is not greeted
    yet has a suggested advisor. One who ``has_priority`` (优先接待) by their loyalty tier is
    received like one with an appointment.
    """

    waited_s: int
    overdue: bool
    has_priority: bool
    suggested_advisor_id: str | None


async def record_arrival(
    uow: UnitOfWork,
    command: RecordArrivalRequest,
    known: VehicleView,
    principal: Principal,
    deps: Deps,
) -> ArrivalView:
    """Record the arrival of a vehicle (进厂), as far as it is ``known``.

    Its customer gets a queue number.
    """
    store = await deps.group.store(uow.connection, uow.store_id)
    require_in_business(store)
    vehicle = _identity(command.plate, known, deps)
    await _check_in_one_place(uow, vehicle, command, principal)
    if command.appointment_id:
        await _check_in(uow, command.appointment_id, vehicle)
    order, events = orders.arrive(
        order_id=str(new_id()),
        store_id=uow.store_id,
        queue_number=await persistence.take_queue_number(
            uow.connection, uow.store_id, store.local_day(uow.now)
        ),
        vehicle=vehicle,
        appointment_id=command.appointment_id,
        greeting_limit=await greeting_limit(uow, store, deps),
        now=uow.now,
    )
    saved = await save_change(uow, order, events)
    await recognize(uow, saved.order_id, known)
    await expect_greeting(uow, order.visit)
    return ArrivalView(**order_view(saved).model_dump(), vehicle=known)


async def correct_plate(
    uow: UnitOfWork, order_id: str, command: CorrectPlateRequest, known: VehicleView, deps: Deps
) -> ArrivalView:
    """Correct the plate that was recorded at the arrival (更正车牌).

    Its vehicle is used as far as it is ``known``.
    """
    vehicle = _identity(command.plate, known, deps)
    await persistence.lock_vehicle(uow.connection, vehicle.plate_ref)
    order = await lock_seen(uow, order_id, command.version)
    open_visits = await persistence.open_visits(uow.connection, vehicle)
    vehicles.check_not_in_store(open_visits, uow.store_id, order_id)
    visit, events = visits.correct_plate(order.visit, order.status, vehicle)
    saved = await save_change(uow, replace(order, visit=visit), events)
    await recognize(uow, order_id, known)
    return ArrivalView(**order_view(saved).model_dump(), vehicle=known)


async def arrival_board(reader: Principal, store_id: str, deps: Deps) -> list[WaitingView]:
    """List the customers at reception (接待看板).

    Booked customers, and those whose tier gives them a priority place, come first.
    """
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        today = store.local_day(now)
        advisors = await deps.group.in_post(connection, store_id, "service_advisor", today)
        found = await persistence.list_orders(
            connection, store_id, ["arrived", "greeted"], now - timedelta(days=BOARD_DAYS)
        )
        advisor_workloads = await persistence.advisor_workloads(
            connection, store_id, store.day_bounds(today)[0]
        )
        recognized = await persistence.find_recognitions(
            connection, store_id, [order.order_id for order in found]
        )
    first = with_priority(recognized)
    found.sort(
        key=lambda order: visits.greeting_sort_key(
            order.visit, has_priority=order.order_id in first
        )
    )
    unassigned = [order.order_id for order in found if order.visit.advisor_id is None]
    freest = suggest_advisors(advisors, advisor_workloads, len(unassigned))
    suggestion = dict(zip(unassigned, freest, strict=False))
    return [
        as_seen_by(reader, _waiting(order, now, suggestion, has_priority=order.order_id in first))
        for order in found
    ]


async def assign_advisor(
    uow: UnitOfWork, order_id: str, command: AssignAdvisorRequest, reader: Principal, deps: Deps
) -> OrderView:
    """Assign an advisor to the customer, or reassign an order (指派, 交接).

    Returns the order as its ``reader`` may see it.
    """
    today = deps.today(await deps.group.store(uow.connection, uow.store_id))
    advisors = await deps.group.in_post(uow.connection, uow.store_id, "service_advisor", today)
    if command.advisor_id not in advisors:
        raise unknown_code("advisor_id", command.advisor_id)
    order = await lock_seen(uow, order_id, command.version)
    visit, events = visits.assign(
        order.visit, order.status, command.advisor_id, uow.person, uow.now
    )
    saved = await save_change(uow, replace(order, visit=visit), events)
    return as_seen_by(reader, order_view(saved))


async def greet_customer(uow: UnitOfWork, order_id: str, command: VersionedRequest) -> OrderView:
    """Record that the calling advisor receives the customer (接待)."""
    order = await lock_seen(uow, order_id, command.version)
    visit, repair_order, events = orders.greet(order.visit, order.repair_order, uow.person, uow.now)
    saved = await save_change(uow, replace(order, visit=visit, repair_order=repair_order), events)
    await cancel_expected_greeting(uow, order_id)
    return order_view(saved)


def _identity(plate: str, known: VehicleView, deps: Deps) -> VehicleIdentity:
    """Return the identity of a vehicle; one that is seen for the first time gets a reference."""
    plate_ref = deps.personal.reference("plate", plate)
    return VehicleIdentity(plate_ref, known.vehicle_ref or str(new_id()), known.identified)


async def _check_in(uow: UnitOfWork, appointment_id: str, vehicle: VehicleIdentity) -> None:
    """Check in the customer for their appointment."""
    booked = await persistence.lock_appointment(uow.connection, uow.store_id, appointment_id)
    await persistence.save_appointment(uow, appointments.check_in(booked, vehicle.plate_ref))
    await cancel_timers(uow, appointment_id)


async def _check_in_one_place(
    uow: UnitOfWork, vehicle: VehicleIdentity, command: RecordArrivalRequest, principal: Principal
) -> None:
    """Refuse a vehicle that has not left a store.

    The response names the other store that has it, and that access is logged.
    """
    await persistence.lock_vehicle(uow.connection, vehicle.plate_ref)
    open_visits = await persistence.open_visits(uow.connection, vehicle)
    vehicles.check_not_in_store(open_visits, uow.store_id)
    if not command.elsewhere_confirmed:
        log_cross_store_access(
            "open visit to another store shown",
            principal,
            uow.store_id,
            [visit.store_id for visit in open_visits],
            plate_ref=vehicle.plate_ref,
        )
        vehicles.check_not_elsewhere(open_visits, uow.store_id)


def _waiting(
    order: Order, now: datetime, suggestion: Mapping[str, str], *, has_priority: bool
) -> WaitingView:
    visit = order.visit
    until = visit.greeted_at or now
    return WaitingView(
        **order_view(order).model_dump(),
        waited_s=int((until - visit.arrived_at).total_seconds()),
        overdue=until > visit.greeting_due_at,
        has_priority=has_priority,
        suggested_advisor_id=visit.advisor_id or suggestion.get(visit.order_id),
    )
