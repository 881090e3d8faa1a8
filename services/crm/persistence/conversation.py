"""Conversations with customers, and what was written in them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.crm.domain.conversation import Conversation, Direction, KnownSender
from services.crm.domain.customer import ContactKind
from services.crm.domain.message import Channel, Message
from services.crm.persistence.message import MESSAGES as SENT
from shared.contracts.crm import ConversationChannel, ReceivedKind
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table


@dataclass(frozen=True)
class ConversationMessage:
    """What was written in a conversation; its words are encrypted under ``data_subject``."""

    message_id: str
    conversation_id: str
    direction: Direction
    kind: ReceivedKind
    data_subject: str
    words: bytes
    written_by: str | None
    written_at: datetime


@dataclass(frozen=True)
class ThreadMessage:
    """The same, with the message by which an answer is sent."""

    message: ConversationMessage
    sent: Message | None


@dataclass(frozen=True)
class ListedConversation:
    """A conversation and its latest message, still encrypted."""

    conversation: Conversation
    sender: bytes
    latest: ConversationMessage


_CONVERSATIONS = Table(
    "conversation",
    Conversation,
    key=("store_id", "conversation_id"),
    fixed=("channel", "sender_ref", "began_at"),
    added=("sender",),
)

_MESSAGES = Table(
    "conversation_message",
    ConversationMessage,
    key=("store_id", "message_id"),
    added=("store_id",),
)

_KNOWN_SENDERS = """
SELECT point.store_id, read_as(point.store_id, point.customer_ref) AS customer_ref, point.holder,
       (SELECT max(told.notified_at) FROM message AS told
        WHERE told.store_id = point.store_id AND told.channel = $3
          AND told.customer_ref = ANY (references_of(point.store_id, point.customer_ref))
       ) AS written_at
FROM contact_point AS point
WHERE point.store_id = ANY ($1) AND point.kind = $4 AND point.value_ref = $2
  AND point.ended_at IS NULL
"""

_LOCK_SENDER = """
SELECT pg_advisory_xact_lock(hashtextextended('conversation/' || $1 || '/' || $2, 0))
"""

_OF_SENDER = (
    _CONVERSATIONS.select
    + """
WHERE store_id = $1 AND channel = $2 AND sender_ref = $3
  AND CASE WHEN $4::text IS NULL THEN customer_ref IS NULL
           ELSE customer_ref = ANY (references_of($1, $4)) END
ORDER BY latest_at DESC LIMIT 1
FOR UPDATE
"""
)

_LISTED = f"""
SELECT {_CONVERSATIONS.qualified_list}, conversation.sender, {_MESSAGES.qualified_list}
FROM conversation
JOIN conversation_message
    ON conversation_message.store_id = conversation.store_id
   AND conversation_message.message_id = conversation.latest_id
WHERE conversation.store_id = $1 AND %s
"""

_WAITING = (
    _LISTED % "conversation.waiting_since IS NOT NULL"
    + """
  AND ($2::text IS NULL OR conversation.agent_id IS NULL OR conversation.agent_id = $2)
ORDER BY conversation.waiting_since, conversation.conversation_id
LIMIT $3
"""
)

_ANSWERED = (
    _LISTED % "conversation.waiting_since IS NULL"
    + """
  AND ($2::text IS NULL OR conversation.agent_id = $2)
ORDER BY conversation.latest_at DESC, conversation.conversation_id DESC
LIMIT $3
"""
)

_OF_CUSTOMER = (
    _LISTED % "conversation.customer_ref = ANY (references_of($1, $2))"
    + "ORDER BY conversation.latest_at DESC, conversation.conversation_id DESC LIMIT $3"
)

_ONE = _LISTED % "conversation.conversation_id = $2"

_THREAD = f"""
SELECT {_MESSAGES.qualified_list}, {SENT.qualified_list}
FROM conversation_message
LEFT JOIN message USING (store_id, message_id)
WHERE conversation_message.store_id = $1 AND conversation_message.conversation_id = $2
ORDER BY conversation_message.written_at DESC, conversation_message.message_id DESC
LIMIT $3
"""

_SENDER = """
SELECT channel, sender, customer_ref FROM conversation
WHERE store_id = $1 AND conversation_id = $2
"""

_REWRITE = """
UPDATE conversation_message AS written SET data_subject = $2, words = fresh.words
FROM unnest($3::text[], $4::bytea[]) AS fresh (message_id, words)
WHERE written.store_id = $1 AND written.message_id = fresh.message_id
"""

_ANSWERS = """
SELECT message_id, data_subject, words FROM conversation_message
WHERE store_id = $1 AND message_id = ANY ($2)
"""


async def known_senders(
    connection: Connection,
    store_ids: Collection[str],
    value_ref: str,
    channel: ConversationChannel,
    kind: ContactKind,
) -> list[KnownSender]:
    """Return the customers of these stores who have a contact point, as whom they are read."""
    rows = await connection.fetch(_KNOWN_SENDERS, list(store_ids), value_ref, channel, kind)
    return [KnownSender(**row) for row in rows]


async def lock_conversation_of(
    connection: Connection,
    store_id: str,
    channel: ConversationChannel,
    sender_ref: str,
    customer_ref: str | None,
) -> Conversation | None:
    """Return the conversation of a sender with a store; the sender stays locked without one."""
    await connection.execute(_LOCK_SENDER, store_id, sender_ref)
    row = await connection.fetchrow(_OF_SENDER, store_id, channel, sender_ref, customer_ref)
    return _CONVERSATIONS.read(row) if row else None


async def lock_conversation(
    connection: Connection, store_id: str, conversation_id: str
) -> Conversation:
    """Return the conversation, locked until the transaction ends.

    Raises:
        RuleViolation: there is no such one in the store.
    """
    row = await connection.fetchrow(
        _CONVERSATIONS.select + "WHERE store_id = $1 AND conversation_id = $2 FOR UPDATE",
        store_id,
        conversation_id,
    )
    if row is None:
        raise unknown("conversation_id", conversation_id)
    return _CONVERSATIONS.read(row)


async def save_conversation(
    connection: Connection, conversation: Conversation, sender: bytes
) -> None:
    """Store a conversation with the sender's address, encrypted."""
    await connection.execute(
        _CONVERSATIONS.upsert, *_CONVERSATIONS.values(conversation, sender=sender)
    )


async def add_message(connection: Connection, store_id: str, message: ConversationMessage) -> None:
    """Store what was written in a conversation."""
    await connection.execute(_MESSAGES.insert, *_MESSAGES.values(message, store_id=store_id))


async def encrypted_sender(
    connection: Connection, store_id: str, conversation_id: str
) -> tuple[Channel, str, bytes]:
    """Return the channel of a conversation, and the subject and address of its sender.

    Raises:
        RuleViolation: there is no such one in the store.
    """
    row = await connection.fetchrow(_SENDER, store_id, conversation_id)
    if row is None:
        raise unknown("conversation_id", conversation_id)
    return row["channel"], row["customer_ref"] or conversation_id, row["sender"]


async def encrypted_answers(
    connection: Connection, store_id: str, message_ids: Collection[str]
) -> Mapping[str, tuple[str, bytes]]:
    """Return the subject and the words of those of the messages that are answers, by id."""
    rows = await connection.fetch(_ANSWERS, store_id, list(message_ids))
    return {row["message_id"]: (row["data_subject"], row["words"]) for row in rows}


async def list_waiting(
    connection: Connection, store_id: str, agent_id: str | None, limit: int
) -> list[ListedConversation]:
    """Return what waits for an answer of an agent, or of any, the longest first."""
    rows = await connection.fetch(_WAITING, store_id, agent_id, limit)
    return list(map(_listed, rows))


async def list_answered(
    connection: Connection, store_id: str, agent_id: str | None, limit: int
) -> list[ListedConversation]:
    """Return conversations that wait for no answer, the latest first."""
    rows = await connection.fetch(_ANSWERED, store_id, agent_id, limit)
    return list(map(_listed, rows))


async def conversations_of_customer(
    connection: Connection, store_id: str, customer_ref: str, limit: int
) -> list[ListedConversation]:
    """Return the conversations of a customer, the latest first."""
    rows = await connection.fetch(_OF_CUSTOMER, store_id, customer_ref, limit)
    return list(map(_listed, rows))


async def read_conversation(
    connection: Connection, store_id: str, conversation_id: str
) -> ListedConversation:
    """Return the conversation.

    Raises:
        RuleViolation: there is no such one in the store.
    """
    row = await connection.fetchrow(_ONE, store_id, conversation_id)
    if row is None:
        raise unknown("conversation_id", conversation_id)
    return _listed(row)


async def read_thread(
    connection: Connection, store_id: str, conversation_id: str, limit: int
) -> Sequence[ThreadMessage]:
    """Return the latest messages of a conversation, the oldest of them first."""
    rows = await connection.fetch(_THREAD, store_id, conversation_id, limit)
    return [
        ThreadMessage(
            _MESSAGES.read_qualified(row),
            SENT.read_qualified(row) if row["message.message_id"] else None,
        )
        for row in reversed(rows)
    ]


async def rewrite_words(
    connection: Connection, store_id: str, data_subject: str, words: dict[str, bytes]
) -> None:
    """Store words of a conversation that were encrypted for another subject, by message id."""
    await connection.execute(_REWRITE, store_id, data_subject, list(words), list(words.values()))


async def delete_conversation(connection: Connection, found: Conversation) -> None:
    """Delete a conversation and all that was written in it."""
    for table in ("conversation_message", "conversation"):
        await connection.execute(
            f"DELETE FROM {table} WHERE store_id = $1 AND conversation_id = $2",
            found.store_id,
            found.conversation_id,
        )


def _listed(row: Any) -> ListedConversation:
    return ListedConversation(
        _CONVERSATIONS.read_qualified(row), row["sender"], _MESSAGES.read_qualified(row)
    )
