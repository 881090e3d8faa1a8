"""Appointment times to offer a customer: off-peak hours with their promises (错峰)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.application.opening_hours import opening_days, require_not_ended
from services.reception.clients.workshop import StartWindow, WorkshopUnavailableError
from services.reception.domain.appointment_times import HalfHour, Slot, off_peak_slots
from services.reception.domain.estimate import CatalogOperation, RequestedWork, estimate
from services.reception.domain.promise import confidence_of
from services.reception.domain.provisional import provisional_promise
from shared.contracts.base import Identifier
from shared.contracts.management import AppointmentRules, PromiseRules
from shared.contracts.workshop import FreeCapacity
from shared.group import CalendarDay, Store
from shared.problems import Problem
from shared.request_model import RequestModel
from shared.working_calendar import WorkingCalendar

NO_PLACE = "no_capacity"
"""The rule by which the workshop refuses a time at which work cannot begin."""

_NEXT_DAYS, _NEXT_OFFERS = 3, 4
_TRIES = 3

OpCodes = Annotated[list[Identifier], Field(min_length=1, max_length=20)]


class OffersRequest(RequestModel):
    """Request for appointment times.

    ``day_from`` is a day of the store, today where it is left out. Without ``confidence`` it is
    that of the rules of promises.
    """

    op_codes: OpCodes
    day_from: CalendarDay | None = None
    days: Annotated[int, Field(ge=1, le=14)] = _NEXT_DAYS
    count: Annotated[int, Field(ge=1, le=8)] = _NEXT_OFFERS
    confidence: Annotated[float | None, Field(ge=0.5, le=0.99)] = None


class OfferedTime(BaseModel):
    """Appointment time and the promise that it would have; ``booked_share`` is from 0 to 1.

    ``calendar_assumed``: the holidays of that year are not published yet.
    """

    appointment_at: datetime
    promised_at: datetime
    confidence: float
    booked_share: float
    provisional: bool
    calendar_assumed: bool


class LoadView(BaseModel):
    """Technician minutes of a skill in half an hour: at work, and not yet booked."""

    skill_code: str
    starts_at: datetime
    working_minutes: int
    free_minutes: int


class Offers(BaseModel):
    """Appointment times, off-peak ones first, and the load curve (负荷曲线) they were chosen by."""

    offers: Sequence[OfferedTime]
    load: Sequence[LoadView]


async def offer_times(token: str, store_id: str, command: OffersRequest, deps: Deps) -> Offers:
    """Find times at which the workshop has room, off-peak hours first (错峰预约).

    The workshop is asked in the name of the bearer of ``token``; nothing is reserved.

    Raises:
        RuleViolation: an operation is not in the catalog.
    """
    wanted = RequestedWork(tuple(command.op_codes))
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        require_not_ended(store)
        day = command.day_from or store.opens_on or deps.today(store)
        prices = await deps.catalog.price_list(connection, store, wanted, day)
    estimate(prices, wanted)
    return await find_offers(token, store_id, command, deps)


@dataclass(frozen=True)
class _Wanted:
    """Work that the customer requests, on one of ``days`` days from ``first``."""

    token: str
    store: Store
    calendar: WorkingCalendar
    op_codes: Sequence[str]
    confidence: float
    promises: PromiseRules
    appointments: AppointmentRules
    first: date
    days: int
    count: int


async def find_offers(token: str, store_id: str, asked: OffersRequest, deps: Deps) -> Offers:
    """Find the least booked times at which the workshop can begin, each with its promise.

    While the workshop is unavailable they come from its last published free time, provisional.
    """
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        promises = await deps.group.rules_today(connection, PromiseRules, store_id)
        wanted = _Wanted(
            token=token,
            store=store,
            calendar=await deps.group.calendar(connection),
            op_codes=asked.op_codes,
            confidence=asked.confidence or confidence_of(promises),
            promises=promises,
            appointments=await deps.group.rules_today(connection, AppointmentRules, store_id),
            first=asked.day_from or store.opens_on or store.local_day(now),
            days=asked.days,
            count=asked.count,
        )
        work = await deps.catalog.operations(connection, asked.op_codes, wanted.first)
        days = [wanted.first + timedelta(days=place) for place in range(wanted.days)]
        hours = await opening_days(connection, store, days, deps)
    try:
        load = await deps.workshop.load(token, store_id, wanted.first, wanted.days)
        slots = off_peak_slots(load, work, hours, now)
        offers = await _promised(wanted, slots, deps)
    except WorkshopUnavailableError:
        free = await _last_free(wanted, deps)
        load = [
            HalfHour(each.skill_code, each.starts_at, each.free_minutes, each.free_minutes)
            for each in free
        ]
        slots = off_peak_slots(load, work, hours, now)[: wanted.count]
        offers = [_provisional(free, work, wanted, slot) for slot in slots]
    return Offers(
        offers=offers, load=[LoadView.model_validate(each, from_attributes=True) for each in load]
    )


def start_window(appointment_at: datetime, rules: AppointmentRules) -> StartWindow:
    """Return when work on a booked vehicle is to begin."""
    latest = appointment_at + timedelta(minutes=rules.latest_start_minutes)
    return StartWindow(appointment_at, latest)


async def _promised(wanted: _Wanted, slots: Sequence[Slot], deps: Deps) -> list[OfferedTime]:
    """Ask for as many promises at a time as offers are wanted, a few times at most."""
    offers: list[OfferedTime] = []
    for begin in range(0, _TRIES * wanted.count, wanted.count):
        tried = slots[begin : begin + wanted.count]
        responses = await asyncio.gather(*(_promise(wanted, slot, deps) for slot in tried))
        offers += [offer for offer in responses if offer]
        if len(offers) >= wanted.count:
            break
    return offers[: wanted.count]


async def _promise(wanted: _Wanted, slot: Slot, deps: Deps) -> OfferedTime | None:
    try:
        response = await deps.workshop.quote(
            wanted.token,
            wanted.store.id,
            wanted.op_codes,
            confidence=wanted.confidence,
            start_window=start_window(slot.starts_at, wanted.appointments),
        )
    except Problem as problem:
        if problem.rule != NO_PLACE:
            raise
        return None
    return OfferedTime(
        appointment_at=slot.starts_at,
        promised_at=response.promised_at,
        confidence=response.confidence,
        booked_share=slot.booked_share,
        provisional=False,
        calendar_assumed=_calendar_assumed(wanted, slot),
    )


def _calendar_assumed(wanted: _Wanted, slot: Slot) -> bool:
    return wanted.calendar.is_assumed(wanted.store.local_day(slot.starts_at))


async def _last_free(wanted: _Wanted, deps: Deps) -> list[FreeCapacity]:
    """Return the workshop's last published free time of the requested days."""
    store = wanted.store
    begin = store.at(wanted.first, time.min)
    end = store.at(wanted.first + timedelta(days=wanted.days), time.min)
    async with deps.uow_factory.read(store.id) as connection:
        free = await persistence.last_capacity(connection, store.id)
    return [each for each in free if begin <= each.starts_at < end]


def _provisional(
    free: Sequence[FreeCapacity],
    work: Sequence[CatalogOperation],
    wanted: _Wanted,
    slot: Slot,
) -> OfferedTime:
    return OfferedTime(
        appointment_at=slot.starts_at,
        promised_at=provisional_promise(free, work, wanted.promises, slot.starts_at),
        confidence=wanted.confidence,
        booked_share=slot.booked_share,
        provisional=True,
        calendar_assumed=_calendar_assumed(wanted, slot),
    )
