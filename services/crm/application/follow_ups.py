"""Plans of calls to customers (回访计划): one mechanism, whatever the reason."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime

from services.crm import persistence
from services.crm.application.callers import NoAgentError, callers_on, next_day
from services.crm.application.deps import Deps
from services.crm.application.rules import follow_up_rules, quiet_hours, reason_rules
from services.crm.domain import follow_up as follow_ups
from services.crm.domain.contact_frequency import CallableFrom, spread
from services.crm.domain.follow_up import CallRules, CancelCause, FollowUp
from services.crm.domain.follow_up_reason import (
    CONSENTS,
    Purpose,
    Reason,
    ReasonRules,
    is_refused,
)
from services.crm.domain.message import QuietHours
from shared import timers
from shared.contracts.management import PersonDefined
from shared.db import Connection
from shared.envelope import ReceivedEvent
from shared.group import Store
from shared.ids import new_id
from shared.master_data import NotDefinedError
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork
from shared.working_calendar import WorkingCalendar

SCHEDULE_FOLLOW_UP = "schedule_follow_up"


@dataclass(frozen=True)
class Occasion:
    """Occasion to call a customer, about the order, complaint or policy with the id ``about``.

    The call is due at ``due_at``, or so many working days after the delivery at ``delivered_at`` as
    the rules of follow-up say. ``agent_id`` makes it; without one, the customer's own agent, where
    they are at work that day, else the one with the fewest open calls.
    """

    reason: Reason
    customer_ref: str
    about: str
    due_at: datetime | None = None
    delivered_at: datetime | None = None
    vehicle_ref: str | None = None
    order_id: str | None = None
    agent_id: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """A customer is called once for a reason and what it is about."""
        return self.reason, self.customer_ref, self.about


@dataclass(frozen=True)
class Absence:
    """The staff of a store, and those of it who are on leave today."""

    staff: Collection[str]
    on_leave: Collection[str]


@dataclass(frozen=True)
class CallingRules:
    """All rules by which a store calls its customers, as they hold today."""

    store: Store
    calendar: WorkingCalendar
    calls: CallRules
    reasons: ReasonRules
    quiet: QuietHours

    def due_after(self, moment: datetime, working_days: int) -> datetime:
        """Return the time of calls so many working days after ``moment``."""
        day = self.store.local_day(moment)
        for _ in range(working_days):
            day = self.calendar.next_working_day(day)
        return self.store.at(day, self.calls.calls_at).astimezone(UTC)

    @property
    def callable_from(self) -> CallableFrom:
        """The first moment from another one on that is not in the store's quiet hours."""

        def first(moment: datetime) -> datetime:
            ends = self.quiet.end_after(moment.astimezone(self.store.timezone))
            return moment if ends is None else ends.astimezone(UTC)

        return first


async def calling_rules(connection: Connection, store: Store, deps: Deps) -> CallingRules:
    """Return the rules by which a store calls its customers today.

    Raises:
        NotDefinedError: some of them are not defined yet.
    """
    now = deps.uow_factory.clock.now()
    return CallingRules(
        store,
        await deps.group.calendar(connection),
        await follow_up_rules(connection, store, now, deps),
        await reason_rules(connection, store, now, deps),
        await quiet_hours(connection, store, now, deps),
    )


async def schedule_follow_up(
    uow: UnitOfWork,
    deps: Deps,
    *,
    reason: Reason,
    customer_ref: str,
    due_at: datetime | None = None,
    delivered_at: datetime | None = None,
    vehicle_ref: str | None = None,
    order_id: str | None = None,
    about: str | None = None,
    agent_id: str | None = None,
) -> str | None:
    """Plan a call to a customer of the transaction's store, and return its id.

    None is returned where no call is planned: the store does not call for this reason, the customer
    refuses calls of its purpose, a call that matters more is too close, or the store has no agent
    and the call waits for one. A call for the same reason and ``about`` is planned once.
    """
    occasion = Occasion(
        reason,
        customer_ref,
        about or order_id or str(new_id()),
        due_at,
        delivered_at,
        vehicle_ref,
        order_id,
        agent_id,
    )
    return (await schedule_follow_ups(uow, deps, [occasion])).get(occasion.key)


async def schedule_follow_ups(
    uow: UnitOfWork, deps: Deps, occasions: Sequence[Occasion]
) -> Mapping[tuple[str, str, str], str]:
    """Plan calls to customers of the transaction's store; without an agent they wait for one."""
    store = await deps.group.store(uow.connection, uow.store_id)
    try:
        return await plan_follow_ups(uow, store, occasions, deps)
    except NotDefinedError:
        for occasion in occasions:
            await _wait(uow, occasion, uow.now)
        return {}


async def plan_follow_ups(
    uow: UnitOfWork, store: Store, occasions: Sequence[Occasion], deps: Deps
) -> Mapping[tuple[str, str, str], str]:
    """Plan calls to customers of a store; return their ids by occasion.

    Raises:
        NoAgentError: the store has no agent on one of the days.
        NotDefinedError: the calendar or the rules of calls are not defined yet.
    """
    if not occasions:
        return {}
    connection = uow.connection
    rules = await calling_rules(connection, store, deps)
    read = await persistence.read_as(
        connection, store.id, {each.customer_ref for each in occasions}
    )
    as_read = {each.key: replace(each, customer_ref=read[each.customer_ref]) for each in occasions}
    planned = await _plan(uow, rules, list(as_read.values()), deps)
    return {key: planned[each.key] for key, each in as_read.items() if each.key in planned}


async def _plan(
    uow: UnitOfWork, rules: CallingRules, occasions: Sequence[Occasion], deps: Deps
) -> Mapping[tuple[str, str, str], str]:
    """Plan calls to customers, each named as they are read; return their ids by occasion."""
    connection, store = uow.connection, rules.store
    refs = {each.customer_ref for each in occasions}
    await persistence.lock_follow_ups_of(connection, store.id, refs)
    known = await persistence.known_follow_ups(
        connection, store.id, [each.key for each in occasions]
    )
    refused = await refused_purposes(connection, store.id, refs)
    wanted = [
        each
        for each in {each.key: each for each in occasions}.values()
        if each.key not in known
        and each.reason in rules.reasons.order
        and not is_refused(each.reason, refused[each.customer_ref])
    ]
    if not wanted:
        return known
    new = await _assigned(uow, rules, wanted, deps)
    before = await persistence.open_follow_ups_of(
        connection, store.id, {each.customer_ref for each in wanted}
    )
    planned = await replan_calls(uow, rules, [*before, *new], before)
    open_ids = {each.key: each.follow_up_id for each in planned if each.cancelled_at is None}
    return {**known, **{each.key: open_ids[each.key] for each in wanted if each.key in open_ids}}


async def schedule_waiting_follow_up(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Plan a call that could not be assigned at its occasion.

    While the store has no agent it waits for a change of the staff, or for the next day, on
    which one may begin.

    Raises:
        NotDefinedError: the calendar or the rules of calls are not defined yet.
    """
    store = await deps.group.store(uow.connection, timer.store_id)
    occasion = _occasion(timer.data)
    try:
        await plan_follow_ups(uow, store, [occasion], deps)
    except NoAgentError:
        await _wait(uow, occasion, next_day(store, uow.now))


async def assign_waiting_follow_ups(
    uow: UnitOfWork, by_store: Mapping[str, Sequence[ReceivedEvent]], _: Deps
) -> None:
    """Have the calls assigned that wait in the stores whose staff has changed."""
    changed = [
        store_id
        for store_id, batch in by_store.items()
        if any(isinstance(received.event, PersonDefined) for received in batch)
    ]
    await timers.bring_forward(uow, SCHEDULE_FOLLOW_UP, changed)


async def cancel_follow_ups(uow: UnitOfWork, *, about: str) -> None:
    """Cancel the open calls about a complaint, a policy, …, that is settled."""
    connection, store_id = uow.connection, uow.store_id
    found = await persistence.open_follow_ups_about(connection, store_id, about)
    await persistence.lock_follow_ups_of(
        connection, store_id, {each.customer_ref for each in found}
    )
    await _cancel(
        uow, await persistence.open_follow_ups_about(connection, store_id, about), "settled"
    )


async def cancel_refused_follow_ups(uow: UnitOfWork, customer_ref: str) -> None:
    """Cancel the open calls to a customer who has refused calls of their purpose."""
    connection, store_id = uow.connection, uow.store_id
    await persistence.lock_follow_ups_of(connection, store_id, [customer_ref])
    found = await persistence.open_follow_ups_of(connection, store_id, [customer_ref])
    refused = (await refused_purposes(connection, store_id, [customer_ref]))[customer_ref]
    await _cancel(uow, [each for each in found if is_refused(each.reason, refused)], "refused")


async def cancel_calls_of_erased(uow: UnitOfWork, customer_ref: str) -> None:
    """Cancel the open calls to a customer who is erased."""
    connection, store_id = uow.connection, uow.store_id
    await persistence.lock_follow_ups_of(connection, store_id, [customer_ref])
    found = await persistence.open_follow_ups_of(connection, store_id, [customer_ref])
    await _cancel(uow, found, "erased")


async def pass_on_calls(uow: UnitOfWork, agents: Mapping[str, str]) -> None:
    """Give the open calls of customers to other agents, named by customer."""
    await persistence.lock_follow_ups_of(uow.connection, uow.store_id, agents)
    found = await persistence.open_follow_ups_of(uow.connection, uow.store_id, agents)
    read = await persistence.read_as(
        uow.connection, uow.store_id, {each.customer_ref for each in found}
    )
    mine = [each for each in found if read[each.customer_ref] in agents]
    await _change(
        uow, mine, [replace(each, agent_id=agents[read[each.customer_ref]]) for each in mine]
    )


async def space_calls(uow: UnitOfWork, customer_ref: str, deps: Deps) -> None:
    """Have the open calls of a customer as far from each other as the rules demand.

    Raises:
        NotDefinedError: the calendar or the rules of calls are not defined yet.
    """
    connection = uow.connection
    store = await deps.group.store(connection, uow.store_id)
    await persistence.lock_follow_ups_of(connection, store.id, [customer_ref])
    found = await persistence.open_follow_ups_of(connection, store.id, [customer_ref])
    if found:
        await replan_calls(uow, await calling_rules(connection, store, deps), found, found)


async def hand_over_calls(
    uow: UnitOfWork, store: Store, agents: Sequence[str], absence: Absence, limit: int
) -> bool:
    """Give calls of absent agents to ``agents``, ``limit`` at most; return whether that was all.

    These are all calls of agents who have left the store, and those due today of agents on leave.
    A call goes to the customer's own agent, where they are at work, else to the one with the fewest
    open calls.
    """
    connection = uow.connection
    tomorrow = next_day(store, uow.now)
    found = await persistence.calls_of_absent(
        connection, store.id, absence.staff, absence.on_leave, tomorrow, limit
    )
    await persistence.lock_follow_ups_of(
        connection, store.id, {each.customer_ref for each in found}
    )
    found = await persistence.calls_of_absent(
        connection, store.id, absence.staff, absence.on_leave, tomorrow, limit
    )
    own = await persistence.agents_of_customers(
        connection, store.id, {each.customer_ref for each in found}
    )
    load = dict(await persistence.open_calls(connection, store.id))
    passed_on = []
    for each in found:
        agent_id = follow_ups.choose_agent(own.get(each.customer_ref), agents, load)
        load[agent_id] = load.get(agent_id, 0) + 1
        passed_on.append(replace(each, agent_id=agent_id))
    await _change(uow, found, passed_on)
    return len(found) < limit


async def refused_purposes(
    connection: Connection, store_id: str, customer_refs: Collection[str]
) -> Mapping[str, Collection[Purpose]]:
    """Return for which purposes each of these customers refuses calls (拒绝联系).

    They decline all calls, or have withdrawn the consent to that purpose.
    """
    refused: dict[str, Collection[Purpose]] = defaultdict(frozenset)
    for purpose, consent in CONSENTS.items():
        unwilling = await persistence.customers_who_said(
            connection, store_id, customer_refs, consent, is_given=False
        )
        for customer_ref in unwilling:
            refused[customer_ref] = {*refused[customer_ref], purpose}
    for customer_ref in await persistence.customers_refusing_calls(
        connection, store_id, customer_refs
    ):
        refused[customer_ref] = frozenset(CONSENTS)
    return refused


async def replan_calls(
    uow: UnitOfWork, rules: CallingRules, calls: Iterable[FollowUp], before: Iterable[FollowUp]
) -> Sequence[FollowUp]:
    """Store the open ``calls`` of customers, as far from each other as the rules demand.

    ``before`` are those of them that were stored already, as they were; what has changed is
    published. The customers' calls are locked. The calls are returned as they are stored.
    """
    connection, store_id = uow.connection, uow.store_id
    listed = list(calls)
    read = await persistence.read_as(connection, store_id, {call.customer_ref for call in listed})
    by_customer: dict[str, list[FollowUp]] = defaultdict(list)
    for call in listed:
        by_customer[read[call.customer_ref]].append(call)
    contacts = await persistence.contacts_since(
        connection, store_id, by_customer, uow.now - rules.reasons.between_contacts
    )
    planned = [
        call
        for customer_ref, of_customer in by_customer.items()
        for call in spread(
            of_customer,
            contacts.get(customer_ref, ()),
            rules.reasons,
            rules.callable_from,
            uow.now,
        )
    ]
    known = {each.follow_up_id: each for each in before}
    changed = [call for call in planned if known.get(call.follow_up_id) != call]
    kept = [call for call in changed if call.follow_up_id in known or call.cancelled_at is None]
    await persistence.save_follow_ups(connection, kept)
    for call in kept:
        uow.publish(follow_ups.announced(known.get(call.follow_up_id), call))
    return planned


async def _assigned(
    uow: UnitOfWork, rules: CallingRules, occasions: Sequence[Occasion], deps: Deps
) -> Sequence[FollowUp]:
    """Return the calls, each with an agent who is at work that day.

    Raises:
        NoAgentError: the store has no agent on one of the days.
    """
    store_id = rules.store.id
    load = dict(await persistence.open_calls(uow.connection, store_id))
    own = await persistence.agents_of_customers(
        uow.connection, store_id, {each.customer_ref for each in occasions}
    )
    present: dict[date, Sequence[str]] = {}
    calls = []
    for occasion in occasions:
        due_at = occasion.due_at or rules.due_after(
            occasion.delivered_at or uow.now, rules.calls.days_after_delivery
        )
        agent_id = occasion.agent_id
        if agent_id is None:
            day = rules.store.local_day(max(due_at, uow.now))
            if day not in present:
                present[day] = await callers_on(uow.connection, store_id, day, deps)
            agent_id = follow_ups.choose_agent(own.get(occasion.customer_ref), present[day], load)
        load[agent_id] = load.get(agent_id, 0) + 1
        calls.append(
            FollowUp(
                follow_up_id=str(new_id()),
                store_id=store_id,
                reason=occasion.reason,
                about=occasion.about,
                customer_ref=occasion.customer_ref,
                agent_id=agent_id,
                priority=rules.reasons.order[occasion.reason],
                due_at=due_at,
                order_id=occasion.order_id,
                vehicle_ref=occasion.vehicle_ref,
            )
        )
    return calls


async def _cancel(uow: UnitOfWork, found: Sequence[FollowUp], cause: CancelCause) -> None:
    await _change(uow, found, [follow_ups.cancel(each, cause, uow.now) for each in found])


async def _change(uow: UnitOfWork, found: Sequence[FollowUp], changed: Sequence[FollowUp]) -> None:
    """Store and publish other plans of the calls that were ``found``."""
    await persistence.save_follow_ups(uow.connection, changed)
    for before, after in zip(found, changed, strict=True):
        uow.publish(follow_ups.announced(before, after))


async def _wait(uow: UnitOfWork, occasion: Occasion, until: datetime) -> None:
    """Have the occasion looked at again at ``until``."""
    data = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(occasion).items()
    }
    await timers.schedule(
        uow,
        SCHEDULE_FOLLOW_UP,
        "/".join(occasion.key),
        store_id=uow.store_id,
        due_at=until,
        data=data,
    )


def _occasion(data: Mapping[str, str]) -> Occasion:
    """Return the occasion that was stored with a timer."""
    moments = {
        name: datetime.fromisoformat(data[name]) if data[name] else None
        for name in ("due_at", "delivered_at")
    }
    fields = {name: data[name] for name in Occasion.__dataclass_fields__}
    return Occasion(**{**fields, **moments})  # type: ignore[arg-type]
