"""Repair orders (工单): opening, reading, cancelling."""

from typing import Annotated, Literal, Self

from fastapi import Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, model_validator

from services.reception import persistence
from services.reception.application.cancellations import Cancel, keep_cancellation
from services.reception.application.customer_details import keep_details
from services.reception.application.greetings import cancel_expected_greeting
from services.reception.application.views import (
    OrderView,
    OrderWithWords,
    as_seen_by,
    order_view,
)
from services.reception.domain import order as orders
from services.reception.domain import vehicle as vehicles
from services.reception.domain.authorisation import DecisionRecord, agree_at_opening, check_seen
from services.reception.domain.lifecycle import Stage
from services.reception.domain.order import Intake, Order
from services.reception.domain.vehicle import VehicleIdentity
from services.reception.entrypoints.http.access import (
    Advisor,
    Reader,
    archive_of,
    caller_of,
    catalog_of,
    check_customer,
    deps_of,
    personal_of,
    store_router,
)
from services.reception.entrypoints.http.board import listed
from services.reception.entrypoints.http.work import Work, operations_of, priced_work, reserve
from shared.commands import CommandContext
from shared.contracts.base import Identifier
from shared.contracts.reception import OdometerReplacement, WalkRoundFinding
from shared.contracts.versioned import require_version
from shared.contracts.violations import RuleViolation, unknown_code
from shared.db import Connection, transaction
from shared.duties import serves
from shared.formats import Phone, Plate
from shared.personal_data import PersonalData
from shared.request_model import RequestWithVin, Seen
from shared.unit_of_work import UnitOfWork

router = store_router()

LARGEST_ODOMETER_KM = 2_000_000


class CustomerDetails(RequestWithVin):
    """A person and vehicle that customer relations does not have yet."""

    name: Annotated[str, Field(min_length=1, max_length=80, description="姓名")]
    phone: Annotated[Phone, Field(description="电话")]
    plate: Plate
    brand: Annotated[str, Field(min_length=1, max_length=40, description="品牌")]
    model: Annotated[str, Field(min_length=1, max_length=40, description="车型")]


class OpenOrder(Seen, Work):
    """What the advisor takes down. References come from customer relations; while it is
    unavailable, ``customer`` carries the person's details, which are kept encrypted and follow
    later."""

    customer_ref: Identifier | None = None
    vehicle_ref: Identifier | None = None
    customer: CustomerDetails | None = None
    odometer_km: Annotated[int, Field(ge=0, le=LARGEST_ODOMETER_KM)]
    odometer_replacement: OdometerReplacement | None = None
    energy_percent: Annotated[int | None, Field(ge=0, le=100)] = None
    findings: Annotated[list[WalkRoundFinding], Field(max_length=60)] = []
    belongings: Annotated[str | None, Field(min_length=1, max_length=1000)] = None
    words: Annotated[str, Field(min_length=1, max_length=2000, description="客户描述")]
    symptoms: Annotated[list[Identifier], Field(max_length=10)] = []
    waiting_customer: bool = False
    rush: bool = False
    authorized_over: Literal["counter", "phone"] = "counter"

    @model_validator(mode="after")
    def _one_way_to_name_the_customer(self) -> Self:
        if self.customer is None and not (self.customer_ref and self.vehicle_ref):
            raise ValueError("customer_ref and vehicle_ref, or customer, is required")
        if self.customer is not None and (self.customer_ref or self.vehicle_ref):
            raise ValueError("either references or customer, not both")
        return self


@router.get("/orders", tags=["orders"], openapi_extra=serves("R5"))
async def list_orders(
    request: Request,
    store_id: str,
    reader: Reader,
    stage: Annotated[list[Stage], Query(max_length=20)],
) -> list[OrderView]:
    """Orders of the last 30 days at one of the stages."""
    return [as_seen_by(reader, view) for view in await listed(request, store_id, stage)]


@router.get("/orders/{order_id}", tags=["orders"], openapi_extra=serves("R3", "R5"))
async def get_order(
    request: Request, store_id: str, order_id: str, reader: Reader
) -> OrderWithWords:
    """One order with the customer's own words."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        order = await persistence.read_order(connection, store_id, order_id)
        words, belongings = [
            await personal_of(request).decrypt(connection, store_id, order_id, encrypted)
            for encrypted in await persistence.encrypted_texts(connection, store_id, order_id)
        ]
    view = OrderWithWords(**order_view(order).model_dump(), words=words, belongings=belongings)
    return as_seen_by(reader, view)


@router.post(
    "/orders/{order_id}/opening",
    response_model=OrderView,
    tags=["orders"],
    openapi_extra=serves("R3", "R4", "R5", "R11"),
)
async def open_order(
    request: Request, order_id: str, body: OpenOrder, command: Advisor
) -> JSONResponse:
    """Open the repair order (开单) with the workshop's hold behind its promise."""
    if previous := await command.previous_response():
        return previous
    known = catalog_of(request)
    for symptom in body.symptoms:
        if symptom not in known.symptoms:
            raise unknown_code("symptoms", symptom)
    priced = priced_work(request, command.store_id, body)
    operations = operations_of(priced)
    personal = personal_of(request)
    vehicle_ref = body.vehicle_ref or _vehicle_ref(personal, body)
    try:
        replaces = await _check_may_open(request, command, order_id, vehicle_ref, body)
    except RuleViolation:
        # Another try of this command may have opened the order since the question above.
        if previous := await command.previous_response():
            return previous
        raise
    promise = await reserve(
        request,
        caller_of(command),
        operations,
        confidence=body.confidence,
        replaces=replaces,
    )
    person = command.principal.subject

    async def use_case(uow: UnitOfWork) -> BaseModel:
        connection = uow.connection
        order = await persistence.lock_order(connection, command.store_id, order_id)
        await persistence.lock_vehicle(connection, vehicle_ref)
        await _check_has_no_other_order(connection, order, vehicle_ref)
        versions = await persistence.estimate_versions(connection, command.store_id, order_id)
        check_seen(order, versions, body.version)
        decision_record = DecisionRecord(body.authorized_over, person, uow.now)
        order, agreed, changed = agree_at_opening(order, versions, priced, decision_record, person)
        opened, events = orders.open_order(
            order,
            _intake(body, vehicle_ref),
            promise,
            known_odometer_km=await persistence.last_odometer(connection, vehicle_ref),
            agreed=agreed,
            now=uow.now,
        )
        saved = await persistence.save_order(uow, opened)
        await persistence.save_estimates(connection, changed)
        await _keep_texts(uow, personal, command.store_id, order_id, body)
        if body.customer is not None:
            await keep_details(uow, order_id, body.customer.model_dump_json(), deps_of(request))
        uow.publish(events, command.causation)
        return order_view(saved)

    return await command.run(use_case)


@router.post(
    "/orders/{order_id}/cancellation",
    response_model=OrderView,
    tags=["orders"],
    openapi_extra=serves("R5"),
)
async def cancel_order(
    request: Request, order_id: str, body: Cancel, command: Advisor
) -> JSONResponse:
    """End a visit before work has begun; what was reserved for it is given back."""

    async def use_case(uow: UnitOfWork) -> BaseModel:
        order = await persistence.lock_order(uow.connection, command.store_id, order_id)
        require_version(order, body.version)
        held = await _appointment_hold(uow.connection, order)
        cancelled, events = orders.cancel(order, body.reason, held)
        saved = await persistence.save_order(uow, cancelled)
        await keep_cancellation(uow, order_id, body, deps_of(request))
        await cancel_expected_greeting(uow, order_id)
        uow.publish(events, command.causation)
        return order_view(saved)

    return await command.run(use_case)


def _vehicle_ref(personal: PersonalData, body: OpenOrder) -> str:
    return personal.reference("vin", body.customer.vin) if body.customer else ""


def _intake(body: OpenOrder, vehicle_ref: str) -> Intake:
    return Intake(
        customer_ref=body.customer_ref,
        vehicle_ref=vehicle_ref,
        odometer_km=body.odometer_km,
        symptoms=tuple(body.symptoms),
        waiting_customer=body.waiting_customer,
        rush=body.rush,
        odometer_replacement=body.odometer_replacement,
        energy_percent=body.energy_percent,
        findings=tuple(body.findings),
    )


async def _keep_texts(
    uow: UnitOfWork, personal: PersonalData, store_id: str, order_id: str, body: OpenOrder
) -> None:
    """Keep what was said and left in the vehicle, encrypted."""
    connection = uow.connection
    words = await personal.encrypt(connection, store_id, order_id, body.words)
    belongings = await personal.encrypt(connection, store_id, order_id, body.belongings)
    await persistence.save_texts(connection, store_id, order_id, words, belongings)


async def _check_may_open(
    request: Request, command: CommandContext, order_id: str, vehicle_ref: str, body: OpenOrder
) -> str | None:
    """Refuse before capacity is reserved what the decision would refuse after it; answers with
    the hold of the order's appointment, which the order's own hold replaces."""
    async with transaction(request.app.state.uow_factory.pool, [command.store_id]) as connection:
        order = await persistence.read_order(connection, command.store_id, order_id)
        versions = await persistence.estimate_versions(connection, command.store_id, order_id)
        check_seen(order, versions, body.version)
        known = await persistence.last_odometer(connection, vehicle_ref)
        orders.check_may_open(order, body.odometer_km, known, body.odometer_replacement)
        await _check_has_no_other_order(connection, order, vehicle_ref)
        hold_id = await _appointment_hold(connection, order)
    await _check_same_vehicle(request, command, order, body)
    await check_customer(request, command, body.customer_ref)
    return hold_id


async def _check_has_no_other_order(connection: Connection, order: Order, vehicle_ref: str) -> None:
    """Refuse a vehicle that has another open order in the store, under whatever plate."""
    visits = await persistence.open_visits(
        connection, VehicleIdentity(order.plate_ref, vehicle_ref)
    )
    vehicles.check_not_in_store(visits, order.store_id, order.order_id)


async def _check_same_vehicle(
    request: Request, command: CommandContext, order: Order, body: OpenOrder
) -> None:
    """Refuse an order for another vehicle than the one that arrived.

    While customer relations is unavailable, nobody can tell.
    """
    if body.customer is not None:
        plate_ref = personal_of(request).reference("plate", body.customer.plate)
        vehicles.check_same_plate(order.plate_ref, plate_ref)
    elif body.vehicle_ref and body.vehicle_ref != order.vehicle_ref:
        archive, token = archive_of(request), command.principal.token
        known = await archive.read_vehicle(token, command.store_id, body.vehicle_ref)
        if known is not None:
            vehicles.check_same_plate(order.plate_ref, known.plate_ref)


async def _appointment_hold(connection: Connection, order: Order) -> str | None:
    """The hold of the order's appointment."""
    if order.appointment_id is None:
        return None
    booked = await persistence.lock_appointment(connection, order.store_id, order.appointment_id)
    return booked.hold_id
