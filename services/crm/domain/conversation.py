"""Conversations with customers (客户来信): what they write, whose list it reaches, the answers."""

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from services.crm.domain import errors
from services.crm.domain.customer import ContactHolder, ContactKind
from services.crm.domain.message import Language
from shared.contracts.crm import (
    AnswerKind,
    ConversationChannel,
    MessageAnswered,
    MessageReceived,
    ReceivedKind,
)
from shared.contracts.versioned import Versioned

ReceivedContent = Literal["text", "attachment"]
"""What a gateway hands over: 文字, 图片、语音等."""

Direction = Literal["received", "sent"]
"""来信, 去信."""

CONTACT_KINDS: dict[ConversationChannel, ContactKind] = {"sms": "phone", "wecom": "wecom"}
"""The contact points at which a channel reaches a customer."""

ONLY_TEXT: dict[Language, str] = {
    "zh": "抱歉，本渠道只能接收文字消息，您发送的内容未能送达。请用文字说明，或直接致电门店。",
    "en": "Sorry, we can only receive text here, and what you sent did not reach us. Please write "
    "it in words, or call the store.",
}
"""Reply to a picture, a voice message or a file, which is not taken."""

UNKNOWN_SENDER_KEPT_FOR = timedelta(days=90)
"""Time for which a conversation is kept after the latest message of a sender who is unknown."""

_OPT_OUTS = frozenset({"T", "TD", "退订", "TD退订", "回T退订", "STOP", "UNSUBSCRIBE"})


@dataclass(frozen=True)
class KnownSender:
    """A customer who has the sender's contact point.

    ``written_at`` is the time of the store's newest message to them over the channel.
    """

    store_id: str
    customer_ref: str
    holder: ContactHolder
    written_at: datetime | None


@dataclass(frozen=True)
class Addressee:
    """The store that a message is for, and the customer who wrote it, where that is certain."""

    store_id: str
    customer_ref: str | None


@dataclass(frozen=True)
class Conversation(Versioned):
    """What one sender and one store have written to each other over a channel.

    ``waiting_since`` is the time of the oldest message without an answer; ``answer_s`` says how
    many seconds the latest answer took. A sender who is not known as a customer has no
    ``customer_ref``.
    """

    conversation_id: str
    store_id: str
    channel: ConversationChannel
    sender_ref: str
    customer_ref: str | None
    agent_id: str | None
    began_at: datetime
    latest_at: datetime
    latest_id: str
    waiting_since: datetime | None = None
    answered_at: datetime | None = None
    answer_s: int | None = None

    @property
    def data_subject(self) -> str:
        """Whose key the words are encrypted under: the customer's, else its own."""
        return self.customer_ref or self.conversation_id


def addressee(known: Collection[KnownSender], line_store_id: str) -> Addressee:
    """Return whom a message is for.

    It answers the newest message that the sender was sent. Where none was, it is for the one store
    that knows the sender, else for the store of the line; and from the one customer of that store
    who has the contact point, of several from the one whose own it is, else from an unknown sender.
    """
    answered = [(each.written_at, each) for each in known if each.written_at is not None]
    if answered:
        _, newest = max(
            answered, key=lambda pair: (pair[0], pair[1].store_id, pair[1].customer_ref)
        )
        return Addressee(newest.store_id, newest.customer_ref)
    stores = {each.store_id for each in known}
    store_id = next(iter(stores)) if len(stores) == 1 else line_store_id
    there = [each for each in known if each.store_id == store_id]
    meant = _only(there) or _only([each for each in there if each.holder == "own"])
    return Addressee(store_id, meant)


def _identity(known: KnownSender) -> tuple[str, str]:
    return known.store_id, known.customer_ref


def _only(known: Collection[KnownSender]) -> str | None:
    refs = {each.customer_ref for each in known}
    return refs.pop() if len(refs) == 1 else None


def kind_of(content: ReceivedContent, text: str) -> ReceivedKind:
    """Return what was received; a text that is nothing but 退订, TD, T or STOP is an opt-out."""
    if content == "attachment":
        return "attachment"
    letters = [each for each in unicodedata.normalize("NFKC", text).upper() if each.isalnum()]
    return "opt_out" if "".join(letters) in _OPT_OUTS else "text"


def receive(
    conversation: Conversation, message_id: str, kind: ReceivedKind, now: datetime
) -> tuple[Conversation, list[MessageReceived]]:
    """Add what the sender wrote; all but an opt-out waits for an answer."""
    waiting_since = conversation.waiting_since
    if kind != "opt_out":
        waiting_since = waiting_since or now
    event = MessageReceived(
        store_id=conversation.store_id,
        conversation_id=conversation.conversation_id,
        message_id=message_id,
        customer_ref=conversation.customer_ref,
        channel=conversation.channel,
        received_kind=kind,
        agent_id=conversation.agent_id,
        received_at=now,
    )
    changed = replace(
        conversation, latest_at=now, latest_id=message_id, waiting_since=waiting_since
    )
    return changed, [event]


def answer(
    conversation: Conversation,
    kind: AnswerKind,
    by: str,
    *,
    message_id: str | None,
    now: datetime,
) -> tuple[Conversation, list[MessageAnswered]]:
    """Answer what waits (回复客户); ``message_id`` is the answer, absent without a written one.

    Raises:
        RuleViolation: the sender is not known as a customer, to whom alone the store writes, or
            nothing waits for what is no message.
    """
    if kind == "message" and conversation.customer_ref is None:
        raise errors.sender_unknown(conversation.conversation_id)
    waited_from = conversation.waiting_since
    if waited_from is None and kind != "message":
        raise errors.conversation_answered(conversation.conversation_id)
    answer_s = None if waited_from is None else int((now - waited_from).total_seconds())
    changed = replace(
        conversation,
        agent_id=by,
        latest_at=now,
        latest_id=message_id or conversation.latest_id,
        waiting_since=None,
        answered_at=now,
        answer_s=conversation.answer_s if answer_s is None else answer_s,
    )
    event = MessageAnswered(
        store_id=conversation.store_id,
        conversation_id=conversation.conversation_id,
        message_id=message_id,
        customer_ref=conversation.customer_ref,
        channel=conversation.channel,
        answer_kind=kind,
        answer_s=answer_s,
        answered_by=by,
        answered_at=now,
    )
    return changed, [event]


def link_sender(conversation: Conversation, customer_ref: str) -> Conversation:
    """Say which customer an unknown sender is (关联客户).

    Raises:
        RuleViolation: the sender is known already.
    """
    if conversation.customer_ref is not None:
        raise errors.sender_known(conversation.conversation_id)
    return replace(conversation, customer_ref=customer_ref)
