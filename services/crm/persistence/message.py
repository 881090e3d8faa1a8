"""Messages to customers."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from services.crm.domain.message import Message, MessageType, Status
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

MESSAGES = Table(
    "message",
    Message,
    key=("store_id", "message_id"),
    fixed=("message_type", "values", "created_at", "order_id", "about"),
    json=("values",),
    separate=("link", "claimed_until"),
)

_SAVE = (
    MESSAGES.upsert
    + """,
    link = CASE WHEN excluded.state IN ('waiting', 'sending') THEN message.link END
"""
)

_CLAIM = """
UPDATE message SET claimed_until = clock_timestamp() + $3
WHERE store_id = $1 AND message_id = $2
"""

_IS_CLAIMED = """
SELECT claimed_until > clock_timestamp() FROM message WHERE store_id = $1 AND message_id = $2
"""

_END = """
UPDATE message SET expires_at = least(expires_at, $4)
WHERE store_id = $1 AND order_id = $2 AND message_type = ANY ($3)
  AND state IN ('waiting', 'sending', 'call_required')
"""

_END_ABOUT = """
UPDATE message SET expires_at = least(expires_at, $3)
WHERE store_id = $1 AND about = $2 AND state IN ('waiting', 'sending', 'call_required')
"""

_ADDRESS = """
UPDATE message SET customer_ref = $3
WHERE store_id = $1 AND order_id = $2 AND customer_ref IS NULL
RETURNING message_id
"""

_LISTED = (
    MESSAGES.select
    + """
WHERE store_id = $1
  AND ($2::text IS NULL
       OR customer_ref = ANY ((SELECT references_of($1, $2))::text[]))
  AND ($3::text IS NULL OR order_id = $3)
  AND (cardinality($4::text[]) = 0 OR
       CASE WHEN state IN ('waiting', 'sending', 'call_required') AND expires_at <= $5
            THEN 'obsolete' ELSE state END = ANY ($4))
ORDER BY created_at DESC, message_id DESC
LIMIT 500
"""
)

_TO_CALL = (
    MESSAGES.select
    + """
WHERE store_id = $1 AND state = 'call_required' AND (expires_at IS NULL OR expires_at > $2)
ORDER BY calls, created_at, message_id
LIMIT 500
"""
)

_OPEN_TASKS = """
SELECT agent_id, count(*) AS tasks FROM message
WHERE store_id = $1 AND state = 'call_required' AND (expires_at IS NULL OR expires_at > $2)
GROUP BY agent_id
"""


async def save_message(connection: Connection, message: Message) -> None:
    """Store every field of the message."""
    await connection.execute(_SAVE, *MESSAGES.values(message))


async def lock_message(connection: Connection, store_id: str, message_id: str) -> Message:
    """Return the message, locked until the transaction ends.

    Raises:
        RuleViolation: there is no such message in the store.
    """
    return await _read(connection, store_id, message_id, "FOR UPDATE")


async def read_message(connection: Connection, store_id: str, message_id: str) -> Message:
    """Return the message.

    Raises:
        RuleViolation: there is no such message in the store.
    """
    return await _read(connection, store_id, message_id, "")


async def _read(connection: Connection, store_id: str, message_id: str, lock: str) -> Message:
    row = await connection.fetchrow(
        MESSAGES.select + "WHERE store_id = $1 AND message_id = $2 " + lock, store_id, message_id
    )
    if row is None:
        raise unknown("message_id", message_id)
    return MESSAGES.read(row)


async def claim_message(
    connection: Connection, store_id: str, message_id: str, lease: timedelta
) -> None:
    """Reserve an attempt against other processes for the real time of ``lease``."""
    await connection.execute(_CLAIM, store_id, message_id, lease)


async def is_claimed(connection: Connection, store_id: str, message_id: str) -> bool:
    """Return whether an attempt may still be under way."""
    claimed: bool = await connection.fetchval(_IS_CLAIMED, store_id, message_id)
    return claimed


async def save_link(connection: Connection, store_id: str, message_id: str, link: bytes) -> None:
    """Store the link of a message, encrypted."""
    await connection.execute(
        "UPDATE message SET link = $3 WHERE store_id = $1 AND message_id = $2",
        store_id,
        message_id,
        link,
    )


async def encrypted_links(
    connection: Connection, store_id: str, message_ids: Sequence[str]
) -> Mapping[str, bytes]:
    """Return the encrypted links of those messages that have one."""
    rows = await connection.fetch(
        "SELECT message_id, link FROM message "
        "WHERE store_id = $1 AND message_id = ANY ($2) AND link IS NOT NULL",
        store_id,
        list(message_ids),
    )
    return {row["message_id"]: row["link"] for row in rows}


async def void_messages(
    connection: Connection,
    store_id: str,
    order_id: str,
    message_types: Sequence[MessageType],
    moment: datetime,
) -> None:
    """End the messages about an order that are not sent by ``moment``."""
    await connection.execute(_END, store_id, order_id, list(message_types), moment)


async def void_messages_about(
    connection: Connection, store_id: str, about: str, moment: datetime
) -> None:
    """End the unsent messages about an appointment or additional work that was settled."""
    await connection.execute(_END_ABOUT, store_id, about, moment)


async def address_messages(
    connection: Connection, store_id: str, order_id: str, customer_ref: str
) -> list[str]:
    """Address the messages about an order whose customer was not known until now."""
    rows = await connection.fetch(_ADDRESS, store_id, order_id, customer_ref)
    return [row["message_id"] for row in rows]


async def list_messages(
    connection: Connection,
    store_id: str,
    *,
    customer_ref: str | None,
    order_id: str | None,
    statuses: Sequence[Status],
    now: datetime,
) -> list[Message]:
    """Return the newest 500 messages to a customer, about an order, and of any of ``statuses``."""
    rows = await connection.fetch(_LISTED, store_id, customer_ref, order_id, list(statuses), now)
    return [MESSAGES.read(row) for row in rows]


async def messages_with_call_required(
    connection: Connection, store_id: str, now: datetime
) -> list[Message]:
    """Return the messages that agents have to give by phone, oldest first."""
    return [MESSAGES.read(row) for row in await connection.fetch(_TO_CALL, store_id, now)]


async def open_call_tasks(
    connection: Connection, store_id: str, now: datetime
) -> Mapping[str, int]:
    """Return how many call tasks each agent has."""
    rows = await connection.fetch(_OPEN_TASKS, store_id, now)
    return {row["agent_id"]: row["tasks"] for row in rows}
