"""Commands and queries of reception."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, Field, model_validator

from services.reception import handlers, store
from services.reception.catalogue import Catalogue
from services.reception.domain import appointment as appointments
from services.reception.domain import errors
from services.reception.domain import order as orders
from services.reception.domain.appointment import Appointment
from services.reception.domain.estimate import Estimate, PartQuantity, estimate
from services.reception.domain.order import Intake, Order, PaymentMethod, Promise, Stage
from services.reception.domain.provisional import provisional_promise
from services.reception.workshop import WorkshopAwayError, WorkshopClient
from shared import timers
from shared.body import Body
from shared.commands import Command, command
from shared.contracts.reception import DeliveryStep, EstimateLine
from shared.contracts.refusal import Refused
from shared.db import transaction
from shared.duties import serves
from shared.identifiers import Plate, Vin
from shared.ids import new_id
from shared.personal import PersonalData
from shared.security import Principal, caller
from shared.unit import Unit

router = APIRouter(prefix="/stores/{store_id}")

Advisor = Annotated[Command, Depends(command("advisor", "manager"))]
FrontDesk = Annotated[Command, Depends(command("advisor", "manager", "agent"))]
Reader = Annotated[
    Principal,
    Depends(
        caller(
            "advisor", "dispatcher", "technician", "inspector", "agent", "manager", "group_manager"
        )
    ),
]

LARGEST_ODOMETER_KM = 2_000_000
_DEFAULT_CONFIDENCE = 0.95
_BOARD_DAYS = 30


class BookAppointment(Body):
    plate: Plate
    planned_at: AwareDatetime
    operations: Annotated[list[str], Field(min_length=1, max_length=20)]


class CancelBody(Body):
    reason: Annotated[str, Field(min_length=2, max_length=200)]


class RecordArrival(Body):
    plate: Plate
    appointment_id: str | None = None


class PartLine(Body):
    part_no: str
    quantity: Annotated[int, Field(ge=1, le=100)]


class Work(Body):
    """Labor operations and parts, to be estimated and promised."""

    operations: Annotated[list[str], Field(min_length=1, max_length=20)]
    parts: Annotated[list[PartLine], Field(max_length=100)] = []
    confidence: Annotated[float, Field(ge=0.5, le=0.99)] = _DEFAULT_CONFIDENCE


class CustomerDetails(Body):
    """A person and vehicle that customer relations does not have yet."""

    name: Annotated[str, Field(min_length=1, max_length=80, description="姓名")]
    phone: Annotated[str, Field(min_length=7, max_length=20, description="电话")]
    plate: Plate
    vin: Vin
    brand: Annotated[str, Field(min_length=1, max_length=40, description="品牌")]
    model: Annotated[str, Field(min_length=1, max_length=40, description="车型")]


class OpenOrder(Work):
    """What the advisor takes down. References come from customer relations; while it is away,
    ``customer`` carries the person's details, which are kept encrypted and follow later."""

    customer_ref: Annotated[str | None, Field(min_length=1, max_length=120)] = None
    vehicle_ref: Annotated[str | None, Field(min_length=1, max_length=120)] = None
    customer: CustomerDetails | None = None
    odometer_km: Annotated[int, Field(ge=0, le=LARGEST_ODOMETER_KM)]
    words: Annotated[str, Field(min_length=1, max_length=2000, description="客户描述")]
    symptoms: Annotated[list[str], Field(max_length=10)] = []
    waiting_customer: bool = False

    @model_validator(mode="after")
    def _one_way_to_name_the_customer(self) -> Self:
        if self.customer is None and not (self.customer_ref and self.vehicle_ref):
            raise ValueError("customer_ref and vehicle_ref, or customer, is required")
        if self.customer is not None and (self.customer_ref or self.vehicle_ref):
            raise ValueError("either references or customer, not both")
        return self


class RecordStep(Body):
    step: str


class RecordPayment(Body):
    method: PaymentMethod
    amount_cents: Annotated[int, Field(gt=0, le=10**10)]


class AppointmentView(BaseModel):
    appointment_id: str
    plate_ref: str
    planned_at: datetime
    operations: Sequence[str]
    status: str
    provisional: bool


class Quote(BaseModel):
    """An estimate and the promise that it could have now."""

    lines: Sequence[EstimateLine]
    estimate_cents: int
    promised_at: datetime
    confidence: float
    provisional: bool
    rests_on: dict[str, Any] | None


class OrderView(BaseModel):
    """A repair order without personal data."""

    order_id: str
    store_id: str
    stage: Stage
    queue_number: int
    plate_ref: str
    appointment_id: str | None
    arrived_at: datetime
    greeting_due_at: datetime
    advisor_id: str | None
    greeted_at: datetime | None
    customer_ref: str | None
    vehicle_ref: str | None
    odometer_km: int | None
    waiting_customer: bool
    symptoms: Sequence[str]
    operations: Sequence[str]
    lines: Sequence[EstimateLine]
    estimate_cents: int
    opened_at: datetime | None
    promised_at: datetime | None
    promise_provisional: bool
    ready_at: datetime | None
    steps: Sequence[DeliveryStep]
    delivered_at: datetime | None
    invoice_id: str | None
    invoiced_cents: int
    received_cents: int
    balance_cents: int


class OrderWithWords(OrderView):
    """The same with the customer's own words; absent when they were erased."""

    words: str | None


@router.get("/catalogue", tags=["catalogue"], openapi_extra=serves("R3", "R4", "R7"))
async def catalogue(request: Request, store_id: str, _: Reader) -> dict[str, Any]:
    """Operations, parts, symptom codes and delivery steps with their names, and labor rates."""
    known = _catalogue(request)
    return {**known.entries, "labor_rate_cents": known.stores[store_id].labor_rate_cents}


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
    estimate(_catalogue(request).prices(command.store_id), body.operations, ())
    hold_id = await _hold_id(request, command, body)
    plate_ref = _personal(request).reference("plate", body.plate)

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
        return _appointment_view(booked)

    return await command.run(effect, status=201)


@router.get("/appointments", tags=["appointments"], openapi_extra=serves("R1"))
async def list_appointments(request: Request, store_id: str, _: Reader) -> list[AppointmentView]:
    """The appointments of the store's present day."""
    place = _catalogue(request).stores[store_id]
    begin, end = place.day_bounds(place.local_day(request.app.state.service.clock.now()))
    async with transaction(request.app.state.units.pool, [store_id]) as connection:
        found = await store.list_appointments(connection, store_id, begin, end)
    return [_appointment_view(appointment) for appointment in found]


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
        return _appointment_view(cancelled)

    return await command.run(effect)


@router.post(
    "/arrivals",
    status_code=201,
    response_model=OrderView,
    tags=["arrivals"],
    openapi_extra=serves("R2"),
)
async def record_arrival(request: Request, body: RecordArrival, command: FrontDesk) -> JSONResponse:
    """A vehicle stands at reception (进厂); its customer gets a queue number."""
    place = _catalogue(request).stores[command.store_id]
    plate_ref = _personal(request).reference("plate", body.plate)

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
        await store.save_order(connection, order)
        await timers.schedule(
            unit,
            handlers.GREETING_OVERDUE,
            order.order_id,
            store_id=order.store_id,
            due_at=order.greeting_due_at,
            cause=command.cause,
        )
        unit.publish(events, command.cause)
        return _view(order)

    return await command.run(effect, status=201)


@router.get("/arrivals", tags=["arrivals"], openapi_extra=serves("R2"))
async def arrival_board(request: Request, store_id: str, _: Reader) -> list[OrderView]:
    """Who stands at reception (接待看板), the longest waiting first."""
    return await _listed(request, store_id, ["arrived", "greeted"])


@router.get("/orders", tags=["orders"], openapi_extra=serves("R5"))
async def list_orders(
    request: Request, store_id: str, _: Reader, stage: Annotated[list[Stage], Query()]
) -> list[OrderView]:
    """Orders of the last 30 days at one of the stages."""
    return await _listed(request, store_id, stage)


@router.get("/orders/{order_id}", tags=["orders"], openapi_extra=serves("R3", "R5"))
async def get_order(request: Request, store_id: str, order_id: str, _: Reader) -> OrderWithWords:
    """One order with the customer's own words."""
    async with transaction(request.app.state.units.pool, [store_id]) as connection:
        order = await store.read_order(connection, store_id, order_id)
        sealed = await store.sealed_words(connection, store_id, order_id)
        words = await _personal(request).decrypt(connection, store_id, order_id, sealed)
    return OrderWithWords(**_view(order).model_dump(), words=words)


@router.post(
    "/orders/{order_id}/greeting",
    response_model=OrderView,
    tags=["arrivals"],
    openapi_extra=serves("R2"),
)
async def greet_customer(order_id: str, command: Advisor) -> JSONResponse:
    """The calling advisor receives the customer (接待)."""

    async def effect(unit: Unit) -> BaseModel:
        order = await store.lock_order(unit.connection, command.store_id, order_id)
        greeted, events = orders.greet(order, command.principal.subject, unit.now)
        await store.save_order(unit.connection, greeted)
        await timers.cancel(unit, handlers.GREETING_OVERDUE, order_id)
        unit.publish(events, command.cause)
        return _view(greeted)

    return await command.run(effect)


@router.post("/quotes", tags=["orders"], openapi_extra=serves("R4", "R5", "R11"))
async def quote(
    request: Request,
    store_id: str,
    body: Work,
    principal: Annotated[Principal, Depends(caller("advisor", "manager", "agent"))],
) -> Quote:
    """What the work costs and when it would be done (报价); nothing is reserved."""
    priced = _estimate(request, store_id, body)
    try:
        answer = await _workshop(request).quote(
            principal, store_id, body.operations, confidence=body.confidence
        )
    except WorkshopAwayError:
        answer = await _provisional(request, store_id, body)
    return Quote(
        lines=priced.lines,
        estimate_cents=priced.total_cents,
        promised_at=answer["promised_at"],
        confidence=answer["confidence"],
        provisional=answer.get("provisional", False),
        rests_on=answer.get("rests_on"),
    )


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
    if answered := await command.earlier_answer():
        return answered
    known = _catalogue(request)
    for symptom in body.symptoms:
        if symptom not in known.symptoms:
            raise errors.unknown_code("symptoms", symptom)
    priced = _estimate(request, command.store_id, body)
    personal = _personal(request)
    vehicle_ref = body.vehicle_ref or _vehicle_ref(personal, body)
    try:
        replaces = await _check_may_open(request, command, order_id, vehicle_ref, body.odometer_km)
    except Refused:
        # Another try of this command may have opened the order since the question above.
        if answered := await command.earlier_answer():
            return answered
        raise
    promise = await _promise(request, command, body, replaces)

    async def effect(unit: Unit) -> BaseModel:
        connection = unit.connection
        order = await store.lock_order(connection, command.store_id, order_id)
        opened, events = orders.open_order(
            order,
            _intake(body, vehicle_ref, priced),
            priced,
            promise,
            advisor_id=command.principal.subject,
            known_odometer_km=await store.lock_odometer(connection, command.store_id, vehicle_ref),
            now=unit.now,
        )
        await store.save_order(connection, opened)
        words = await personal.encrypt(connection, command.store_id, order_id, body.words)
        await store.save_words(connection, command.store_id, order_id, words)
        await store.raise_odometer(connection, command.store_id, vehicle_ref, body.odometer_km)
        if body.customer is not None:
            await _keep_details(unit, personal, command, order_id, body.customer)
        unit.publish(events, command.cause)
        return _view(opened)

    return await command.run(effect)


@router.post(
    "/orders/{order_id}/cancellation",
    response_model=OrderView,
    tags=["orders"],
    openapi_extra=serves("R5"),
)
async def cancel_order(order_id: str, body: CancelBody, command: Advisor) -> JSONResponse:
    """End a visit before work has begun."""

    async def effect(unit: Unit) -> BaseModel:
        order = await store.lock_order(unit.connection, command.store_id, order_id)
        cancelled, events = orders.cancel(order, body.reason)
        await store.save_order(unit.connection, cancelled)
        await timers.cancel(unit, handlers.GREETING_OVERDUE, order_id)
        unit.publish(events, command.cause)
        return _view(cancelled)

    return await command.run(effect)


@router.post(
    "/orders/{order_id}/delivery-steps",
    response_model=OrderView,
    tags=["delivery"],
    openapi_extra=serves("R7"),
)
async def record_delivery_step(
    request: Request, order_id: str, body: RecordStep, command: Advisor
) -> JSONResponse:
    """One step of the delivery checklist (交车步骤) is done by the caller, now."""
    template = _catalogue(request).delivery_steps

    async def effect(unit: Unit) -> BaseModel:
        order = await store.lock_order(unit.connection, command.store_id, order_id)
        done = orders.record_step(order, body.step, template, command.principal.subject, unit.now)
        await store.save_order(unit.connection, done)
        return _view(done)

    return await command.run(effect)


@router.post(
    "/orders/{order_id}/delivery",
    response_model=OrderView,
    tags=["delivery"],
    openapi_extra=serves("R7"),
)
async def deliver_vehicle(request: Request, order_id: str, command: Advisor) -> JSONResponse:
    """Hand the vehicle over (交车); refused while a step is missing."""
    template = _catalogue(request).delivery_steps

    async def effect(unit: Unit) -> BaseModel:
        order = await store.lock_order(unit.connection, command.store_id, order_id)
        delivered, events = orders.deliver(order, template, command.principal.subject, unit.now)
        await store.save_order(unit.connection, delivered)
        unit.publish(events, command.cause)
        return _view(delivered)

    return await command.run(effect)


@router.post(
    "/orders/{order_id}/invoice",
    response_model=OrderView,
    tags=["settlement"],
    openapi_extra=serves("R8"),
)
async def issue_invoice(request: Request, order_id: str, command: Advisor) -> JSONResponse:
    """Bill the order (结算)."""
    place = _catalogue(request).stores[command.store_id]

    async def effect(unit: Unit) -> BaseModel:
        order = await store.lock_order(unit.connection, command.store_id, order_id)
        invoiced, events = orders.issue_invoice(
            order,
            invoice_id=str(new_id()),
            tax_rate_bp=place.tax_rate_bp,
            payment_term=timedelta(days=place.payment_days),
            now=unit.now,
        )
        await store.save_order(unit.connection, invoiced)
        unit.publish(events, command.cause)
        return _view(invoiced)

    return await command.run(effect)


@router.post(
    "/orders/{order_id}/payments",
    response_model=OrderView,
    tags=["settlement"],
    openapi_extra=serves("R8"),
)
async def receive_payment(order_id: str, body: RecordPayment, command: Advisor) -> JSONResponse:
    """Take money (收款), never more than the balance."""

    async def effect(unit: Unit) -> BaseModel:
        order = await store.lock_order(unit.connection, command.store_id, order_id)
        paid, events = orders.receive_payment(
            order,
            payment_id=str(new_id()),
            method=body.method,
            amount_cents=body.amount_cents,
            now=unit.now,
        )
        await store.save_order(unit.connection, paid)
        unit.publish(events, command.cause)
        return _view(paid)

    return await command.run(effect)


async def _listed(
    request: Request, store_id: str, stages: Sequence[Stage | Literal["arrived"]]
) -> list[OrderView]:
    since = request.app.state.service.clock.now() - timedelta(days=_BOARD_DAYS)
    async with transaction(request.app.state.units.pool, [store_id]) as connection:
        found = await store.list_orders(connection, store_id, stages, since)
    return [_view(order) for order in found]


def _estimate(request: Request, store_id: str, work: Work) -> Estimate:
    parts = [PartQuantity(line.part_no, line.quantity) for line in work.parts]
    return estimate(_catalogue(request).prices(store_id), work.operations, parts)


def _vehicle_ref(personal: PersonalData, body: OpenOrder) -> str:
    return personal.reference("vin", body.customer.vin) if body.customer else ""


def _intake(body: OpenOrder, vehicle_ref: str, priced: Estimate) -> Intake:
    return Intake(
        customer_ref=body.customer_ref,
        vehicle_ref=vehicle_ref,
        odometer_km=body.odometer_km,
        symptoms=tuple(body.symptoms),
        operations=priced.operations,
        waiting_customer=body.waiting_customer,
    )


async def _keep_details(
    unit: Unit, personal: PersonalData, command: Command, order_id: str, details: CustomerDetails
) -> None:
    """Keep the person's details, encrypted, and have them moved to customer relations."""
    store_id, text = command.store_id, details.model_dump_json()
    sealed = await personal.encrypt(unit.connection, store_id, order_id, text)
    await store.save_details(unit.connection, store_id, order_id, sealed)
    await timers.schedule(
        unit,
        handlers.LINK_CUSTOMER,
        order_id,
        store_id=store_id,
        due_at=unit.now,
        cause=command.cause,
    )


async def _check_may_open(
    request: Request, command: Command, order_id: str, vehicle_ref: str, odometer_km: int
) -> str | None:
    """Refuse before capacity is reserved what the decision would refuse after it; answers with
    the hold of the order's appointment, which the order's own hold replaces."""
    async with transaction(request.app.state.units.pool, [command.store_id]) as connection:
        order = await store.read_order(connection, command.store_id, order_id)
        known = await store.lock_odometer(connection, command.store_id, vehicle_ref)
        orders.check_may_open(order, odometer_km, known)
        if order.appointment_id is None:
            return None
        booked = await store.lock_appointment(connection, command.store_id, order.appointment_id)
        return booked.hold_id


async def _promise(
    request: Request, command: Command, body: OpenOrder, replaces: str | None
) -> Promise:
    try:
        answer = await _workshop(request).hold(
            command, body.operations, confidence=body.confidence, replaces=replaces
        )
    except WorkshopAwayError:
        answer = await _provisional(request, command.store_id, body)
    return Promise(
        promised_at=datetime.fromisoformat(answer["promised_at"]),
        confidence=answer["confidence"],
        hold_id=answer.get("hold_id"),
        provisional=answer.get("provisional", False),
    )


async def _provisional(request: Request, store_id: str, work: Work) -> dict[str, Any]:
    operations = _catalogue(request).operations
    async with transaction(request.app.state.units.pool, [store_id]) as connection:
        free = await store.last_capacity(connection, store_id)
    promised_at = provisional_promise(
        free,
        [operations[operation_id] for operation_id in work.operations],
        request.app.state.service.clock.now(),
    )
    return {
        "promised_at": promised_at.isoformat(),
        "confidence": work.confidence,
        "provisional": True,
    }


async def _hold_id(request: Request, command: Command, body: BookAppointment) -> str | None:
    try:
        answer = await _workshop(request).hold(
            command,
            body.operations,
            confidence=_DEFAULT_CONFIDENCE,
            earliest_start_at=body.planned_at,
        )
    except WorkshopAwayError:
        return None
    hold_id: str = answer["hold_id"]
    return hold_id


def _catalogue(request: Request) -> Catalogue:
    known: Catalogue = request.app.state.catalogue
    return known


def _personal(request: Request) -> PersonalData:
    personal: PersonalData = request.app.state.personal
    return personal


def _workshop(request: Request) -> WorkshopClient:
    client: WorkshopClient = request.app.state.workshop
    return client


def _view(order: Order) -> OrderView:
    return OrderView(
        **{name: getattr(order, name) for name in _VIEW_FIELDS},
        operations=[operation.operation_id for operation in order.operations],
        steps=list(order.steps.values()),
    )


_VIEW_FIELDS = [name for name in OrderView.model_fields if name not in ("operations", "steps")]


def _appointment_view(appointment: Appointment) -> AppointmentView:
    return AppointmentView(
        appointment_id=appointment.appointment_id,
        plate_ref=appointment.plate_ref,
        planned_at=appointment.planned_at,
        operations=appointment.operations,
        status=appointment.status,
        provisional=appointment.hold_id is None,
    )
