"""Capacity holds (产能预留)."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.workshop.domain.hold import HeldJob, Hold
from services.workshop.domain.job import Assignment
from shared.db import Connection

_SAVE_HOLD = """
INSERT INTO capacity_hold (
    store_id, hold_id, status, expires_at, promised_at, confidence, expected_at, spread_minutes,
    jobs, made_by, made_at, order_id, calibrated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (store_id, hold_id) DO UPDATE SET status = excluded.status
"""

_HOLD = """
SELECT store_id, hold_id, status, expires_at, promised_at, confidence, expected_at, spread_minutes,
    jobs, made_by, made_at, order_id, calibrated_at
FROM capacity_hold
"""

_ACTIVE = """
WHERE store_id = $1 AND status = 'held'
ORDER BY hold_id
"""

_LAST_MADE = """
SELECT made_by, made_at
FROM capacity_hold
WHERE store_id = $1 AND promised_at > $2 AND status <> 'released' AND made_by IS NOT NULL
  AND EXISTS (
      SELECT FROM jsonb_to_recordset(jobs)
           AS job (op_code text, starts_at timestamptz, ends_at timestamptz)
      WHERE op_code = ANY ($4) AND starts_at <= $3 AND ends_at > $2)
ORDER BY made_at DESC
LIMIT 1
"""


async def save_hold(connection: Connection, hold: Hold) -> None:
    """Store the hold."""
    jobs = [
        {
            "job_id": job.job_id,
            "op_code": job.op_code,
            "technician_ids": list(job.assignment.technician_ids),
            "bay_id": job.assignment.bay_id,
            "starts_at": job.assignment.starts_at.isoformat(),
            "ends_at": job.assignment.ends_at.isoformat(),
        }
        for job in hold.jobs
    ]
    await connection.execute(
        _SAVE_HOLD,
        hold.store_id,
        hold.hold_id,
        hold.status,
        hold.expires_at,
        hold.promised_at,
        hold.confidence,
        hold.expected_at,
        hold.spread_minutes,
        jobs,
        hold.made_by,
        hold.made_at,
        hold.order_id,
        hold.calibrated_at,
    )


async def lock_hold(connection: Connection, store_id: str, hold_id: str) -> Hold | None:
    """Return the hold, locked until the transaction ends."""
    row = await connection.fetchrow(
        _HOLD + "WHERE store_id = $1 AND hold_id = $2 FOR UPDATE", store_id, hold_id
    )
    return None if row is None else _hold(row)


async def active_holds(connection: Connection, store_id: str, moment: datetime) -> list[Hold]:
    """Return the holds that have not ended, with the jobs not over at ``moment``.

    Work in progress that takes longer may have taken the booking of such a job; the job is returned
    all the same.
    """
    holds = [_hold(row) for row in await connection.fetch(_HOLD + _ACTIVE, store_id)]
    return [
        dataclasses.replace(
            hold, jobs=tuple(job for job in hold.jobs if job.assignment.ends_at > moment)
        )
        for hold in holds
    ]


async def last_hold(
    connection: Connection,
    store_id: str,
    begin: datetime,
    end: datetime,
    op_codes: Sequence[str],
) -> tuple[str, datetime] | None:
    """Return who last reserved time for one of the operations, and when.

    The reserved time lies between ``begin`` and ``end``.
    """
    row = await connection.fetchrow(_LAST_MADE, store_id, begin, end, list(op_codes))
    return (row["made_by"], row["made_at"]) if row else None


def _hold(row: Any) -> Hold:
    return Hold(**dict(row) | {"jobs": tuple(map(_held, row["jobs"]))})


def _held(entry: dict[str, Any]) -> HeldJob:
    assignment = Assignment(
        tuple(entry["technician_ids"]),
        entry["bay_id"],
        datetime.fromisoformat(entry["starts_at"]),
        datetime.fromisoformat(entry["ends_at"]),
    )
    return HeldJob(entry["job_id"], entry["op_code"], assignment)
