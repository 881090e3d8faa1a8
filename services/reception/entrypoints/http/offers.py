"""What may be offered to a customer who wants to come: quiet hours with their promises (错峰)."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from fastapi import Request
from pydantic import BaseModel

from services.reception import persistence
from services.reception.clients.workshop import StartWindow, WorkshopUnavailableError
from services.reception.domain.appointment import LATEST_START
from services.reception.domain.estimate import LaborOperation
from services.reception.domain.offers import HalfHour, Slot, quiet_slots
from services.reception.domain.provisional import provisional_promise
from services.reception.entrypoints.http.access import catalog_of, workshop_of
from shared.contracts.workshop import FreeCapacity
from shared.db import transaction
from shared.problems import Problem
from shared.security import Principal

NO_PLACE = "no_place"
"""The rule by which the workshop refuses a time at which work cannot begin."""

_TRIES = 3


class Offer(BaseModel):
    """A time to come and the promise that it would have; ``booked_share`` is from 0 to 1.

    ``calendar_assumed``: the holidays of that year are not published yet.
    """

    planned_at: datetime
    promised_at: datetime
    confidence: float
    booked_share: float
    provisional: bool
    calendar_assumed: bool


class LoadView(BaseModel):
    """Technician minutes of a trade in half an hour: at work, and not yet booked."""

    trade: str
    starts_at: datetime
    working_minutes: int
    free_minutes: int


class Offers(BaseModel):
    """Times to come, quiet ones first, and the load curve (负荷曲线) that they were chosen by."""

    offers: Sequence[Offer]
    load: Sequence[LoadView]


@dataclass(frozen=True)
class Wanted:
    """What the customer wants done, on one of ``days`` days from ``first``."""

    store_id: str
    operations: Sequence[str]
    confidence: float
    first: date
    days: int
    count: int


def start_window(planned_at: datetime) -> StartWindow:
    """When work on a booked vehicle is to begin."""
    return StartWindow(planned_at, planned_at + LATEST_START)


async def find_offers(request: Request, principal: Principal, wanted: Wanted) -> Offers:
    """The quietest times at which the workshop can begin, each with its promise.

    While the workshop is unavailable they come from its last published free time, provisional.
    """
    known = catalog_of(request)
    work = [known.operations[operation_id] for operation_id in wanted.operations]
    hours = known.opening_hours(wanted.store_id)
    now = request.app.state.service.clock.now()
    try:
        load = await workshop_of(request).load(
            principal, wanted.store_id, wanted.first, wanted.days
        )
        slots = quiet_slots(load, work, hours, now)
        offers = await _promised(request, principal, wanted, slots)
    except WorkshopUnavailableError:
        free = await _last_free(request, wanted)
        load = [
            HalfHour(each.trade, each.starts_at, each.free_minutes, each.free_minutes)
            for each in free
        ]
        slots = quiet_slots(load, work, hours, now)
        offers = [_provisional(request, free, work, wanted, slot) for slot in slots[: wanted.count]]
    return Offers(
        offers=offers, load=[LoadView.model_validate(each, from_attributes=True) for each in load]
    )


async def _promised(
    request: Request, principal: Principal, wanted: Wanted, slots: Sequence[Slot]
) -> list[Offer]:
    """Ask for as many promises at a time as offers are wanted, a few times at most."""
    offers: list[Offer] = []
    for begin in range(0, _TRIES * wanted.count, wanted.count):
        tried = slots[begin : begin + wanted.count]
        responses = await asyncio.gather(
            *(_promise(request, principal, wanted, slot) for slot in tried)
        )
        offers += [offer for offer in responses if offer]
        if len(offers) >= wanted.count:
            break
    return offers[: wanted.count]


async def _promise(
    request: Request, principal: Principal, wanted: Wanted, slot: Slot
) -> Offer | None:
    try:
        response = await workshop_of(request).quote(
            principal.token,
            wanted.store_id,
            wanted.operations,
            confidence=wanted.confidence,
            start_window=start_window(slot.starts_at),
        )
    except Problem as problem:
        if problem.rule != NO_PLACE:
            raise
        return None
    return Offer(
        planned_at=slot.starts_at,
        promised_at=response["promised_at"],
        confidence=response["confidence"],
        booked_share=slot.booked_share,
        provisional=False,
        calendar_assumed=_calendar_assumed(request, wanted, slot),
    )


def _calendar_assumed(request: Request, wanted: Wanted, slot: Slot) -> bool:
    known = catalog_of(request)
    return known.calendar.is_assumed(known.stores[wanted.store_id].local_day(slot.starts_at))


async def _last_free(request: Request, wanted: Wanted) -> list[FreeCapacity]:
    """The workshop's last published free time of the days wanted."""
    place = catalog_of(request).stores[wanted.store_id]
    begin = place.at(wanted.first, time.min)
    end = place.at(wanted.first + timedelta(days=wanted.days), time.min)
    async with transaction(request.app.state.uow_factory.pool, [wanted.store_id]) as connection:
        free = await persistence.last_capacity(connection, wanted.store_id)
    return [each for each in free if begin <= each.starts_at < end]


def _provisional(
    request: Request,
    free: Sequence[FreeCapacity],
    work: Sequence[LaborOperation],
    wanted: Wanted,
    slot: Slot,
) -> Offer:
    return Offer(
        planned_at=slot.starts_at,
        promised_at=provisional_promise(free, work, slot.starts_at),
        confidence=wanted.confidence,
        booked_share=slot.booked_share,
        provisional=True,
        calendar_assumed=_calendar_assumed(request, wanted, slot),
    )
