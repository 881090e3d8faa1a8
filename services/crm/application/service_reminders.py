"""Service reminders (保养提醒): planned from the service history, raised at night, answered."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, Field

from services.crm.application import nightly
from services.crm.application.deps import Deps
from services.crm.application.follow_ups import Occasion, cancel_follow_ups, schedule_follow_ups
from services.crm.application.pages import page_after, place_of
from services.crm.domain import service_history, service_reminder
from services.crm.domain.service_history import ServiceRecord
from services.crm.domain.service_reminder import Reminder, State, Vehicle
from services.crm.persistence import service_reminder as reminders
from shared.contracts import Event
from shared.contracts.base import Identifier
from shared.contracts.crm import ReminderAnswer, ServiceReminderKind
from shared.contracts.management import ServiceReminderRules
from shared.contracts.recalls import Recall
from shared.contracts.reception import (
    AdditionalWorkAuthorized,
    AdditionalWorkDeclined,
    OrderOpened,
    VehicleDelivered,
    WorkWithdrawn,
)
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.envelope import Envelope, ReceivedEvent
from shared.group import CalendarDay, Store
from shared.ids import new_id
from shared.recalls import open_recalls
from shared.request_model import RequestModel
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

PAGE = 100
"""Reminders that one response lists at most."""

_GOES_ON = "goes_on"

_OF_ORDER = (OrderOpened, AdditionalWorkAuthorized, WorkWithdrawn, VehicleDelivered)


class AnswerReminderRequest(RequestModel):
    """What the customer answers to an invitation.

    ``appointment_id`` of one who has booked; ``remind_on`` is the day on which one who wants it
    later is invited again.
    """

    answer: Annotated[ReminderAnswer, Field(description="提醒结果")]
    appointment_id: Identifier | None = None
    remind_on: CalendarDay | None = None


class RecordOdometerRequest(RequestModel):
    """Reading that the customer states, for example on the phone (客户报里程)."""

    odometer_km: Annotated[int, Field(ge=0, le=2_000_000, description="里程")]
    read_on: CalendarDay


class RecordFirstRegistrationRequest(RequestModel):
    first_registered_on: Annotated[CalendarDay, Field(description="注册登记日期")]


class ReminderView(BaseModel):
    """What a vehicle needs, and the figures from which its day was predicted.

    ``due_on`` is the earlier of ``time_due_on``, by the interval in months, and ``km_due_on``, on
    which the odometer is expected to show ``due_km``.
    """

    reminder_id: str
    vehicle_ref: str
    customer_ref: str
    kind: ServiceReminderKind
    due_on: date
    remind_on: date
    op_codes: Sequence[str]
    time_due_on: date | None
    km_due_on: date | None
    due_km: int | None
    odometer_km: int | None
    read_on: date | None
    km_per_day: float | None
    last_service_on: date | None
    last_service_km: int | None
    state: State
    raised_at: datetime | None
    answer: ReminderAnswer | None
    answered_at: datetime | None
    answered_by: str | None
    appointment_id: str | None
    order_id: str | None


class ReminderPage(BaseModel):
    """Reminders by when they are due; ``next_page`` continues the list, absent on its last page."""

    reminders: list[ReminderView]
    next_page: str | None


class ServiceRecordView(BaseModel):
    """Reading of the odometer, and the work of that visit."""

    record_id: str
    odometer_km: int
    read_on: date
    restarts: bool
    op_codes: Sequence[str]
    delivered_on: date | None


class ReminderDetail(ReminderView):
    """A reminder with the service history of its vehicle by day."""

    brand: str | None
    model: str | None
    first_registered_on: date | None
    records: list[ServiceRecordView]


class ServiceHistoryView(BaseModel):
    """The service history of a vehicle, and what it needs next."""

    vehicle_ref: str
    first_registered_on: date | None
    km_per_day: float | None
    records: list[ServiceRecordView]
    reminders: list[ReminderView]


async def record_service_history(
    uow: UnitOfWork, batch: Sequence[ReceivedEvent], deps: Deps
) -> None:
    """Record odometers and work of visits, and remember work that was declined (R26)."""
    about_orders = [each for each in batch if isinstance(each.event, _OF_ORDER)]
    declined = [each for each in batch if isinstance(each.event, AdditionalWorkDeclined)]
    if not about_orders and not declined:
        return
    connection = uow.connection
    known = await reminders.lock_records(
        connection,
        sorted({_order_of(each.event) for each in (*about_orders, *declined)}),
    )
    stores = await deps.group.stores(connection, {each.envelope.store_id for each in batch})
    changed: dict[tuple[str, str], ServiceRecord] = {}
    for received in about_orders:
        order, store = _order_of(received.event), stores[received.envelope.store_id]
        record = service_history.after_event(
            known.get(order), received.event, store.local_day(received.envelope.time)
        )
        if record is not None and record != known.get(order):
            known[order] = changed[order] = record
    if changed:
        await reminders.save_records(connection, list(changed.values()))
        causes = {_order_of(each.event): each.envelope for each in about_orders}
        await _close_work_done(uow, changed, causes)
    for received in declined:
        await _remember_declined(uow, received, known, stores, deps)


async def raise_service_reminders(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Plan the reminders of vehicles whose history has changed, raise those that are due, and close
    those that had no answer for long.

    A reminder is made once for each visit, day or work that it is about, and raised once; that of a
    recall again, until the customer answers, the work is done or the recall ends.
    """
    connection = uow.connection
    store = await deps.group.store(connection, timer.store_id)
    today = store.local_day(uow.now)
    rules = await _rules(connection, store.id, today, deps)
    recalls = await open_recalls(connection, deps.group.master_data, today)
    if not timer.data.get(_GOES_ON):
        by_brand = service_reminder.recalls_by_brand(recalls)
        await reminders.plan_recalled(connection, store.id, by_brand)
    to_plan = await reminders.lock_vehicles_to_plan(connection, store.id, nightly.BATCH)
    await _plan(uow, store.id, to_plan, recalls, rules, today, deps)
    to_raise = await reminders.lock_reminders_to_raise(connection, store.id, today, nightly.BATCH)
    limit = uow.now - timedelta(days=rules.close_after_days)
    expired = await reminders.lock_unanswered_reminders(connection, store.id, limit, nightly.BATCH)
    published: list[Event] = []
    saved: list[Reminder] = []
    for each in to_raise:
        raised, due_events = service_reminder.raise_reminder(each, uow.now)
        saved.append(raised)
        published += due_events
    for each in expired:
        ended, closed_events = service_reminder.give_up(each, today, uow.now)
        saved.append(ended)
        published += closed_events
        await cancel_follow_ups(uow, about=_call_about(each))
    await reminders.save_reminders(connection, saved)
    await _plan_inspections_again(uow, saved)
    uow.publish(published)
    await _invite(uow, to_raise, deps)
    more = nightly.BATCH in (len(to_plan), len(to_raise), len(expired))
    await nightly.schedule_next_batch(
        uow,
        nightly.SERVICE_REMINDERS_DUE,
        store,
        more=more,
        data={_GOES_ON: True} if more else None,
    )


async def answer_reminder(
    uow: UnitOfWork, reminder_id: str, command: AnswerReminderRequest, deps: Deps
) -> ReminderView:
    """Record what the customer answers to an invitation (提醒结果).

    Raises:
        RuleViolation: the store has no such reminder, it has an answer already, or the answer and
            its day or appointment do not fit.
    """
    reminder = await reminders.lock_reminder(uow.connection, uow.store_id, reminder_id)
    answered, events = service_reminder.answer(
        reminder,
        command.answer,
        by=uow.person,
        appointment_id=command.appointment_id,
        remind_on=command.remind_on,
        today=await _today(uow, deps),
        now=uow.now,
    )
    await reminders.save_reminders(uow.connection, [answered])
    await _plan_inspections_again(uow, [answered])
    await cancel_follow_ups(uow, about=_call_about(reminder))
    uow.publish(events)
    return _view(answered)


async def record_odometer(
    uow: UnitOfWork, vehicle_ref: str, command: RecordOdometerRequest, deps: Deps
) -> ServiceHistoryView:
    """Record a reading that the customer states, and plan the vehicle's reminders again.

    Raises:
        RuleViolation: the store has no such vehicle, the day is to come, or the odometer runs
            backward.
    """
    connection, store_id, today = uow.connection, uow.store_id, await _today(uow, deps)
    await _require_vehicle(connection, store_id, vehicle_ref)
    records = await reminders.service_records(connection, store_id, [vehicle_ref])
    service_history.require_forward(records, command.odometer_km, command.read_on, today)
    record = ServiceRecord(
        store_id, str(new_id()), vehicle_ref, command.odometer_km, command.read_on
    )
    await reminders.save_records(connection, [record])
    return await _planned(uow, vehicle_ref, today, deps)


async def record_first_registration(
    uow: UnitOfWork, vehicle_ref: str, command: RecordFirstRegistrationRequest, deps: Deps
) -> ServiceHistoryView:
    """Record the day of a vehicle's first registration, and plan its reminders again.

    Raises:
        RuleViolation: the store has no such vehicle, or the day is to come.
    """
    connection, store_id, today = uow.connection, uow.store_id, await _today(uow, deps)
    await _require_vehicle(connection, store_id, vehicle_ref)
    day = command.first_registered_on
    recorded = service_history.first_registration(store_id, vehicle_ref, day, today, uow.now)
    await reminders.set_first_registration(connection, store_id, vehicle_ref, day)
    uow.publish([recorded])
    return await _planned(uow, vehicle_ref, today, deps)


async def list_reminders(
    store_id: str, state: State, after: str | None, deps: Deps
) -> ReminderPage:
    """List service reminders by when they are due."""
    async with deps.uow_factory.read(store_id) as connection:
        found = await reminders.list_reminders(
            connection, store_id, state, place_of(after), PAGE + 1
        )
    shown = found[:PAGE]
    last = shown[-1] if len(found) > PAGE else None
    return ReminderPage(
        reminders=[_view(each) for each in shown],
        next_page=page_after(last.due_on, last.reminder_id) if last else None,
    )


async def get_reminder(store_id: str, reminder_id: str, deps: Deps) -> ReminderDetail:
    """Return a reminder with the service history of its vehicle.

    Raises:
        RuleViolation: the store has no such reminder.
    """
    async with deps.uow_factory.read(store_id) as connection:
        reminder = await reminders.find_reminder(connection, store_id, reminder_id)
        refs = [reminder.vehicle_ref]
        known = await reminders.service_vehicles(connection, store_id, refs)
        records = await reminders.service_records(connection, store_id, refs)
    vehicle = known.get(reminder.vehicle_ref)
    return ReminderDetail(
        **dict(_view(reminder)),
        brand=vehicle.brand if vehicle else None,
        model=vehicle.model if vehicle else None,
        first_registered_on=vehicle.first_registered_on if vehicle else None,
        records=[ServiceRecordView.model_validate(each, from_attributes=True) for each in records],
    )


def _order_of(event: Any) -> tuple[str, str]:
    return event.store_id, event.order_id


async def _remember_declined(
    uow: UnitOfWork,
    received: ReceivedEvent,
    known: dict[tuple[str, str], ServiceRecord],
    stores: dict[str, Store],
    deps: Deps,
) -> None:
    """Plan the reminder of declined work, for a vehicle in the store's customer records."""
    event = received.event
    if not isinstance(event, AdditionalWorkDeclined):
        return
    record = known.get((event.store_id, event.order_id))
    if record is None:
        return
    vehicles = await reminders.service_vehicles(
        uow.connection, event.store_id, [record.vehicle_ref]
    )
    if record.vehicle_ref not in vehicles:
        return
    today = stores[event.store_id].local_day(received.envelope.time)
    reminder = service_reminder.declined_work(
        store_id=event.store_id,
        reminder_id=str(new_id()),
        vehicle_ref=record.vehicle_ref,
        customer_ref=vehicles[record.vehicle_ref].customer_ref,
        additional_work_id=event.additional_work_id,
        op_codes=event.op_codes,
        declined_on=today,
        rules=await _rules(uow.connection, event.store_id, today, deps),
    )
    await reminders.save_reminders(uow.connection, [reminder])


async def _close_work_done(
    uow: UnitOfWork,
    ordered: Mapping[tuple[str, str], ServiceRecord],
    causes: Mapping[tuple[str, str], Envelope],
) -> None:
    """Close reminders of declined work and recalls whose work is ordered after all."""
    orders = {(each.store_id, each.vehicle_ref): order for order, each in ordered.items()}
    closed: list[Reminder] = []
    for reminder in await reminders.lock_reminders_about_work(uow.connection, sorted(orders)):
        order = orders[reminder.store_id, reminder.vehicle_ref]
        if service_reminder.is_answered_by(reminder, ordered[order].op_codes):
            cause = causes[order]
            done, events = service_reminder.close(
                reminder, "visited", None, cause.time, order_id=ordered[order].record_id
            )
            closed.append(done)
            if reminder.state == "due":
                following = uow.caused_by(cause.causation, cause.time)
                following.publish(events)
                await cancel_follow_ups(following, about=_call_about(reminder))
    await reminders.save_reminders(uow.connection, closed)


async def _planned(
    uow: UnitOfWork, vehicle_ref: str, today: date, deps: Deps
) -> ServiceHistoryView:
    """Plan the reminders of one vehicle; return its history with them."""
    connection, store_id = uow.connection, uow.store_id
    rules = await _rules(connection, store_id, today, deps)
    recalls = await open_recalls(connection, deps.group.master_data, today)
    await _plan(uow, store_id, [vehicle_ref], recalls, rules, today, deps)
    vehicles = await reminders.service_vehicles(connection, store_id, [vehicle_ref])
    records = await reminders.service_records(connection, store_id, [vehicle_ref])
    found = await reminders.lock_reminders_of(connection, store_id, [vehicle_ref])
    first_registered_on = vehicles[vehicle_ref].first_registered_on
    mileage = service_history.mileage(records, first_registered_on)
    return ServiceHistoryView(
        vehicle_ref=vehicle_ref,
        first_registered_on=first_registered_on,
        km_per_day=mileage.km_per_day if mileage else None,
        records=[ServiceRecordView.model_validate(each, from_attributes=True) for each in records],
        reminders=[_view(each) for each in sorted(found, key=lambda each: each.due_on)],
    )


async def _plan(
    uow: UnitOfWork,
    store_id: str,
    vehicle_refs: Sequence[str],
    of_group: Sequence[Recall],
    rules: ServiceReminderRules,
    today: date,
    deps: Deps,
) -> None:
    """Plan the reminders of vehicles by their present history, with few statements.

    ``of_group`` are the open recalls.
    """
    if not vehicle_refs:
        return
    connection = uow.connection
    vehicles = await reminders.service_vehicles(connection, store_id, vehicle_refs)
    records = service_history.by_vehicle(
        await reminders.service_records(connection, store_id, vehicle_refs)
    )
    recalls = await _recalls(connection, store_id, vehicles, of_group, deps)
    existing: dict[str, list[Reminder]] = {}
    for reminder in await reminders.lock_reminders_of(connection, store_id, vehicle_refs):
        existing.setdefault(reminder.vehicle_ref, []).append(reminder)
    changed: list[Reminder] = []
    for vehicle_ref, vehicle in vehicles.items():
        own = existing.get(vehicle_ref, [])
        since = service_reminder.inspected_until(own, today)
        planned = service_reminder.plan(
            vehicle,
            records.get(vehicle_ref, []),
            rules,
            since,
            recalls.get(vehicle_ref, ()),
        )
        moved, events = service_reminder.reconcile(
            vehicle, planned, own, store_id, _new_ids(), uow.now
        )
        changed += moved
        uow.publish(events)
        closed_ids = {event.reminder_id for event in events}
        for reminder in own:
            if reminder.reminder_id in closed_ids:
                await cancel_follow_ups(uow, about=_call_about(reminder))
    await reminders.save_reminders(connection, changed)
    await reminders.mark_planned(connection, store_id, vehicle_refs)


async def _recalls(
    connection: Connection,
    store_id: str,
    vehicles: Mapping[str, Vehicle],
    of_group: Sequence[Recall],
    deps: Deps,
) -> dict[str, list[Recall]]:
    """Return those of the open recalls ``of_group`` that name vehicles, by vehicle.

    VINs are read where a recall of the vehicle's brand and model asks for them.
    """
    asking = [
        vehicle.vehicle_ref
        for vehicle in vehicles.values()
        if any(each.vin_prefixes and each.brand == vehicle.brand for each in of_group)
    ]
    found = await reminders.vins(connection, store_id, asking) if asking else []
    clear = await deps.personal.decrypt_all(
        connection, store_id, [(customer_ref, vin) for _, customer_ref, vin in found]
    )
    vins = {vehicle_ref: vin for (vehicle_ref, _, _), vin in zip(found, clear, strict=True)}
    return {
        vehicle_ref: [
            each
            for each in of_group
            if each.concerns(vehicle.brand, vehicle.model, vins.get(vehicle_ref) or "")
        ]
        for vehicle_ref, vehicle in vehicles.items()
    }


async def _invite(uow: UnitOfWork, raised: Sequence[Reminder], deps: Deps) -> None:
    """Have the customers of reminders called."""
    if raised:
        await schedule_follow_ups(
            uow,
            deps,
            [
                Occasion(
                    "service_reminder",
                    each.customer_ref,
                    about=_call_about(each),
                    due_at=uow.now,
                    vehicle_ref=each.vehicle_ref,
                )
                for each in raised
            ],
        )


def _call_about(reminder: Reminder) -> str:
    """Return what the call of an invitation is about: one who wants it later has another call."""
    return f"{reminder.reminder_id}@{reminder.remind_on}"


async def _plan_inspections_again(uow: UnitOfWork, changed: Sequence[Reminder]) -> None:
    """Have the next inspection planned of vehicles whose last one is closed."""
    vehicles = {
        (each.store_id, each.vehicle_ref)
        for each in changed
        if each.kind == "annual_inspection" and each.state == "closed"
    }
    await reminders.plan_again(uow.connection, sorted(vehicles))


def _new_ids() -> Iterator[str]:
    while True:
        yield str(new_id())


async def _require_vehicle(connection: Connection, store_id: str, vehicle_ref: str) -> None:
    if not await reminders.service_vehicles(connection, store_id, [vehicle_ref]):
        raise unknown("vehicle_ref", vehicle_ref)


async def _rules(
    connection: Connection, store_id: str, day: date, deps: Deps
) -> ServiceReminderRules:
    return await deps.group.rules_on(connection, ServiceReminderRules, store_id, day)


async def _today(uow: UnitOfWork, deps: Deps) -> date:
    return (await deps.group.store(uow.connection, uow.store_id)).local_day(uow.now)


def _view(reminder: Reminder) -> ReminderView:
    return ReminderView.model_validate(reminder, from_attributes=True)
