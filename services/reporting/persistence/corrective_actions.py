"""Corrective actions (整改). Rows follow the events, so that a replay gives the same."""

from collections.abc import Sequence
from typing import Any

from services.reporting.domain.corrective_action import CorrectiveAction, State
from shared.contracts.reporting import (
    CorrectiveActionClosed,
    CorrectiveActionOpened,
    CorrectiveActionOverdue,
)
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

_CORRECTIVE_ACTIONS = Table(
    "corrective_action",
    CorrectiveAction,
    key=("store_id", "corrective_action_id"),
    json=("findings",),
    separate=("note",),
)

_SAVE = (
    _CORRECTIVE_ACTIONS.insert
    + """
ON CONFLICT (store_id, corrective_action_id) DO UPDATE SET
    overdue_at = coalesce(corrective_action.overdue_at, excluded.overdue_at),
    closed_at = coalesce(corrective_action.closed_at, excluded.closed_at),
    closed_by = coalesce(corrective_action.closed_by, excluded.closed_by),
    result = coalesce(corrective_action.result, excluded.result)
"""
)

_LISTED = (
    _CORRECTIVE_ACTIONS.select
    + """
WHERE store_id = $1
  AND CASE WHEN closed_at IS NOT NULL THEN 'closed'
           WHEN overdue_at IS NOT NULL THEN 'overdue'
           ELSE 'open' END = ANY ($2)
ORDER BY due_at, corrective_action_id
LIMIT 500
"""
)


async def save(connection: Connection, corrective_action: CorrectiveAction) -> None:
    """Store a corrective action or its new state; what has ended stays ended."""
    await connection.execute(_SAVE, *_CORRECTIVE_ACTIONS.values(corrective_action))


async def keep(connection: Connection, event: CorrectiveActionOpened) -> None:
    """Store a published corrective action, unless it is known."""
    await save(connection, CorrectiveAction(**event.model_dump()))


async def record_overdue(connection: Connection, event: CorrectiveActionOverdue, at: Any) -> None:
    """Store since when it is overdue."""
    await connection.execute(
        "UPDATE corrective_action SET overdue_at = coalesce(overdue_at, $3) "
        "WHERE store_id = $1 AND corrective_action_id = $2",
        event.store_id,
        event.corrective_action_id,
        at,
    )


async def record_closed(connection: Connection, event: CorrectiveActionClosed) -> None:
    """Store how it ended."""
    await connection.execute(
        "UPDATE corrective_action SET closed_at = $3, closed_by = $4, result = $5 "
        "WHERE store_id = $1 AND corrective_action_id = $2 AND closed_at IS NULL",
        event.store_id,
        event.corrective_action_id,
        event.closed_at,
        event.closed_by,
        event.result,
    )


async def is_opened(connection: Connection, store_id: str, source: str, source_id: str) -> bool:
    """Return whether the feedback or check has its corrective action."""
    return bool(
        await connection.fetchval(
            "SELECT true FROM corrective_action WHERE store_id = $1 AND source = $2 AND source_id "
            "= $3",
            store_id,
            source,
            source_id,
        )
    )


async def open_count_by_owner(connection: Connection, store_id: str) -> dict[str, int]:
    """Return how many open corrective actions each owner has."""
    rows = await connection.fetch(
        "SELECT owner_id, count(*) AS open FROM corrective_action "
        "WHERE store_id = $1 AND closed_at IS NULL GROUP BY owner_id",
        store_id,
    )
    return {row["owner_id"]: row["open"] for row in rows}


async def lock(
    connection: Connection, store_id: str, corrective_action_id: str
) -> CorrectiveAction:
    """Return the corrective action, locked until the transaction ends.

    Raises:
        RuleViolation: there is no such one in the store.
    """
    row = await connection.fetchrow(
        _CORRECTIVE_ACTIONS.select + "WHERE store_id = $1 AND corrective_action_id = $2 FOR UPDATE",
        store_id,
        corrective_action_id,
    )
    if row is None:
        raise unknown("corrective_action_id", corrective_action_id)
    return _CORRECTIVE_ACTIONS.read(row)


async def listed(
    connection: Connection, store_id: str, states: Sequence[State]
) -> list[CorrectiveAction]:
    """Return corrective actions in one of ``states``, by when they are due."""
    return [
        _CORRECTIVE_ACTIONS.read(row)
        for row in await connection.fetch(_LISTED, store_id, list(states))
    ]


async def save_note(
    connection: Connection, store_id: str, corrective_action_id: str, note: bytes
) -> None:
    """Store the closing note, encrypted."""
    await connection.execute(
        "UPDATE corrective_action SET note = $3 WHERE store_id = $1 AND corrective_action_id = $2",
        store_id,
        corrective_action_id,
        note,
    )


async def encrypted_note(
    connection: Connection, store_id: str, corrective_action_id: str
) -> bytes | None:
    """Return the closing note, still encrypted."""
    note: bytes | None = await connection.fetchval(
        "SELECT note FROM corrective_action WHERE store_id = $1 AND corrective_action_id = $2",
        store_id,
        corrective_action_id,
    )
    return note
