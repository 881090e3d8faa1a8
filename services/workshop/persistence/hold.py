"""Capacity holds (产能预留)."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime

from services.workshop.domain.hold import Hold
from shared.db import Connection
from shared.table import Table

_HOLDS = Table("capacity_hold", Hold, key=("store_id", "hold_id"), json=("jobs",))

_SAVE_HOLD = (
    _HOLDS.insert + "ON CONFLICT (store_id, hold_id) DO UPDATE SET status = excluded.status"
)

_ACTIVE = _HOLDS.select + "WHERE store_id = $1 AND status = 'held' ORDER BY hold_id"

_LAST_MADE = """
SELECT made_by, made_at, op_codes
FROM capacity_hold
CROSS JOIN LATERAL (
    SELECT array_agg(op_code) AS op_codes
    FROM jsonb_to_recordset(jobs) AS job (op_code text, assignment jsonb)
    WHERE (assignment ->> 'starts_at')::timestamptz <= $3
      AND (assignment ->> 'ends_at')::timestamptz > $2) AS job
WHERE store_id = $1 AND promised_at > $2 AND status <> 'released' AND made_by IS NOT NULL
  AND op_codes IS NOT NULL
ORDER BY made_at DESC
"""


@dataclasses.dataclass(frozen=True)
class MadeHold:
    """Who reserved time for operations, and when."""

    made_by: str
    made_at: datetime
    op_codes: Sequence[str]


async def save_hold(connection: Connection, hold: Hold) -> None:
    """Store the hold."""
    await connection.execute(_SAVE_HOLD, *_HOLDS.values(hold))


async def lock_hold(connection: Connection, store_id: str, hold_id: str) -> Hold | None:
    """Return the hold, locked until the transaction ends."""
    row = await connection.fetchrow(
        _HOLDS.select + "WHERE store_id = $1 AND hold_id = $2 FOR UPDATE", store_id, hold_id
    )
    return None if row is None else _HOLDS.read(row)


async def active_holds(connection: Connection, store_id: str, moment: datetime) -> list[Hold]:
    """Return the holds that have not ended, with the jobs not over at ``moment``.

    Work in progress that takes longer may have taken the booking of such a job; the job is returned
    all the same.
    """
    holds = [_HOLDS.read(row) for row in await connection.fetch(_ACTIVE, store_id)]
    return [
        dataclasses.replace(
            hold, jobs=tuple(job for job in hold.jobs if job.assignment.ends_at > moment)
        )
        for hold in holds
    ]


async def last_holds(
    connection: Connection, store_id: str, begin: datetime, end: datetime
) -> list[MadeHold]:
    """Return who reserved time between ``begin`` and ``end``, the last first.

    Each has the operations that lie in that time.
    """
    rows = await connection.fetch(_LAST_MADE, store_id, begin, end)
    return [MadeHold(**row) for row in rows]
