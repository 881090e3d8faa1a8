"""Assignment of customers to agents (客户分配), and handover of their calls."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from pydantic import BaseModel

from services.crm import persistence
from services.crm.application.callers import NoAgentError, callers_on, next_day
from services.crm.application.deps import Deps
from services.crm.application.follow_ups import (
    Absence,
    CallingRules,
    Occasion,
    calling_rules,
    hand_over_calls,
    pass_on_calls,
    schedule_follow_ups,
)
from services.crm.domain import assignment as assignments
from services.crm.domain.assignment import Agent, Assignment, Cause, ReassignCause
from services.crm.domain.follow_up import is_on_leave
from shared import timers
from shared.contracts.base import Identifier
from shared.contracts.crm import CustomerAssigned
from shared.contracts.management import CustomerCareRules, PersonDefined
from shared.envelope import ReceivedEvent
from shared.group import Store
from shared.request_model import RequestModel
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

ASSIGN_CUSTOMERS = "assign_customers"

_BATCH = 500
_COMPLETED_DAYS = 30


class ReassignCustomerRequest(RequestModel):
    """Another agent for a customer; ``seen_agent_id`` is whose customer the manager saw."""

    agent_id: Identifier
    seen_agent_id: Identifier | None = None
    cause: ReassignCause


class AssignmentView(BaseModel):
    """Customer of an agent.

    ``is_overdue``: the first contact was not made by ``first_contact_due_at``.
    """

    customer_ref: str
    agent_id: str | None
    assigned_at: datetime | None
    assigned_by: str | None
    cause: Cause | None
    first_contact_due_at: datetime | None
    first_contacted_at: datetime | None
    is_overdue: bool


class AgentNumbers(BaseModel):
    """Customers and calls of an agent; calls completed and reached in the last 30 days."""

    agent_id: str
    customers: int
    first_contacts_open: int
    first_contacts_overdue: int
    open_calls: int
    due_calls: int
    completed: int
    reached: int


class AssignmentOverview(BaseModel):
    """Agents with customers or calls, and the ids of those who may get customers today."""

    agents: list[AgentNumbers]
    assignable: list[str]


async def request_agent(uow: UnitOfWork, customer_ref: str) -> None:
    """Have a customer of the store get an agent, unless they have one or wait for one already."""
    if await persistence.request_assignment(uow.connection, uow.store_id, customer_ref, uow.now):
        await _assign_at(uow, uow.now)


async def assign_customers(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Give the customers who wait for an agent to the agents of the store (R20).

    Customers and calls of agents who call no customers of the store any more pass to the others,
    and today's calls of agents on leave. While the store has no agent, all wait for a change of the
    staff, or for the next day. More customers than a batch follow in the next.

    Raises:
        NotDefinedError: the calendar or the rules of calls are not defined yet.
    """
    connection = uow.connection
    store = await deps.group.store(connection, timer.store_id)
    rules = await calling_rules(connection, store, deps)
    today = store.local_day(uow.now)
    try:
        present = await callers_on(connection, store.id, today, deps)
    except NoAgentError:
        await _assign_at(uow, next_day(store, uow.now))
        return
    in_post = await _in_post(uow, store, today, deps)
    waiting = await persistence.waiting_assignments(connection, store.id, _BATCH)
    left = await persistence.assignments_to_others(connection, store.id, in_post, _BATCH)
    await _assign(uow, waiting, present, "new_customer", rules, deps)
    await _assign(uow, left, present, "agent_left", rules, deps)
    absence = await _absence(uow, store, today, deps)
    all_passed_on = await hand_over_calls(uow, store, present, absence, _BATCH)
    is_done = all_passed_on and max(len(waiting), len(left)) < _BATCH
    await _assign_at(uow, next_day(store, uow.now) if is_done else uow.now)


async def look_at_changed_staff(
    uow: UnitOfWork, by_store: Mapping[str, Sequence[ReceivedEvent]], _: Deps
) -> None:
    """Have customers and calls passed on in the stores whose staff has changed."""
    changed = [
        store_id
        for store_id, batch in by_store.items()
        if any(isinstance(received.event, PersonDefined) for received in batch)
    ]
    await timers.bring_forward(uow, ASSIGN_CUSTOMERS, changed)


async def reassign_customer(
    uow: UnitOfWork, customer_ref: str, command: ReassignCustomerRequest, deps: Deps
) -> AssignmentView:
    """Give a customer with their open calls to another agent (改派).

    Raises:
        RuleViolation: the store knows no such customer, another manager has reassigned them
            meanwhile, or the agent calls no customers of the store.
    """
    connection = uow.connection
    store = await deps.group.store(connection, uow.store_id)
    assigned, events = assignments.reassign(
        await persistence.lock_assignment(connection, store.id, customer_ref),
        command.agent_id,
        seen_agent_id=command.seen_agent_id,
        agents=await _in_post(uow, store, store.local_day(uow.now), deps),
        cause=command.cause,
        by=uow.person,
        now=uow.now,
    )
    await persistence.save_assignments(connection, [assigned])
    uow.publish(events)
    await _pass_calls_on(uow, events)
    return _view(assigned, uow.now)


async def list_agents(store_id: str, deps: Deps) -> AssignmentOverview:
    """Return each agent's numbers."""
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        rows = await persistence.agent_numbers(
            connection, store_id, now, now - timedelta(days=_COMPLETED_DAYS)
        )
        try:
            assignable = await callers_on(connection, store_id, store.local_day(now), deps)
        except NoAgentError:
            assignable = []
    return AssignmentOverview(
        agents=[AgentNumbers(**row) for row in rows], assignable=sorted(assignable)
    )


async def list_customers_of_agent(
    store_id: str, agent_id: str, after: str, limit: int, deps: Deps
) -> list[AssignmentView]:
    """List an agent's customers behind ``after``, by their references."""
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.assignments_of_agent(connection, store_id, agent_id, after, limit)
    return [_view(each, now) for each in found]


async def _assign(
    uow: UnitOfWork,
    waiting: Sequence[Assignment],
    present: Sequence[str],
    cause: Cause,
    rules: CallingRules,
    deps: Deps,
) -> None:
    """Give customers to the agents at work; new ones have a first contact (首次联系)."""
    if not waiting:
        return
    agents = await _agents(uow, rules.store, present, deps)
    refs = [each.customer_ref for each in waiting]
    relatives = await persistence.relatives_of(uow.connection, uow.store_id, refs)
    chosen = assignments.distribute(refs, agents, relatives)
    care = await deps.group.rules_today(uow.connection, CustomerCareRules, uow.store_id)
    saved, events = [], []
    for each in waiting:
        due_at = each.first_contact_due_at or (uow.now + timedelta(days=care.first_contact_days))
        assigned, published = assignments.assign(
            each, chosen[each.customer_ref], cause, uow.actor, uow.now
        )
        saved.append(replace(assigned, first_contact_due_at=due_at))
        events.extend(published)
    await persistence.save_assignments(uow.connection, saved)
    uow.publish(events)
    await _pass_calls_on(uow, events)
    if cause == "new_customer":
        await schedule_follow_ups(uow, deps, [_first_contact(each, rules) for each in saved])


def _first_contact(assigned: Assignment, rules: CallingRules) -> Occasion:
    rule = rules.reasons.reasons.get("first_contact")
    due_at = rules.due_after(assigned.requested_at, rule.after_days or 0 if rule else 0)
    return Occasion(
        "first_contact",
        assigned.customer_ref,
        about=assigned.customer_ref,
        due_at=min(due_at, assigned.first_contact_due_at or due_at),
        agent_id=assigned.agent_id,
    )


async def _pass_calls_on(uow: UnitOfWork, events: Sequence[CustomerAssigned]) -> None:
    """Give the open calls of reassigned customers to their new agents."""
    to_agent = {each.customer_ref: each.agent_id for each in events if each.previous_agent_id}
    if to_agent:
        await pass_on_calls(uow, to_agent)


async def _agents(
    uow: UnitOfWork, store: Store, present: Sequence[str], deps: Deps
) -> Sequence[Agent]:
    """Return the agents at work with their customers and open calls."""
    staff = await deps.group.staff(uow.connection, store.id, store.local_day(uow.now))
    rows = await persistence.agent_numbers(uow.connection, store.id, uow.now, uow.now)
    numbers = {row["agent_id"]: (row["customers"], row["open_calls"]) for row in rows}
    return [
        Agent(agent_id, staff[agent_id].time_factor, *numbers.get(agent_id, (0, 0)))
        for agent_id in present
    ]


async def _in_post(uow: UnitOfWork, store: Store, day: date, deps: Deps) -> Sequence[str]:
    """Return who holds a post that calls customers, on leave or not."""
    rules = await deps.group.rules_on(uow.connection, CustomerCareRules, store.id, day)
    staff = await deps.group.staff(uow.connection, store.id, day)
    return [
        person_id
        for person_id, profile in staff.items()
        if any(
            post.in_store == store.id and post.role in rules.calling_roles for post in profile.posts
        )
    ]


async def _absence(uow: UnitOfWork, store: Store, day: date, deps: Deps) -> Absence:
    staff = await deps.group.staff(uow.connection, store.id, day)
    return Absence(
        list(staff),
        [person_id for person_id, profile in staff.items() if is_on_leave(profile, day)],
    )


async def _assign_at(uow: UnitOfWork, due_at: datetime) -> None:
    store_id = uow.store_id
    await timers.schedule(uow, ASSIGN_CUSTOMERS, store_id, store_id=store_id, due_at=due_at)


def _view(assigned: Assignment, now: datetime) -> AssignmentView:
    due_at = assigned.first_contact_due_at
    is_open = assigned.first_contacted_at is None
    return AssignmentView(
        **{name: getattr(assigned, name) for name in _VIEW_FIELDS},
        is_overdue=is_open and due_at is not None and due_at < now,
    )


_VIEW_FIELDS = AssignmentView.model_fields.keys() - {"is_overdue"}
