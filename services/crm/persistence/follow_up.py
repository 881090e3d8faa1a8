"""Follow-up calls."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.crm.domain.follow_up import FollowUp, Status
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

_OPEN_CALLS = """
SELECT agent_id, count(*) AS calls FROM follow_up
WHERE store_id = $1 AND completed_at IS NULL
GROUP BY agent_id
"""

_FOLLOW_UPS = Table(
    "follow_up",
    FollowUp,
    key=("store_id", "follow_up_id"),
    fixed=("order_id", "customer_ref", "agent_id"),
    separate=("record",),
)

_LISTED = (
    _FOLLOW_UPS.select
    + """
WHERE store_id = $1
  AND (CASE WHEN reached THEN 'completed' ELSE 'not_reached' END = ANY ($2) AND completed_at >= $4
    OR 'due' = ANY ($2) AND completed_at IS NULL AND due_at <= $3
    OR 'scheduled' = ANY ($2) AND completed_at IS NULL AND due_at > $3)
ORDER BY due_at, follow_up_id
LIMIT 1000
"""
)


async def open_calls(connection: Connection, store_id: str) -> Mapping[str, int]:
    """Return how many open calls each agent has."""
    rows = await connection.fetch(_OPEN_CALLS, store_id)
    return {row["agent_id"]: row["calls"] for row in rows}


async def lock_follow_up(connection: Connection, store_id: str, follow_up_id: str) -> FollowUp:
    """Return the follow-up, locked until the transaction ends.

    Raises:
        RuleViolation: there is no such follow-up in the store.
    """
    row = await connection.fetchrow(
        _FOLLOW_UPS.select + "WHERE store_id = $1 AND follow_up_id = $2 FOR UPDATE",
        store_id,
        follow_up_id,
    )
    if row is None:
        raise unknown("follow_up_id", follow_up_id)
    return _FOLLOW_UPS.read(row)


async def list_follow_ups(
    connection: Connection,
    store_id: str,
    statuses: Sequence[Status],
    now: datetime,
    completed_since: datetime,
) -> list[FollowUp]:
    """Return the follow-ups with one of ``statuses``, in the order in which they are due."""
    rows = await connection.fetch(_LISTED, store_id, list(statuses), now, completed_since)
    return [_FOLLOW_UPS.read(row) for row in rows]


async def save_follow_up(connection: Connection, follow_up: FollowUp) -> None:
    """Store every field of the follow-up."""
    await connection.execute(_FOLLOW_UPS.upsert, *_FOLLOW_UPS.values(follow_up))


async def encrypted_record(
    connection: Connection, store_id: str, follow_up_id: str
) -> bytes | None:
    """Return the record of earlier calls, still encrypted."""
    record: bytes | None = await connection.fetchval(
        "SELECT record FROM follow_up WHERE store_id = $1 AND follow_up_id = $2",
        store_id,
        follow_up_id,
    )
    return record


async def save_record(
    connection: Connection, store_id: str, follow_up_id: str, record: bytes
) -> None:
    """Store the record of a call, encrypted."""
    await connection.execute(
        "UPDATE follow_up SET record = $3 WHERE store_id = $1 AND follow_up_id = $2",
        store_id,
        follow_up_id,
        record,
    )
