"""Calls to customers (回访): the list of them, and their results."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.application.contact_reads import note_reads
from services.crm.application.deps import Deps
from services.crm.application.follow_up_outcomes import FOLLOW_UP_OUTCOMES
from services.crm.application.follow_ups import (
    calling_rules,
    replan_calls,
    schedule_follow_up,
)
from services.crm.domain import errors
from services.crm.domain import follow_up as follow_ups
from services.crm.domain.follow_up import Channel, FollowUp, Need, Status
from services.crm.domain.follow_up_reason import Reason, ReasonRules
from services.crm.domain.message import Language
from services.crm.persistence.persons import Person, find_persons
from shared.contracts.base import Timestamp
from shared.db import Connection
from shared.group import Store
from shared.request_model import RequestModel
from shared.security import Principal
from shared.unit_of_work import UnitOfWork
from shared.working_calendar import WorkingCalendar

_ENDED_DAYS = 30


class RecordCallRequest(RequestModel):
    """Record sheet of a call (回访记录单).

    ``needs`` are what the customer needs, ``next_call_at`` when they asked to be called again.
    """

    reached: bool
    satisfaction: Annotated[int | None, Field(ge=1, le=5)] = None
    needs: Annotated[list[Need], Field(max_length=10)] = []
    channel: Channel
    record: Annotated[str, Field(min_length=1, max_length=4000, description="回访记录")]
    next_call_at: Timestamp | None = None


class FollowUpView(BaseModel):
    """One follow-up call.

    ``status`` is ``due`` from ``due_at`` until the customer is reached, or was not by the last of
    ``attempts``. ``about`` is the id of what it concerns. ``calendar_assumed``: the holidays of the
    year in which it is due are not published yet.
    """

    follow_up_id: str
    reason: Reason
    about: str
    order_id: str | None
    vehicle_ref: str | None
    customer_ref: str
    agent_id: str
    due_at: datetime
    status: Status
    completed_at: datetime | None
    completed_by: str | None
    reached: bool | None
    satisfaction: int | None
    needs: list[Need]
    channel: Channel | None
    attempts: int
    calendar_assumed: bool


class DueCall(FollowUpView):
    """Due call with what its agent needs: whom to call, the script (话术) and earlier records.

    ``callable_from`` is absent when the customer may be called now; it is the end of the quiet
    hours otherwise. An erased customer has no name.
    """

    name: str | None
    phone: str | None
    language: Language
    script: str | None
    record: str | None
    callable_from: datetime | None


async def record_call(
    uow: UnitOfWork, follow_up_id: str, command: RecordCallRequest, deps: Deps
) -> FollowUpView:
    """Record the result of the agent's call (回访记录); a customer not reached is called again.

    Other calls to a customer who was reached, and that would follow too soon, move or are dropped.

    Raises:
        RuleViolation: the store has no such call, it has ended, or a customer who was not reached
            is said to be satisfied.
    """
    connection, store_id = uow.connection, uow.store_id
    store = await deps.group.store(connection, store_id)
    rules = await calling_rules(connection, store, deps)
    customer_ref = (
        await persistence.read_follow_up(connection, store_id, follow_up_id)
    ).customer_ref
    await persistence.lock_follow_ups_of(connection, store_id, [customer_ref])
    called, events = follow_ups.record_call(
        await persistence.read_follow_up(connection, store_id, follow_up_id),
        agent_id=uow.person,
        reached=command.reached,
        satisfaction=command.satisfaction,
        needs=command.needs,
        channel=command.channel,
        most_attempts=rules.calls.attempts,
        next_due_at=rules.due_after(uow.now, rules.calls.days_between_attempts),
        now=uow.now,
    )
    await persistence.save_follow_ups(connection, [called])
    if called.reached:
        await persistence.note_contact(connection, store_id, customer_ref, uow.now)
    await _add_record(uow, called, command.record, deps)
    uow.publish(events)
    open_calls = await persistence.open_follow_ups_of(connection, store_id, [customer_ref])
    planned = await replan_calls(uow, rules, open_calls, open_calls)
    called = next((each for each in planned if each.follow_up_id == follow_up_id), called)
    if command.next_call_at is not None:
        await _call_again(uow, called, command.next_call_at, deps)
    if called.completed_at is not None and (outcome := FOLLOW_UP_OUTCOMES.get(called.reason)):
        await outcome(uow, called, deps)
    return _view(called, uow.now, store, rules.calendar)


async def list_follow_ups(
    store_id: str, statuses: Sequence[Status], deps: Deps
) -> list[FollowUpView]:
    """List calls by when they are due (回访任务); those that ended in the last 30 days."""
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.list_follow_ups(
            connection, store_id, statuses, now, now - timedelta(days=_ENDED_DAYS)
        )
        store = await deps.group.store(connection, store_id)
        calendar = await deps.group.calendar(connection)
    return [_view(follow_up, now, store, calendar) for follow_up in found]


async def list_due_calls(
    store_id: str,
    agent_id: str | None,
    after: str | None,
    limit: int,
    principal: Principal,
    deps: Deps,
) -> list[DueCall]:
    """List the due calls of a store, or of an agent: what matters most first (回访任务).

    A page begins behind the call ``after``.

    Raises:
        RuleViolation: the store has no call ``after``.
    """
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        behind = await persistence.read_follow_up(connection, store_id, after) if after else None
        found = await persistence.due_calls(connection, store_id, agent_id, now, behind, limit)
        store = await deps.group.store(connection, store_id)
        rules = await calling_rules(connection, store, deps)
        refs = [each.customer_ref for each in found]
        persons = await find_persons(connection, deps.personal, store_id, refs)
        await note_reads(connection, store_id, refs, principal, "list_due_calls", deps)
        records = await _records(connection, store_id, found, deps)
    moment = rules.callable_from(now)
    return [
        _due_call(
            _view(each, now, store, rules.calendar),
            persons.get(each.customer_ref),
            rules.reasons,
            records.get(each.follow_up_id),
            None if moment == now else moment,
        )
        for each in found
    ]


async def _call_again(uow: UnitOfWork, called: FollowUp, due_at: datetime, deps: Deps) -> None:
    """Plan the call that the customer has asked for."""
    if due_at <= uow.now:
        raise errors.next_call_in_past()
    await schedule_follow_up(
        uow,
        deps,
        reason="ad_hoc",
        customer_ref=called.customer_ref,
        due_at=due_at,
        vehicle_ref=called.vehicle_ref,
        order_id=called.order_id,
        about=f"{called.follow_up_id}.{called.attempts}",
        agent_id=called.agent_id,
    )


async def _records(
    connection: Connection, store_id: str, calls: Sequence[FollowUp], deps: Deps
) -> Mapping[str, str | None]:
    """Return what earlier attempts have recorded, by the id of the call."""
    tried = {each.follow_up_id: each.customer_ref for each in calls if each.attempts}
    encrypted = await persistence.encrypted_records(connection, store_id, tried)
    texts = await deps.personal.decrypt_all(
        connection, store_id, [(tried[key], record) for key, record in encrypted.items()]
    )
    return dict(zip(encrypted, texts, strict=True))


def _due_call(
    view: FollowUpView,
    person: Person | None,
    reasons: ReasonRules,
    record: str | None,
    callable_from: datetime | None,
) -> DueCall:
    language = person.language if person else "zh"
    return DueCall(
        **view.model_dump(),
        name=person.name if person else None,
        phone=person.phone if person else None,
        language=language,
        script=reasons.script(view.reason, language),
        record=record,
        callable_from=callable_from,
    )


async def _add_record(uow: UnitOfWork, called: FollowUp, record: str, deps: Deps) -> None:
    """Append the record of a call to those of earlier calls."""
    connection, store_id, personal = uow.connection, uow.store_id, deps.personal
    encrypted = await persistence.encrypted_records(connection, store_id, [called.follow_up_id])
    earlier = await personal.decrypt(
        connection, store_id, called.customer_ref, encrypted.get(called.follow_up_id)
    )
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
