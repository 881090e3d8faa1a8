"""Repair orders (工单): opening, reading, cancelling."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.reception import persistence
from services.reception.application.cancellations import CancelRequest, keep_cancellation
from services.reception.application.capacity import reserve
from services.reception.application.changes import lock_seen, save_change
from services.reception.application.checklists import delivery_checklist
from services.reception.application.customers import check_customer, keep_details
from services.reception.application.deps import Deps
from services.reception.application.greetings import cancel_expected_greeting
from services.reception.application.opening_hours import require_in_business
from services.reception.application.views import (
    OrderDetail,
    OrderView,
    as_seen_by,
    order_view,
)
from services.reception.application.work import Work, op_codes_of, priced_work
from services.reception.clients.workshop import Caller
from services.reception.domain import order as orders
from services.reception.domain import repair_order as repair_orders
from services.reception.domain import vehicle as vehicles
from services.reception.domain.delivery import delivery_blockers
from services.reception.domain.estimate_version import (
    DecisionRecord,
    close_unanswered,
    last_authorized,
)
from services.reception.domain.lifecycle import RepairOrderStatus
from services.reception.domain.order import LARGEST_ODOMETER_KM, WriteUp
from services.reception.domain.ordered_work import agree_at_opening, check_seen
from services.reception.domain.promise import Promise
from services.reception.domain.vehicle import VehicleIdentity
from services.reception.domain.visit import Visit
from shared.contracts.base import Identifier
from shared.contracts.reception import OdometerDiscrepancyReason, WalkaroundDamage
from shared.contracts.violations import unknown_code
from shared.db import Connection
from shared.formats import Phone, Plate
from shared.request_model import RequestWithVin, VersionedRequest
from shared.security import SEES_MONEY, Principal
from shared.unit_of_work import UnitOfWork

BOARD_DAYS = 30


class CustomerDetails(RequestWithVin):
    """Details of a person and vehicle that customer relations does not have yet."""

    name: Annotated[str, Field(min_length=1, max_length=80, description="姓名")]
    phone: Annotated[Phone, Field(description="电话")]
    plate: Plate
    brand: Annotated[str, Field(min_length=1, max_length=40, description="品牌")]
    model: Annotated[str, Field(min_length=1, max_length=40, description="车型")]


class OpenOrderRequest(VersionedRequest, Work):
    """Data that the advisor records.

    References come from customer relations; while it is unavailable, ``customer`` carries the
    person's details, which are kept encrypted and follow later.
    """

    customer_ref: Identifier | None = None
    vehicle_ref: Identifier | None = None
    customer: CustomerDetails | None = None
    odometer_km: Annotated[int, Field(ge=0, le=LARGEST_ODOMETER_KM)]
    odometer_discrepancy_reason: OdometerDiscrepancyReason | None = None
    fuel_or_charge_percent: Annotated[int | None, Field(ge=0, le=100)] = None
    walkaround_damages: Annotated[list[WalkaroundDamage], Field(max_length=60)] = []
    belongings: Annotated[str | None, Field(min_length=1, max_length=1000)] = None
    customer_concern: Annotated[str, Field(min_length=1, max_length=2000, description="客户描述")]
    symptoms: Annotated[list[Identifier], Field(max_length=10)] = []
    waiting_customer: bool = False
    rush: bool = False
    authorization_channel: Literal["in_person", "phone"] = "in_person"

    @model_validator(mode="after")
    def _one_way_to_name_the_customer(self) -> Self:
        if self.customer is None and not (self.customer_ref and self.vehicle_ref):
            raise ValueError("customer_ref and vehicle_ref, or customer, is required")
        if self.customer is not None and (self.customer_ref or self.vehicle_ref):
            raise ValueError("either references or customer, not both")
        return self


async def list_orders(
    reader: Principal, store_id: str, statuses: Sequence[RepairOrderStatus], deps: Deps
) -> list[OrderView]:
    """List the orders of the last 30 days in one of the statuses, as ``reader`` may see them."""
    since = deps.uow_factory.clock.now() - timedelta(days=BOARD_DAYS)
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.list_orders(connection, store_id, statuses, since)
    return [as_seen_by(reader, order_view(order)) for order in found]


async def get_order(reader: Principal, store_id: str, order_id: str, deps: Deps) -> OrderDetail:
    """Read one order with the customer's concern, as its ``reader`` may see it.

    Raises:
        NotDefinedError: there is no checklist of delivery.
    """
    async with deps.uow_factory.read(store_id) as connection:
        today = deps.today(await deps.group.store(connection, store_id))
        order = await persistence.read_order(connection, store_id, order_id)
        customer_concern, belongings = [
            await deps.personal.decrypt(connection, store_id, order_id, encrypted)
            for encrypted in await persistence.encrypted_texts(connection, store_id, order_id)
        ]
        checklist = await delivery_checklist(connection, store_id, today, deps)
    blockers = delivery_blockers(order, checklist, reader.subject)
    view = OrderDetail(
        **order_view(order).model_dump(),
        customer_concern=customer_concern,
        belongings=belongings,
        delivery_blockers=blockers if reader.has(*SEES_MONEY) else None,
    )
    return as_seen_by(reader, view)


async def prepare_opening(
    order_id: str, command: OpenOrderRequest, caller: Caller, deps: Deps
) -> Promise:
    """Have the workshop reserve the time; its promise is provisional while it is unavailable.

    Raises:
        RuleViolation: the order cannot be opened like this.
    """
    async with deps.uow_factory.read(caller.store_id) as connection:
        store = await deps.group.store(connection, caller.store_id)
        require_in_business(store)
        for symptom in await deps.catalog.unknown_symptoms(
            connection, command.symptoms, deps.today(store)
        ):
            raise unknown_code("symptoms", symptom)
        versions = await persistence.estimate_versions(connection, caller.store_id, order_id)
        agreed = last_authorized(versions, None)
        op_codes = op_codes_of(await priced_work(connection, store, command, deps, agreed))
    replaces = await _check_may_open(order_id, command, caller, deps)
    return await reserve(caller, op_codes, deps, confidence=command.confidence, replaces=replaces)


async def open_order(
    uow: UnitOfWork, order_id: str, command: OpenOrderRequest, promise: Promise, deps: Deps
) -> OrderView:
    """Open the repair order (开单) with the workshop's hold behind its ``promise``."""
    connection = uow.connection
    order = await persistence.lock_order(connection, uow.store_id, order_id)
    vehicle = _vehicle(command, order.visit)
    await persistence.lock_vehicle(connection, vehicle.vehicle_ref)
    await _check_has_no_other_order(connection, order.visit, vehicle)
    versions = await persistence.estimate_versions(connection, uow.store_id, order_id)
    check_seen(order, versions, command.version)
    store = await deps.group.store(connection, uow.store_id)
    repair_order, agreed, changed = agree_at_opening(
        order.repair_order,
        versions,
        await priced_work(connection, store, command, deps, last_authorized(versions, None)),
        DecisionRecord(command.authorization_channel, uow.person, uow.now),
        uow.person,
    )
    visit, repair_order, events = orders.open_order(
        order.visit,
        repair_order,
        _write_up(command, vehicle),
        promise,
        known_odometer_km=await persistence.last_odometer(connection, vehicle.vehicle_ref),
        agreed=agreed,
        now=uow.now,
    )
    opened = replace(order, visit=visit, repair_order=repair_order)
    saved = await save_change(uow, opened, events)
    await persistence.save_estimates(connection, changed)
    await _keep_texts(uow, order_id, command, deps)
    if command.customer is not None:
        await keep_details(uow, order_id, command.customer.model_dump_json(), deps)
    return order_view(saved)


async def cancel_order(
    uow: UnitOfWork, order_id: str, command: CancelRequest, deps: Deps
) -> OrderView:
    """Cancel a visit before work has begun, and release what was reserved for it."""
    order = await lock_seen(uow, order_id, command.version)
    held = await _appointment_hold(uow.connection, order.visit)
    cancelled, events = repair_orders.cancel(
        order.repair_order, order.account.deposit_cents, command.reason, held
    )
    versions = await persistence.estimate_versions(uow.connection, uow.store_id, order_id)
    closed, unanswered = close_unanswered(cancelled, versions)
    saved = await save_change(uow, replace(order, repair_order=closed), events)
    await persistence.save_estimates(uow.connection, unanswered)
    await keep_cancellation(uow, order_id, command, deps)
    await cancel_expected_greeting(uow, order_id)
    return order_view(saved)


def _vehicle(command: OpenOrderRequest, visit: Visit) -> VehicleIdentity:
    """Return the vehicle that customer records have named, else the one that has arrived."""
    if command.vehicle_ref is None:
        return visit.vehicle
    return VehicleIdentity(visit.plate_ref, command.vehicle_ref, identified=True)


def _write_up(command: OpenOrderRequest, vehicle: VehicleIdentity) -> WriteUp:
    return WriteUp(
        customer_ref=command.customer_ref,
        vehicle_ref=vehicle.vehicle_ref,
        vehicle_identified=vehicle.identified,
        odometer_km=command.odometer_km,
        symptoms=tuple(command.symptoms),
        waiting_customer=command.waiting_customer,
        rush=command.rush,
        odometer_discrepancy_reason=command.odometer_discrepancy_reason,
        fuel_or_charge_percent=command.fuel_or_charge_percent,
        walkaround_damages=tuple(command.walkaround_damages),
    )


async def _keep_texts(
    uow: UnitOfWork, order_id: str, command: OpenOrderRequest, deps: Deps
) -> None:
    """Store the customer's concern and the belongings in the vehicle, encrypted."""
    connection, store_id = uow.connection, uow.store_id
    customer_concern = await deps.personal.encrypt(
        connection, store_id, order_id, command.customer_concern
    )
    belongings = await deps.personal.encrypt(connection, store_id, order_id, command.belongings)
    await persistence.save_texts(connection, store_id, order_id, customer_concern, belongings)


async def _check_may_open(
    order_id: str, command: OpenOrderRequest, caller: Caller, deps: Deps
) -> str | None:
    """Refuse, before capacity is reserved, an opening that would be refused afterwards.

    Returns the hold of the order's appointment, which the order's own hold replaces.
    """
    store_id = caller.store_id
    async with deps.uow_factory.read(store_id) as connection:
        order = await persistence.read_order(connection, store_id, order_id)
        versions = await persistence.estimate_versions(connection, store_id, order_id)
        check_seen(order, versions, command.version)
        vehicle = _vehicle(command, order.visit)
        known = await persistence.last_odometer(connection, vehicle.vehicle_ref)
        orders.check_may_open(
            order.status, command.odometer_km, known, command.odometer_discrepancy_reason
        )
        await _check_has_no_other_order(connection, order.visit, vehicle)
        hold_id = await _appointment_hold(connection, order.visit)
    await _check_same_vehicle(order.visit, command, caller, deps)
    await check_customer(caller, command.customer_ref, deps)
    return hold_id


async def _check_has_no_other_order(
    connection: Connection, visit: Visit, vehicle: VehicleIdentity
) -> None:
    """Refuse a vehicle that has another open order in the store, under any plate."""
    visits = await persistence.open_visits(connection, vehicle)
    vehicles.check_not_in_store(visits, visit.store_id, visit.order_id)


async def _check_same_vehicle(
    visit: Visit, command: OpenOrderRequest, caller: Caller, deps: Deps
) -> None:
    """Refuse an order for another vehicle than the one that arrived.

    While customer relations is unavailable, this cannot be checked.
    """
    if command.customer is not None:
        plate_ref = deps.personal.reference("plate", command.customer.plate)
        vehicles.check_same_plate(visit.plate_ref, plate_ref)
    elif command.vehicle_ref and (
        command.vehicle_ref != visit.vehicle_ref or not visit.vehicle_identified
    ):
        known = await deps.crm.read_vehicle(caller.token, caller.store_id, command.vehicle_ref)
        if known is not None:
            vehicles.check_same_plate(visit.plate_ref, known.plate_ref)


async def _appointment_hold(connection: Connection, visit: Visit) -> str | None:
    """Return the hold of the order's appointment."""
    if visit.appointment_id is None:
        return None
    booked = await persistence.lock_appointment(connection, visit.store_id, visit.appointment_id)
    return booked.hold_id
