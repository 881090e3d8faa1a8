"""Conversations with customers (客户来信): received, listed, answered."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from services.crm import persistence
from services.crm.application.contact_reads import note_reads
from services.crm.application.contacts import decline_channel
from services.crm.application.deps import Deps
from services.crm.application.sending import send_soon
from services.crm.domain import conversation as conversations
from services.crm.domain import errors
from services.crm.domain.conversation import (
    CONTACT_KINDS,
    ONLY_TEXT,
    UNKNOWN_SENDER_KEPT_FOR,
    Addressee,
    Conversation,
    Direction,
    KnownSender,
    ReceivedContent,
    addressee,
    kind_of,
)
from services.crm.domain.message import Language, Status
from services.crm.domain.message_text import Answer, compose
from services.crm.persistence import conversation as records
from services.crm.persistence.conversation import (
    ConversationMessage,
    ListedConversation,
    ThreadMessage,
)
from services.crm.persistence.persons import Person, find_persons
from shared import timers
from shared.contracts.base import Identifier
from shared.contracts.crm import AnswerKind, ConversationChannel, ReceivedKind
from shared.contracts.versioned import require_version
from shared.db import Connection
from shared.formats import valid_phone
from shared.ids import new_id
from shared.personal_data import destroy_keys
from shared.request_model import RequestModel, Version, VersionedRequest
from shared.security import Principal
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

MOST_WORDS = 1000
PURGE_CONVERSATION = "purge_conversation"
_LIST = 200
_THREAD = 500

Words = Annotated[str, Field(min_length=1, max_length=MOST_WORDS, description="文字")]
View = Literal["waiting", "answered"]


class GatewayMessage(RequestModel):
    """A message that a gateway has received (上行消息).

    ``sender`` is a telephone number or, by WeCom, an ``external_userid``. ``store_id`` is the store
    of the line or account at which it came in. Of an ``attachment`` nothing is handed over.
    """

    sender: Annotated[str, Field(min_length=1, max_length=64, repr=False)]
    store_id: Identifier
    content: ReceivedContent = "text"
    text: Annotated[str, Field(max_length=MOST_WORDS, repr=False, description="来信文字")] = ""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.content == "text" and not self.text.strip():
            raise ValueError("a text has words")
        if self.content == "attachment" and self.text:
            raise ValueError("an attachment has no text")
        return self


class Receipt(BaseModel):
    """Receipt for a message of a customer; the gateway sends ``reply``, if there is one, back."""

    received: ReceivedKind
    reply: str | None


class AnswerConversationRequest(VersionedRequest):
    """An answer to the customer: a written one has ``words``.

    One by phone, and that none is needed, has none.
    """

    answer: AnswerKind = "message"
    words: Words | None = None

    @model_validator(mode="after")
    def _has_words(self) -> Self:
        if (self.words is not None) != (self.answer == "message"):
            raise ValueError("words are those of a written answer")
        return self


class LinkSenderRequest(VersionedRequest):
    """The customer who an unknown sender is."""

    customer_ref: Identifier


class ConversationChanged(BaseModel):
    """A conversation after a command, without anything that was written."""

    conversation_id: str
    customer_ref: str | None
    waiting_since: datetime | None
    answer_s: int | None


class ConversationView(ConversationChanged):
    """A conversation with its latest message; a destroyed text is absent.

    ``sender`` is the number or WeCom id of a sender who is not known as a customer. ``answer_s`` is
    the time in seconds that the latest answer took.
    """

    channel: ConversationChannel
    name: str | None
    sender: str | None
    agent_id: str | None
    latest_at: datetime
    latest: str | None
    latest_kind: ReceivedKind
    latest_direction: Direction
    answered_at: datetime | None


class WrittenMessage(BaseModel):
    """What was written; ``status`` says what became of an answer."""

    message_id: str
    direction: Direction
    kind: ReceivedKind
    words: str | None
    written_by: str | None
    written_at: datetime
    status: Status | None


class ConversationDetail(ConversationView):
    """A conversation with what was written, the oldest first."""

    version: Version
    messages: list[WrittenMessage]


def sender_of(channel: ConversationChannel, sender: str) -> str:
    """Return the sender's address in the form in which customers' addresses are kept.

    An SMS may come from a short number, which no customer has.
    """
    if channel == "wecom":
        return sender
    try:
        return valid_phone(sender)
    except ValueError:
        return sender


async def stores_of_sender(
    channel: ConversationChannel, message: GatewayMessage, deps: Deps
) -> tuple[Addressee, Sequence[KnownSender]]:
    """Return whom a message is for, and the customers in all stores who may have sent it.

    Raises:
        RuleViolation: the group has no such store.
    """
    reference = _reference(channel, sender_of(channel, message.sender), deps)
    async with deps.uow_factory.read() as connection:
        stores = list(await deps.group.all_stores(connection))
    if message.store_id not in stores:
        raise errors.unknown_line(message.store_id)
    async with deps.uow_factory.read(*stores) as connection:
        known = await records.known_senders(
            connection, stores, reference, channel, CONTACT_KINDS[channel]
        )
    return addressee(known, message.store_id), known


async def receive_message(
    uow: UnitOfWork,
    channel: ConversationChannel,
    message: GatewayMessage,
    meant: Addressee,
    known: Sequence[KnownSender],
    deps: Deps,
) -> Receipt:
    """Add a customer's message to their conversation with a store (收到来信).

    An opt-out (退订) ends the channel's messages of every store to those who have the sender's
    address, and stays in each conversation as the proof. A picture or a voice message is not taken;
    the sender is told so, and the conversation says that there was one.
    """
    kind = kind_of(message.content, message.text)
    sender = sender_of(channel, message.sender)
    wanted: Mapping[str, Collection[str | None]] = {meant.store_id: {meant.customer_ref}}
    if kind == "opt_out" and known:
        wanted = {
            store_id: {each.customer_ref for each in known if each.store_id == store_id}
            for store_id in {each.store_id for each in known}
        }
    for store_id, refs in sorted(wanted.items()):
        async with uow.limited_to(store_id) as there:
            for customer_ref in sorted(refs, key=str):
                if kind == "opt_out" and customer_ref is not None:
                    await decline_channel(there, customer_ref, channel, deps)
                await _add_received(there, channel, sender, customer_ref, kind, message.text, deps)
    reply = None
    if kind == "attachment":
        async with uow.limited_to(meant.store_id) as there:
            reply = ONLY_TEXT[await _language(there, meant.customer_ref, deps)]
    return Receipt(received=kind, reply=reply)


async def answer_conversation(
    uow: UnitOfWork, conversation_id: str, command: AnswerConversationRequest, deps: Deps
) -> ConversationChanged:
    """Answer a customer (回复客户), on the channel by which they wrote.

    The answer goes out as all messages do: not in quiet hours, nor over a channel that the customer
    has declined; where none is left, an agent has to call.

    Raises:
        RuleViolation: as :func:`conversation.answer`, or there is no such one in the store.
    """
    connection, store_id = uow.connection, uow.store_id
    found = await records.lock_conversation(connection, store_id, conversation_id)
    message_id = str(new_id()) if command.words else None
    require_version(found, command.version)
    changed, events = conversations.answer(
        found, command.answer, uow.person, message_id=message_id, now=uow.now
    )
    _, _, sender = await records.encrypted_sender(connection, store_id, conversation_id)
    await _save(uow, changed, sender)
    if message_id and command.words:
        words = await deps.personal.encrypt(
            connection, store_id, changed.data_subject, command.words
        )
        written = ConversationMessage(
            message_id,
            conversation_id,
            "sent",
            "text",
            changed.data_subject,
            words,
            uow.person,
            uow.now,
        )
        await records.add_message(connection, store_id, written)
        await send_soon(
            uow,
            compose(
                Answer(),
                None,
                message_id=message_id,
                store_id=store_id,
                customer_ref=changed.customer_ref,
                order_id=None,
                now=uow.now,
                about=conversation_id,
            ),
        )
    uow.publish(events)
    return _changed(changed)


async def link_sender(
    uow: UnitOfWork, conversation_id: str, command: LinkSenderRequest, deps: Deps
) -> ConversationChanged:
    """Say which customer an unknown sender is (关联客户); what they wrote becomes the customer's.

    Raises:
        RuleViolation: the sender is known already, or the store knows no such customer or
            conversation.
    """
    connection, store_id = uow.connection, uow.store_id
    found = await records.lock_conversation(connection, store_id, conversation_id)
    customer_ref = await persistence.require_customer(connection, store_id, command.customer_ref)
    require_version(found, command.version)
    linked = conversations.link_sender(found, customer_ref)
    own = await persistence.agents_of_customers(connection, store_id, {customer_ref})
    linked = replace(linked, agent_id=linked.agent_id or own.get(customer_ref))
    thread = await records.read_thread(connection, store_id, conversation_id, _THREAD)
    written = [each.message for each in thread]
    _, subject, sender = await records.encrypted_sender(connection, store_id, conversation_id)
    address, *texts = await deps.personal.decrypt_all(
        connection,
        store_id,
        [(subject, sender), *((each.data_subject, each.words) for each in written)],
    )
    fresh, *words = await deps.personal.encrypt_all(
        connection, [(store_id, customer_ref, each or "") for each in (address, *texts)]
    )
    await _save(uow, linked, fresh)
    await records.rewrite_words(
        connection,
        store_id,
        customer_ref,
        dict(zip((each.message_id for each in written), words, strict=True)),
    )
    await destroy_keys(connection, store_id, [conversation_id])
    await timers.cancel(uow, PURGE_CONVERSATION, conversation_id)
    return _changed(linked)


async def lock_conversation(uow: UnitOfWork, store_id: str, conversation_id: str) -> None:
    """Take the lock that commands on a conversation take first."""
    await records.lock_conversation(uow.connection, store_id, conversation_id)


async def purge_conversation(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Destroy what an unknown sender wrote, at the end of its term (到期销毁)."""
    found = await records.lock_conversation(uow.connection, timer.store_id, timer.entity_id)
    if found.customer_ref is None:
        await records.delete_conversation(uow.connection, found)
        await destroy_keys(uow.connection, found.store_id, [found.conversation_id])


async def list_conversations(
    store_id: str, view: View, agent_id: str | None, principal: Principal, deps: Deps
) -> list[ConversationView]:
    """List conversations that wait for an answer, the longest first, or those answered (客户来信).

    With ``agent_id`` those of an agent; those that wait for any agent are among them.
    """
    async with deps.uow_factory.read(store_id) as connection:
        find = records.list_waiting if view == "waiting" else records.list_answered
        found = await find(connection, store_id, agent_id, _LIST)
        return await _views(connection, store_id, found, principal, "list_conversations", deps)


async def list_conversations_of_customer(
    store_id: str, customer_ref: str, principal: Principal, deps: Deps
) -> list[ConversationView]:
    """List the conversations of a customer, the latest first.

    Raises:
        RuleViolation: the store knows no such customer.
    """
    async with deps.uow_factory.read(store_id) as connection:
        await persistence.require_customer(connection, store_id, customer_ref)
        found = await records.conversations_of_customer(connection, store_id, customer_ref, _LIST)
        return await _views(
            connection, store_id, found, principal, "list_conversations_of_customer", deps
        )


async def get_conversation(
    store_id: str, conversation_id: str, principal: Principal, deps: Deps
) -> ConversationDetail:
    """Return a conversation with what was written, the oldest first.

    Raises:
        RuleViolation: there is no such one in the store.
    """
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        found = await records.read_conversation(connection, store_id, conversation_id)
        (view,) = await _views(connection, store_id, [found], principal, "get_conversation", deps)
        thread = await records.read_thread(connection, store_id, conversation_id, _THREAD)
        texts = await deps.personal.decrypt_all(
            connection,
            store_id,
            [(each.message.data_subject, each.message.words) for each in thread],
        )
    return ConversationDetail(
        **view.model_dump(),
        version=str(found.conversation.version),
        messages=[_written(each, text, now) for each, text in zip(thread, texts, strict=True)],
    )


async def _add_received(
    uow: UnitOfWork,
    channel: ConversationChannel,
    sender: str,
    customer_ref: str | None,
    kind: ReceivedKind,
    text: str,
    deps: Deps,
) -> None:
    """Add what was received to the sender's conversation with the store, or begin one."""
    connection, store_id, message_id = uow.connection, uow.store_id, str(new_id())
    reference = _reference(channel, sender, deps)
    conversation = await records.lock_conversation_of(
        connection, store_id, channel, reference, customer_ref
    )
    if conversation is None:
        conversation = Conversation(
            conversation_id=str(new_id()),
            store_id=store_id,
            channel=channel,
            sender_ref=reference,
            customer_ref=customer_ref,
            agent_id=None,
            began_at=uow.now,
            latest_at=uow.now,
            latest_id=message_id,
        )
    if conversation.agent_id is None and customer_ref is not None:
        own = await persistence.agents_of_customers(connection, store_id, {customer_ref})
        conversation = replace(conversation, agent_id=own.get(customer_ref))
    subject = conversation.data_subject
    address = await deps.personal.encrypt(connection, store_id, subject, sender)
    words = await deps.personal.encrypt(connection, store_id, subject, text)
    changed, events = conversations.receive(conversation, message_id, kind, uow.now)
    await _save(uow, changed, address)
    written = ConversationMessage(
        message_id,
        changed.conversation_id,
        "received",
        kind,
        subject,
        words,
        None,
        uow.now,
    )
    await records.add_message(connection, store_id, written)
    if changed.customer_ref is None:
        await timers.schedule(
            uow,
            PURGE_CONVERSATION,
            changed.conversation_id,
            store_id=store_id,
            due_at=uow.now + UNKNOWN_SENDER_KEPT_FOR,
        )
    uow.publish(events)


async def _save(uow: UnitOfWork, conversation: Conversation, sender: bytes) -> None:
    async def write(changed: Sequence[Conversation]) -> None:
        (only,) = changed
        await records.save_conversation(uow.connection, only, sender)

    await uow.save([conversation], write)


def _reference(channel: ConversationChannel, sender: str, deps: Deps) -> str:
    return deps.personal.reference(CONTACT_KINDS[channel], sender)


async def _language(uow: UnitOfWork, customer_ref: str | None, deps: Deps) -> Language:
    if customer_ref is None:
        return "zh"
    persons = await find_persons(uow.connection, deps.personal, uow.store_id, [customer_ref])
    return persons[customer_ref].language if customer_ref in persons else "zh"


async def _views(
    connection: Connection,
    store_id: str,
    found: Sequence[ListedConversation],
    principal: Principal,
    operation: str,
    deps: Deps,
) -> list[ConversationView]:
    refs = [each.conversation.customer_ref for each in found if each.conversation.customer_ref]
    persons = await find_persons(connection, deps.personal, store_id, refs)
    await note_reads(connection, store_id, refs, principal, operation, deps)
    secrets = [
        pair
        for each in found
        for pair in (
            (each.conversation.data_subject, each.sender),
            (each.latest.data_subject, each.latest.words),
        )
    ]
    texts = await deps.personal.decrypt_all(connection, store_id, secrets)
    return [
        _view(each, persons.get(each.conversation.customer_ref or ""), sender, latest)
        for each, sender, latest in zip(found, texts[::2], texts[1::2], strict=True)
    ]


def _view(
    listed: ListedConversation, person: Person | None, sender: str | None, latest: str | None
) -> ConversationView:
    conversation = listed.conversation
    return ConversationView(
        **_changed(conversation).model_dump(),
        channel=conversation.channel,
        name=person.name if person else None,
        sender=sender if conversation.customer_ref is None else None,
        agent_id=conversation.agent_id,
        latest_at=conversation.latest_at,
        latest=latest,
        latest_kind=listed.latest.kind,
        latest_direction=listed.latest.direction,
        answered_at=conversation.answered_at,
    )


def _changed(conversation: Conversation) -> ConversationChanged:
    return ConversationChanged(
        conversation_id=conversation.conversation_id,
        customer_ref=conversation.customer_ref,
        waiting_since=conversation.waiting_since,
        answer_s=conversation.answer_s,
    )


def _written(each: ThreadMessage, words: str | None, now: datetime) -> WrittenMessage:
    written = each.message
    return WrittenMessage(
        message_id=written.message_id,
        direction=written.direction,
        kind=written.kind,
        words=words,
        written_by=written.written_by,
        written_at=written.written_at,
        status=each.sent.status(now) if each.sent else None,
    )
