"""Sending messages: claimed in one transaction, handed over outside any, answered in another."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.crm import persistence
from services.crm.application.words import Words
from services.crm.clients.channels import LONGEST_CALL_S, OutboundMessage, Sender
from services.crm.domain import follow_up as follow_ups
from services.crm.domain import message as messages
from services.crm.domain.message import (
    Answer,
    Call,
    Channel,
    Defer,
    Message,
    Send,
    Step,
    Visit,
)
from services.crm.domain.message_text import TemplateValues
from services.crm.persistence.persons import Person, find_persons
from shared import timers
from shared.db import Connection, transaction
from shared.envelope import Cause
from shared.failpoints import reached
from shared.ids import new_id
from shared.service import Service
from shared.timers import Deadline, Lane, NotYetError, StalePreparationError, Timer
from shared.unit import Unit

SEND_MESSAGE = "send_message"

_GATEWAYS = Lane("gateways", places=4, timeout_s=2 * LONGEST_CALL_S)

_LEASE = timedelta(seconds=2 * LONGEST_CALL_S)


async def send_soon(unit: Unit, message: Message, cause: Cause) -> None:
    """Keep a message, and send it as soon as it may go and its customer is known."""
    await persistence.save_message(unit.connection, message)
    if message.customer_ref is not None:
        await schedule(unit, message.store_id, message.message_id, unit.now, cause)


async def schedule(
    unit: Unit, store_id: str, message_id: str, due_at: datetime, cause: Cause
) -> None:
    """Go on with a message at ``due_at``."""
    await timers.schedule(
        unit, SEND_MESSAGE, message_id, store_id=store_id, due_at=due_at, cause=cause
    )


def compose(
    values: TemplateValues,
    visit: Visit | None,
    *,
    store_id: str,
    customer_ref: str | None,
    order_id: str | None,
    now: datetime,
    about: str | None = None,
    expires_at: datetime | None = None,
) -> Message:
    """A new message; its link, if it has one, is not among its values, as it is kept encrypted."""
    over = (expires_at, values.void_at, visit.void_since(values.subject) if visit else None)
    return Message(
        message_id=str(new_id()),
        store_id=store_id,
        subject=values.subject,
        values=values.model_dump(mode="json", exclude={"link"}),
        created_at=now,
        customer_ref=customer_ref,
        order_id=order_id,
        about=about,
        expires_at=min((moment for moment in over if moment), default=None),
    )


@dataclass(frozen=True)
class Attempt:
    """What came of the attempt number ``tries``."""

    tries: int
    answer: Answer


@dataclass(frozen=True)
class Sending:
    """Sends a message when its time has come; the address is looked up then and forgotten."""

    service: Service
    words: Words
    channels: Mapping[Channel, Sender]

    @property
    def deadline(self) -> Deadline:
        return Deadline(self.fire, lock=_lock, prepare=self.prepare, lane=_GATEWAYS)

    async def prepare(self, store_id: str, message_id: str) -> Attempt | None:
        """Hand the message over, or ``None`` when that is not what is to be done with it.

        A claim that nobody answered, because its process died, is an attempt without an answer.

        Raises:
            NotYetError: another process may be handing it over now.
        """
        async with transaction(self.service.pool, [store_id]) as connection:
            message = await persistence.lock_message(connection, store_id, message_id)
            if message.state == "sending":
                if await persistence.is_claimed(connection, store_id, message_id):
                    raise NotYetError("another process may be sending the message")
                return Attempt(message.tries, "unanswered")
            if message.state != "waiting":
                return None
            step, person = await self._step(connection, message)
            if person is None or not isinstance(step, Send):
                return None
            (rendered,) = await self.words.render(
                connection, store_id, [message], {person.customer_ref: person}, with_links=True
            )
            address = person.contact.addresses[step.channel]
            outbound = OutboundMessage(message_id, address, rendered.content)
            claimed = messages.claim(message, step.channel, person.contact)
            await persistence.save_message(connection, claimed)
            await persistence.claim_message(connection, store_id, message_id, _LEASE)
        reached("message_claimed")
        answer = await self.channels[step.channel].send(outbound)
        reached("message_answered")
        return Attempt(claimed.tries, answer)

    async def fire(self, unit: Unit, timer: Timer) -> None:
        """Record what came of the attempt, or do what is to be done instead (R9)."""
        message = await persistence.lock_message(unit.connection, timer.store_id, timer.subject)
        if isinstance(timer.prepared, Attempt):
            await self._answered(unit, timer, message, timer.prepared)
        elif message.state == "waiting":
            await self._act(unit, timer, message)

    async def _step(self, connection: Connection, message: Message) -> tuple[Step, Person | None]:
        """What is to be done now; whoever is not in the archive any more is told nothing."""
        store_id, customer_ref = message.store_id, message.customer_ref or ""
        persons = await find_persons(connection, self.words.personal, store_id, [customer_ref])
        person = persons.get(customer_ref)
        if person is None:
            return "suppress", None
        now = self.service.clock.now()
        visit = await persistence.find_visit(connection, store_id, message.order_id)
        local = now.astimezone(self.words.directory.stores[store_id].timezone)
        quiet_until = self.words.directory.messages[store_id].quiet.end_after(local)
        step = messages.next_step(
            message,
            person.contact,
            self.channels.keys(),
            quiet_until=quiet_until.astimezone(UTC) if quiet_until else None,
            waiting_customer=visit is not None and visit.waiting,
            now=now,
        )
        return step, person

    async def _answered(self, unit: Unit, timer: Timer, message: Message, attempt: Attempt) -> None:
        if message.state != "sending" or message.tries != attempt.tries:
            raise StalePreparationError
        changed, events = messages.answered(message, attempt.answer, unit.now)
        await persistence.save_message(unit.connection, changed)
        unit.publish(events, timer.cause)
        if changed.state == "waiting":
            due_at = changed.retry_at or unit.now
            await schedule(unit, timer.store_id, timer.subject, due_at, timer.cause)

    async def _act(self, unit: Unit, timer: Timer, message: Message) -> None:
        step, _ = await self._step(unit.connection, message)
        match step:
            case Send():
                raise StalePreparationError
            case Defer(until):
                await schedule(unit, timer.store_id, timer.subject, until, timer.cause)
            case Call(reason):
                agent_id = await self._next_agent(unit, message.store_id)
                task = messages.hand_to_agent(message, agent_id, reason)
                await persistence.save_message(unit.connection, task)
            case "suppress":
                await persistence.save_message(unit.connection, messages.suppress(message))
            case "drop":
                pass

    async def _next_agent(self, unit: Unit, store_id: str) -> str:
        tasks = await persistence.open_phone_tasks(unit.connection, store_id, unit.now)
        return follow_ups.least_loaded(self.words.directory.agents[store_id], tasks)


async def _lock(unit: Unit, store_id: str, message_id: str) -> None:
    await persistence.lock_message(unit.connection, store_id, message_id)
