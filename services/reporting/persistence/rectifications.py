"""Rectifications (整改). Rows follow the events, so that a replay gives the same."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from services.reporting.domain.rectification import Rectification, State
from shared.contracts.reporting import (
    RectificationClosed,
    RectificationOpened,
    RectificationOverdue,
)
from shared.contracts.violations import unknown
from shared.db import Connection

_RECTIFICATION = """
SELECT rectification_id, store_id, source, source_id, order_id, subjects, owner_id, due_at,
       opened_at, overdue_at, closed_at, closed_by, result
FROM rectification
"""

_SAVE = """
INSERT INTO rectification (rectification_id, store_id, source, source_id, order_id, subjects,
                           owner_id, due_at, opened_at, overdue_at, closed_at, closed_by, result)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (store_id, rectification_id) DO UPDATE SET
    overdue_at = coalesce(rectification.overdue_at, excluded.overdue_at),
    closed_at = coalesce(rectification.closed_at, excluded.closed_at),
    closed_by = coalesce(rectification.closed_by, excluded.closed_by),
    result = coalesce(rectification.result, excluded.result)
"""

_LISTED = (
    _RECTIFICATION
    + """
WHERE store_id = $1
  AND CASE WHEN closed_at IS NOT NULL THEN 'closed'
           WHEN overdue_at IS NOT NULL THEN 'overdue'
           ELSE 'open' END = ANY ($2)
ORDER BY due_at, rectification_id
LIMIT 500
"""
)


async def save(connection: Connection, rectification: Rectification) -> None:
    """Enter a rectification, or what became of it; what has ended stays ended."""
    values = {name: getattr(rectification, name) for name in _FIELDS}
    values["subjects"] = list(rectification.subjects)
    await connection.execute(_SAVE, *(values[name] for name in _FIELDS))


async def keep(connection: Connection, event: RectificationOpened) -> None:
    """Enter what was published, unless it is known."""
    await save(connection, Rectification(**event.model_dump()))


async def keep_overdue(connection: Connection, event: RectificationOverdue, at: Any) -> None:
    """Remember since when it is overdue."""
    await connection.execute(
        "UPDATE rectification SET overdue_at = coalesce(overdue_at, $3) "
        "WHERE store_id = $1 AND rectification_id = $2",
        event.store_id,
        event.rectification_id,
        at,
    )


async def keep_closed(connection: Connection, event: RectificationClosed) -> None:
    """Remember how it ended."""
    await connection.execute(
        "UPDATE rectification SET closed_at = $3, closed_by = $4, result = $5 "
        "WHERE store_id = $1 AND rectification_id = $2 AND closed_at IS NULL",
        event.store_id,
        event.rectification_id,
        event.closed_at,
        event.closed_by,
        event.result,
    )


async def is_opened(connection: Connection, store_id: str, source: str, source_id: str) -> bool:
    """Whether what a feedback or check found has its rectification."""
    return bool(
        await connection.fetchval(
            "SELECT true FROM rectification WHERE store_id = $1 AND source = $2 AND source_id = $3",
            store_id,
            source,
            source_id,
        )
    )


async def open_count_by_owner(connection: Connection, store_id: str) -> dict[str, int]:
    """How many open ones each owner has."""
    rows = await connection.fetch(
        "SELECT owner_id, count(*) AS open FROM rectification "
        "WHERE store_id = $1 AND closed_at IS NULL GROUP BY owner_id",
        store_id,
    )
    return {row["owner_id"]: row["open"] for row in rows}


async def lock(connection: Connection, store_id: str, rectification_id: str) -> Rectification:
    """The rectification, locked until the transaction ends.

    Raises:
        RuleViolation: there is no such one in the store.
    """
    row = await connection.fetchrow(
        _RECTIFICATION + "WHERE store_id = $1 AND rectification_id = $2 FOR UPDATE",
        store_id,
        rectification_id,
    )
    if row is None:
        raise unknown("rectification_id", rectification_id)
    return _rectification(row)


async def listed(
    connection: Connection, store_id: str, states: Sequence[State]
) -> list[Rectification]:
    """Rectifications in one of ``states``, by when they are due."""
    return [_rectification(row) for row in await connection.fetch(_LISTED, store_id, list(states))]


async def save_note(
    connection: Connection, store_id: str, rectification_id: str, note: bytes
) -> None:
    """Keep what was done, encrypted."""
    await connection.execute(
        "UPDATE rectification SET note = $3 WHERE store_id = $1 AND rectification_id = $2",
        store_id,
        rectification_id,
        note,
    )


async def encrypted_note(
    connection: Connection, store_id: str, rectification_id: str
) -> bytes | None:
    """What was done, still encrypted."""
    note: bytes | None = await connection.fetchval(
        "SELECT note FROM rectification WHERE store_id = $1 AND rectification_id = $2",
        store_id,
        rectification_id,
    )
    return note


_FIELDS = [field.name for field in dataclasses.fields(Rectification)]


def _rectification(row: Any) -> Rectification:
    return Rectification(**dict(row) | {"subjects": tuple(row["subjects"])})
