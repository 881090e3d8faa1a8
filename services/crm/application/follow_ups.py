"""Calls after a delivery (回访)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.application.callers import callers_on
from services.crm.application.deps import Deps
from services.crm.application.rules import follow_up_rules
from services.crm.domain import follow_up as follow_ups
from services.crm.domain.follow_up import CallRules, Channel, FollowUp, Status
from shared import timers
from shared.group import Store
from shared.ids import new_id
from shared.master_data import NotDefinedError
from shared.request_model import RequestModel
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork
from shared.working_calendar import WorkingCalendar

SCHEDULE_FOLLOW_UP = "schedule_follow_up"

_COMPLETED_DAYS = 30


class RecordCallRequest(RequestModel):
    reached: bool
    satisfaction: Annotated[int | None, Field(ge=1, le=5)] = None
    channel: Channel
    record: Annotated[str, Field(min_length=1, max_length=4000, description="回访记录")]


class FollowUpView(BaseModel):
    """One follow-up call.

    ``status`` is ``due`` from ``due_at`` until the customer is reached, or was not by the last of
    ``attempts``. ``calendar_assumed``: the holidays of the year in which it is due are not
    published yet.
    """

    follow_up_id: str
    order_id: str
    customer_ref: str
    agent_id: str
    due_at: datetime
    status: Status
    completed_at: datetime | None
    completed_by: str | None
    reached: bool | None
    satisfaction: int | None
    channel: Channel | None
    attempts: int
    calendar_assumed: bool


async def schedule_follow_up(
    uow: UnitOfWork,
    store_id: str,
    order_id: str,
    customer_ref: str,
    delivered_at: datetime,
    deps: Deps,
) -> None:
    """Plan the call after a delivery (R21); while nobody can be assigned, it waits."""
    store = await deps.group.store(uow.connection, store_id)
    try:
        await _schedule(uow, store, order_id, customer_ref, delivered_at, deps)
    except NotDefinedError:
        await timers.schedule(
            uow,
            SCHEDULE_FOLLOW_UP,
            order_id,
            store_id=store_id,
            due_at=uow.now,
            data={"customer_ref": customer_ref, "delivered_at": delivered_at.isoformat()},
        )


async def schedule_waiting_follow_up(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Plan a call that could not be assigned at the delivery.

    Raises:
        NotDefinedError: nobody can be assigned yet.
    """
    delivered_at = datetime.fromisoformat(timer.data["delivered_at"])
    store = await deps.group.store(uow.connection, timer.store_id)
    customer_ref = timer.data["customer_ref"]
    await _schedule(uow, store, timer.entity_id, customer_ref, delivered_at, deps)


async def record_call(
    uow: UnitOfWork, follow_up_id: str, command: RecordCallRequest, deps: Deps
) -> FollowUpView:
    """Record the result of the agent's call (回访记录); a customer not reached is called again.

    Raises:
        RuleViolation: the store has no such call, it is completed, or a customer who was not
            reached is said to be satisfied.
    """
    connection = uow.connection
    store = await deps.group.store(connection, uow.store_id)
    calendar = await deps.group.calendar(connection)
    rules = await follow_up_rules(connection, store, uow.now, deps)
    called, events = follow_ups.record_call(
        await persistence.lock_follow_up(connection, uow.store_id, follow_up_id),
        agent_id=uow.person,
        reached=command.reached,
        satisfaction=command.satisfaction,
        channel=command.channel,
        most_attempts=rules.attempts,
        next_due_at=_call_due(store, calendar, rules, uow.now, rules.days_between_attempts),
        now=uow.now,
    )
    await persistence.save_follow_up(connection, called)
    await _add_record(uow, called, command.record, deps)
    uow.publish(events)
    return _view(called, uow.now, store, calendar)


async def list_follow_ups(
    store_id: str, statuses: Sequence[Status], deps: Deps
) -> list[FollowUpView]:
    """List calls by when they are due (回访任务); completed ones of the last 30 days."""
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.list_follow_ups(
            connection, store_id, statuses, now, now - timedelta(days=_COMPLETED_DAYS)
        )
        store = await deps.group.store(connection, store_id)
        calendar = await deps.group.calendar(connection)
    return [_view(follow_up, now, store, calendar) for follow_up in found]


async def _schedule(
    uow: UnitOfWork,
    store: Store,
    order_id: str,
    customer_ref: str,
    delivered_at: datetime,
    deps: Deps,
) -> None:
    """Assign the call to the one with the fewest open calls of those at work when it is due."""
    connection = uow.connection
    calendar = await deps.group.calendar(connection)
    rules = await follow_up_rules(connection, store, uow.now, deps)
    due_at = _call_due(store, calendar, rules, delivered_at, rules.days_after_delivery)
    day = store.local_day(max(due_at, uow.now))
    agents = await callers_on(connection, store.id, day, deps)
    open_calls = await persistence.open_calls(connection, store.id)
    follow_up, events = follow_ups.schedule(
        follow_up_id=str(new_id()),
        store_id=store.id,
        order_id=order_id,
        customer_ref=customer_ref,
        agent_id=follow_ups.least_loaded(agents, open_calls),
        due_at=due_at,
    )
    await persistence.save_follow_up(connection, follow_up)
    uow.publish(events)


def _call_due(
    store: Store, calendar: WorkingCalendar, rules: CallRules, after: datetime, days: int
) -> datetime:
    """Return the time of calls so many working days after a delivery or an attempt."""
    day = store.local_day(after)
    for _ in range(days):
        day = calendar.next_working_day(day)
    return store.at(day, rules.calls_at).astimezone(UTC)


async def _add_record(uow: UnitOfWork, called: FollowUp, record: str, deps: Deps) -> None:
    """Append the record of a call to those of earlier calls."""
    connection, store_id, personal = uow.connection, uow.store_id, deps.personal
    encrypted = await persistence.encrypted_record(connection, store_id, called.follow_up_id)
    earlier = await personal.decrypt(connection, store_id, called.customer_ref, encrypted)
    text = "\n\n".join(filter(None, (earlier, record)))
    whole = await personal.encrypt(connection, store_id, called.customer_ref, text)
    await persistence.save_record(connection, store_id, called.follow_up_id, whole)


def _view(
    follow_up: FollowUp, now: datetime, store: Store, calendar: WorkingCalendar
) -> FollowUpView:
    return FollowUpView(
        **{name: getattr(follow_up, name) for name in _VIEW_FIELDS},
        status=follow_up.status(now),
        calendar_assumed=calendar.is_assumed(store.local_day(follow_up.due_at)),
    )


_VIEW_FIELDS = FollowUpView.model_fields.keys() - {"status", "calendar_assumed"}
