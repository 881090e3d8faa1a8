"""Sending of messages.

A message is claimed in one transaction, handed over outside any, and its result recorded in
another.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.crm import persistence
from services.crm.application.callers import NoAgentError, callers_on, next_day
from services.crm.application.deps import Deps
from services.crm.application.message_renderer import render_messages
from services.crm.application.rules import quiet_hours
from services.crm.clients.channels import LONGEST_CALL_S, OutboundMessage
from services.crm.domain import follow_up as follow_ups
from services.crm.domain import message as messages
from services.crm.domain.message import (
    MARKETING,
    Call,
    CallReason,
    Contact,
    Defer,
    Message,
    Send,
    SendResult,
    Step,
)
from services.crm.persistence.conversation import encrypted_sender
from services.crm.persistence.persons import Person, find_persons
from shared import timers
from shared.contracts.management import CustomerCareRules
from shared.db import Connection
from shared.failpoints import failpoint
from shared.timers import RetryLaterError, StaleStateError, Timer
from shared.unit_of_work import UnitOfWork

SEND_MESSAGE = "send_message"

_LEASE = timedelta(seconds=2 * LONGEST_CALL_S)


@dataclass(frozen=True)
class Attempt:
    """Result of the attempt number ``tries``."""

    tries: int
    send_result: SendResult


async def send_soon(uow: UnitOfWork, message: Message) -> None:
    """Store a message, and send it as soon as it may go and its customer is known."""
    await persistence.save_message(uow.connection, message)
    if message.customer_ref is not None:
        await schedule_sending(uow, message.store_id, message.message_id, uow.now)


async def schedule_sending(
    uow: UnitOfWork, store_id: str, message_id: str, due_at: datetime
) -> None:
    """Schedule the next step of a message at ``due_at``."""
    await timers.schedule(uow, SEND_MESSAGE, message_id, store_id=store_id, due_at=due_at)


async def hand_over_message(store_id: str, message_id: str, deps: Deps) -> Attempt | None:
    """Hand the message to its channel; return ``None`` when its next step is another one.

    The address is looked up now and not kept. A claim without an answer, because its process died,
    is an attempt without an answer.

    Raises:
        RetryLaterError: another process may be handing it over now, or rules that it needs are not
            defined.
    """
    async with deps.uow_factory.open([store_id]) as uow:
        connection = uow.connection
        message = await persistence.lock_message(connection, store_id, message_id)
        if message.state == "sending":
            if await persistence.is_claimed(connection, store_id, message_id):
                raise RetryLaterError("another process may be sending the message")
            return Attempt(message.tries, "unanswered")
        if message.state != "waiting":
            return None
        step, person, contact = await _next_step(connection, message, deps)
        if person is None or contact is None or not isinstance(step, Send):
            return None
        (rendered,) = await render_messages(
            connection, store_id, [message], {person.customer_ref: person}, deps, with_links=True
        )
        address = contact.addresses[step.channel]
        outbound = OutboundMessage(message_id, address, rendered.content)
        claimed = messages.claim(message, step.channel, contact)
        await persistence.save_message(connection, claimed)
        await persistence.claim_message(connection, store_id, message_id, _LEASE)
    failpoint("message_claimed")
    send_result = await deps.channels[step.channel].send(outbound)
    failpoint("message_answered")
    return Attempt(claimed.tries, send_result)


async def lock_message(uow: UnitOfWork, store_id: str, message_id: str) -> None:
    """Lock the message before its timer, as commands do."""
    await persistence.lock_message(uow.connection, store_id, message_id)


async def go_on_with_message(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Record the result of the attempt, or take the next step of the message (R9)."""
    message = await persistence.lock_message(uow.connection, timer.store_id, timer.entity_id)
    if isinstance(timer.prepared, Attempt):
        await _record_attempt(uow, message, timer.prepared, deps)
    elif message.state == "waiting":
        await _act(uow, message, deps)


async def _record_attempt(uow: UnitOfWork, message: Message, attempt: Attempt, deps: Deps) -> None:
    if message.state != "sending" or message.tries != attempt.tries:
        raise StaleStateError
    rules = await deps.group.rules_today(uow.connection, CustomerCareRules, message.store_id)
    changed, events = messages.record_send_result(message, attempt.send_result, rules, uow.now)
    await persistence.save_message(uow.connection, changed)
    uow.publish(events)
    if changed.state == "waiting":
        due_at = changed.retry_at or uow.now
        await schedule_sending(uow, message.store_id, message.message_id, due_at)


async def _act(uow: UnitOfWork, message: Message, deps: Deps) -> None:
    step, *_ = await _next_step(uow.connection, message, deps)
    match step:
        case Send():
            raise StaleStateError
        case Defer(until):
            await schedule_sending(uow, message.store_id, message.message_id, until)
        case Call(reason):
            await _hand_to_agent(uow, message, reason, deps)
        case "suppress":
            await persistence.save_message(uow.connection, messages.suppress(message))
        case "drop":
            pass


async def _hand_to_agent(uow: UnitOfWork, message: Message, reason: CallReason, deps: Deps) -> None:
    """Have an agent call; while the store has no agent, it waits for the next day."""
    connection, store_id = uow.connection, message.store_id
    store = await deps.group.store(connection, store_id)
    try:
        agents = await callers_on(connection, store_id, store.local_day(uow.now), deps)
    except NoAgentError:
        await schedule_sending(uow, store_id, message.message_id, next_day(store, uow.now))
        return
    tasks = await persistence.open_call_tasks(connection, store_id, uow.now)
    agent_id = follow_ups.least_loaded(agents, tasks)
    await persistence.save_message(connection, messages.hand_to_agent(message, agent_id, reason))


async def _next_step(
    connection: Connection, message: Message, deps: Deps
) -> tuple[Step, Person | None, Contact | None]:
    """Return the next step, the customer, and how to reach them.

    A customer who is no longer in customer records gets no message. Nor does one who has withdrawn
    the consent that the message needs since it was composed.

    Raises:
        NotDefinedError: quiet hours are not defined.
    """
    store_id, customer_ref = message.store_id, message.customer_ref or ""
    persons = await find_persons(connection, deps.personal, store_id, [customer_ref])
    person = persons.get(customer_ref)
    if person is None:
        return "suppress", None, None
    if message.message_type in MARKETING and not await persistence.customers_who_said(
        connection, store_id, [customer_ref], "marketing", is_given=True
    ):
        return "suppress", person, None
    now = deps.uow_factory.clock.now()
    visit = await persistence.find_service_visit(connection, store_id, message.order_id)
    store = await deps.group.store(connection, store_id)
    quiet = await quiet_hours(connection, store, now, deps)
    quiet_until = quiet.end_after(now.astimezone(store.timezone))
    contact = await _contact_for(connection, message, person, deps)
    step = messages.next_step(
        message,
        contact,
        deps.channels.keys(),
        quiet_until=quiet_until.astimezone(UTC) if quiet_until else None,
        waiting_customer=visit is not None and visit.waiting,
        now=now,
    )
    return step, person, contact


async def _contact_for(
    connection: Connection, message: Message, person: Person, deps: Deps
) -> Contact:
    """Return how to reach a customer; an answer goes to where they have written from."""
    if message.message_type != "answer" or message.about is None:
        return person.contact
    channel, subject, sender = await encrypted_sender(connection, message.store_id, message.about)
    address = await deps.personal.decrypt(connection, message.store_id, subject, sender)
    return messages.reached_at(person.contact, channel, address) if address else person.contact
