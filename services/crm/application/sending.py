"""Sending messages: claimed in one transaction, handed over outside any, answered in another."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.crm import persistence
from services.crm.application.message_renderer import MessageRenderer
from services.crm.clients.channels import LONGEST_CALL_S, OutboundMessage, Sender
from services.crm.domain import follow_up as follow_ups
from services.crm.domain import message as messages
from services.crm.domain.message import (
    Call,
    Channel,
    Defer,
    Message,
    Send,
    SendResult,
    ServiceVisit,
    Step,
)
from services.crm.domain.message_text import TemplateValues
from services.crm.persistence.persons import Person, find_persons
from shared import timers
from shared.db import Connection, transaction
from shared.envelope import Causation
from shared.failpoints import failpoint
from shared.ids import new_id
from shared.service import Service
from shared.timers import Lane, RetryLaterError, StaleStateError, Timer, TimerHandler
from shared.unit_of_work import UnitOfWork

SEND_MESSAGE = "send_message"

_GATEWAYS = Lane("gateways", concurrency=4, timeout_s=2 * LONGEST_CALL_S)

_LEASE = timedelta(seconds=2 * LONGEST_CALL_S)


async def send_soon(uow: UnitOfWork, message: Message, causation: Causation) -> None:
    """Keep a message, and send it as soon as it may go and its customer is known."""
    await persistence.save_message(uow.connection, message)
    if message.customer_ref is not None:
        await schedule(uow, message.store_id, message.message_id, uow.now, causation)


async def schedule(
    uow: UnitOfWork, store_id: str, message_id: str, due_at: datetime, causation: Causation
) -> None:
    """Go on with a message at ``due_at``."""
    await timers.schedule(
        uow, SEND_MESSAGE, message_id, store_id=store_id, due_at=due_at, causation=causation
    )


def compose(
    values: TemplateValues,
    visit: ServiceVisit | None,
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
    send_result: SendResult


@dataclass(frozen=True)
class Sending:
    """Sends a message when its time has come; the address is looked up then and forgotten."""

    service: Service
    renderer: MessageRenderer
    channels: Mapping[Channel, Sender]

    @property
    def timer_handler(self) -> TimerHandler:
        return TimerHandler(self.fire, lock=_lock, prepare=self.prepare, lane=_GATEWAYS)

    async def prepare(self, store_id: str, message_id: str) -> Attempt | None:
        """Hand the message over, or ``None`` when that is not what is to be done with it.

        A claim that nobody answered, because its process died, is an attempt without an answer.

        Raises:
            RetryLaterError: another process may be handing it over now.
        """
        async with transaction(self.service.pool, [store_id]) as connection:
            message = await persistence.lock_message(connection, store_id, message_id)
            if message.state == "sending":
                if await persistence.is_claimed(connection, store_id, message_id):
                    raise RetryLaterError("another process may be sending the message")
                return Attempt(message.tries, "unanswered")
            if message.state != "waiting":
                return None
            step, person = await self._step(connection, message)
            if person is None or not isinstance(step, Send):
                return None
            (rendered,) = await self.renderer.render(
                connection, store_id, [message], {person.customer_ref: person}, with_links=True
            )
            address = person.contact.addresses[step.channel]
            outbound = OutboundMessage(message_id, address, rendered.content)
            claimed = messages.claim(message, step.channel, person.contact)
            await persistence.save_message(connection, claimed)
            await persistence.claim_message(connection, store_id, message_id, _LEASE)
        failpoint("message_claimed")
        send_result = await self.channels[step.channel].send(outbound)
        failpoint("message_answered")
        return Attempt(claimed.tries, send_result)

    async def fire(self, uow: UnitOfWork, timer: Timer) -> None:
        """Record what came of the attempt, or do what is to be done instead (R9)."""
        message = await persistence.lock_message(uow.connection, timer.store_id, timer.subject)
        if isinstance(timer.prepared, Attempt):
            await self._record(uow, timer, message, timer.prepared)
        elif message.state == "waiting":
            await self._act(uow, timer, message)

    async def _step(self, connection: Connection, message: Message) -> tuple[Step, Person | None]:
        """What is to be done now; whoever is not in the archive any more is told nothing."""
        store_id, customer_ref = message.store_id, message.customer_ref or ""
        persons = await find_persons(connection, self.renderer.personal, store_id, [customer_ref])
        person = persons.get(customer_ref)
        if person is None:
            return "suppress", None
        now = self.service.clock.now()
        visit = await persistence.find_service_visit(connection, store_id, message.order_id)
        local = now.astimezone(self.renderer.config.stores[store_id].timezone)
        quiet_until = self.renderer.config.messages[store_id].quiet.end_after(local)
        step = messages.next_step(
            message,
            person.contact,
            self.channels.keys(),
            quiet_until=quiet_until.astimezone(UTC) if quiet_until else None,
            waiting_customer=visit is not None and visit.waiting,
            now=now,
        )
        return step, person

    async def _record(
        self, uow: UnitOfWork, timer: Timer, message: Message, attempt: Attempt
    ) -> None:
        if message.state != "sending" or message.tries != attempt.tries:
            raise StaleStateError
        changed, events = messages.record_send_result(message, attempt.send_result, uow.now)
        await persistence.save_message(uow.connection, changed)
        uow.publish(events, timer.causation)
        if changed.state == "waiting":
            due_at = changed.retry_at or uow.now
            await schedule(uow, timer.store_id, timer.subject, due_at, timer.causation)

    async def _act(self, uow: UnitOfWork, timer: Timer, message: Message) -> None:
        step, _ = await self._step(uow.connection, message)
        match step:
            case Send():
                raise StaleStateError
            case Defer(until):
                await schedule(uow, timer.store_id, timer.subject, until, timer.causation)
            case Call(reason):
                agent_id = await self._next_agent(uow, message.store_id)
                task = messages.hand_to_agent(message, agent_id, reason)
                await persistence.save_message(uow.connection, task)
            case "suppress":
                await persistence.save_message(uow.connection, messages.suppress(message))
            case "drop":
                pass

    async def _next_agent(self, uow: UnitOfWork, store_id: str) -> str:
        tasks = await persistence.open_phone_tasks(uow.connection, store_id, uow.now)
        return follow_ups.least_loaded(self.renderer.config.agents[store_id], tasks)


async def _lock(uow: UnitOfWork, store_id: str, message_id: str) -> None:
    await persistence.lock_message(uow.connection, store_id, message_id)
