"""Capacity holds (产能预留): slots reserved until an order confirms them or they expire."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel

from services.workshop import persistence
from services.workshop.application.deps import Deps
from services.workshop.application.quotes import (
    Offer,
    QuoteRequest,
    QuoteView,
    check_wanted,
    compute_offer,
    view_offer,
)
from services.workshop.application.replanning import follow_up, request_replan
from services.workshop.application.snapshots import take_snapshot
from services.workshop.domain import errors
from services.workshop.domain.hold import HeldJob, Hold, expiry
from services.workshop.planning.real_time import as_assignment, moment
from shared import timers
from shared.contracts.base import Identifier, Timestamp
from shared.contracts.management import AppointmentRules, PromiseRules
from shared.contracts.reception import (
    AppointmentCancelled,
    AppointmentNoShow,
    AppointmentRescheduled,
)
from shared.contracts.violations import unknown
from shared.ids import new_id
from shared.problems import unavailable
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

T = TypeVar("T")

HOLD_EXPIRY = "hold_expiry"

_ATTEMPTS = 8


class HoldRequest(QuoteRequest):
    """Request for a hold; with ``latest_promise_at``, no later promise is reserved."""

    replaces: Identifier | None = None
    latest_promise_at: Timestamp | None = None


class HoldView(QuoteView):
    hold_id: str
    expires_at: datetime


class HoldState(BaseModel):
    hold_id: str
    status: str


async def reserve_in_turn(store_id: str, reserve: Callable[[], Awaitable[T]], deps: Deps) -> T:
    """Reserve under the store's lock, and retry when another user was first.

    Raises:
        HTTPException: another user was first each time.
    """
    async with deps.reservation_locks.of(store_id):
        for _ in range(_ATTEMPTS):
            try:
                return await reserve()
            except (persistence.StalePlanError, persistence.CapacityTakenError):
                continue
    raise unavailable("Capacity, which many are reserving at once,")


async def offer_hold(store_id: str, command: HoldRequest, deps: Deps) -> Offer:
    """Return the earliest promise for the operations, to be reserved.

    Raises:
        RuleViolation: it is later than wanted, or the work cannot be done here.
    """
    check_wanted(command, deps)
    snapshot = await take_snapshot(
        store_id, deps, requested=command.op_codes, without_hold=command.replaces
    )
    offer = await compute_offer(snapshot, command, deps)
    if offer.begins_after(command.latest_start_at):
        by, at = await _who_was_first(store_id, command, deps)
        raise errors.no_capacity(offer.starts_at, by, at)
    if command.latest_promise_at and offer.promised_at > command.latest_promise_at:
        raise errors.promise_later(offer.promised_at)
    return offer


async def hold_capacity(
    uow: UnitOfWork, command: HoldRequest, offer: Offer, deps: Deps
) -> HoldView:
    """Reserve the offered promise until an order confirms it or it expires.

    Raises:
        StalePlanError: the order's own work may have moved since the offer.
        CapacityTakenError: another has reserved a part of it since.
    """
    expected_version = offer.plan_version if command.order_id else None
    await persistence.begin_plan_change(uow.connection, uow.store_id, expected_version)
    if command.replaces:
        replaced = await persistence.lock_hold(uow.connection, uow.store_id, command.replaces)
        if replaced:
            await release(uow, replaced)
    hold = await _hold(uow, command, offer, deps)
    await persistence.save_hold(uow.connection, hold)
    await persistence.add_resource_bookings(
        uow.connection,
        hold.store_id,
        [(job.job_id, hold.hold_id, job.assignment) for job in hold.jobs],
    )
    await timers.schedule(
        uow, HOLD_EXPIRY, hold.hold_id, store_id=hold.store_id, due_at=hold.expires_at
    )
    await follow_up(uow, hold.store_id)
    promised = dict(view_offer(offer))
    return HoldView(**promised, hold_id=hold.hold_id, expires_at=hold.expires_at)


async def release_hold(uow: UnitOfWork, hold_id: str, _deps: Deps) -> HoldState:
    """Release a hold that is not needed any more."""
    await persistence.begin_plan_change(uow.connection, uow.store_id)
    hold = await persistence.lock_hold(uow.connection, uow.store_id, hold_id)
    if hold is None:
        raise unknown("hold_id", hold_id)
    await release(uow, hold)
    status = "released" if hold.status == "held" else hold.status
    return HoldState(hold_id=hold_id, status=status)


async def release_for_ended_appointment(
    uow: UnitOfWork, event: AppointmentCancelled | AppointmentNoShow, _deps: Deps
) -> None:
    """Release the hold of an appointment that was cancelled or missed."""
    await release_if_held(uow, event.store_id, event.hold_id)


async def release_for_moved_appointment(
    uow: UnitOfWork, event: AppointmentRescheduled, _deps: Deps
) -> None:
    """Release the hold of an appointment that was rescheduled."""
    await release_if_held(uow, event.store_id, event.replaced_hold_id)


async def expire_hold(uow: UnitOfWork, timer: Timer, _deps: Deps) -> None:
    """Expire a hold that no order has confirmed in time."""
    await release_if_held(uow, timer.store_id, timer.entity_id)


async def release_if_held(uow: UnitOfWork, store_id: str, hold_id: str | None) -> None:
    """Release a hold, if there is one."""
    hold = await persistence.lock_hold(uow.connection, store_id, hold_id) if hold_id else None
    if hold:
        await release(uow, hold)


async def release(uow: UnitOfWork, hold: Hold) -> None:
    """Release the capacity of a hold that no order has confirmed."""
    if hold.status != "held":
        return
    await persistence.save_hold(uow.connection, hold.with_status("released"))
    await persistence.delete_resource_bookings(
        uow.connection, hold.store_id, [job.job_id for job in hold.jobs]
    )
    await timers.cancel(uow, HOLD_EXPIRY, hold.hold_id)
    await request_replan(uow, hold.store_id)


async def usable_hold(
    uow: UnitOfWork, store_id: str, hold_id: str | None, op_codes: Sequence[str], deps: Deps
) -> Hold | None:
    """Return the hold, if it still covers these operations.

    Work in progress that takes longer may have taken the slot of one of its jobs, one of its
    technicians may have become absent or have left, or its bay may have been closed; its slots are
    then released and a replan is requested.
    """
    hold = await persistence.lock_hold(uow.connection, store_id, hold_id) if hold_id else None
    if hold is None or not hold.covers(op_codes):
        return None
    booked = await persistence.count_booked_jobs_of_hold(uow.connection, store_id, hold.hold_id)
    absences = await persistence.absences_after(uow.connection, store_id, uow.now)
    roster = (await deps.workplace(uow.connection, store_id)).roster
    is_served = all(roster.serves(job.assignment) for job in hold.jobs)
    if booked == len(hold.jobs) and is_served and not hold.is_cut(absences):
        return hold
    await release(uow, hold)
    return None


async def confirm_hold(uow: UnitOfWork, hold: Hold) -> None:
    """Confirm the hold for an order, so that it is not released any more."""
    await persistence.save_hold(uow.connection, hold.with_status("confirmed"))
    await timers.cancel(uow, HOLD_EXPIRY, hold.hold_id)


async def _hold(uow: UnitOfWork, command: HoldRequest, offer: Offer, deps: Deps) -> Hold:
    promise, connection, store_id = offer.promise, uow.connection, uow.store_id
    promises = await deps.group.rules_today(connection, PromiseRules, store_id)
    appointments = await deps.group.rules_today(connection, AppointmentRules, store_id)
    placed = {each.job_id: as_assignment(each) for each in promise.assignments}
    return Hold(
        hold_id=str(new_id()),
        store_id=store_id,
        status="held",
        expires_at=expiry(uow.now, command.earliest_start_at, promises, appointments),
        promised_at=offer.promised_at,
        confidence=promise.confidence,
        expected_at=moment(promise.expected),
        spread_minutes=promise.spread_minutes,
        jobs=tuple(
            HeldJob(requested.job_id, requested.op_code, placed[requested.job_id])
            for requested in offer.requested_operations
        ),
        made_by=uow.actor,
        made_at=uow.now,
        order_id=command.order_id,
        calibrated_at=moment(promise.calibrated),
    )


async def _who_was_first(
    store_id: str, command: HoldRequest, deps: Deps
) -> tuple[str, datetime] | tuple[None, None]:
    """Return the colleague who last reserved time for the same skills, and when.

    The time is that of the request. None where work took it without a reservation.
    """
    now = deps.uow_factory.clock.now()
    begin, end = command.earliest_start_at or now, command.latest_start_at or now
    async with deps.uow_factory.read(store_id) as connection:
        holds = await persistence.last_holds(connection, store_id, begin, end)
        held = [op_code for hold in holds for op_code in hold.op_codes]
        operations = await deps.operations(connection, [*command.op_codes, *held])
    skill_codes = {operations[op_code].skill_code for op_code in command.op_codes}
    for hold in holds:
        if any(operations[op_code].skill_code in skill_codes for op_code in hold.op_codes):
            return hold.made_by, hold.made_at
    return None, None
