"""Capacity holds (产能预留)."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.workshop.domain.job import Assignment
from shared.db import Connection

_SAVE_HOLD = """
INSERT INTO capacity_hold (
    store_id, hold_id, status, expires_at, promised_at, confidence, expected_at, spread_min, jobs)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (store_id, hold_id) DO UPDATE SET status = excluded.status
"""


@dataclass(frozen=True)
class HeldJob:
    """A job that a hold reserves; its id stays the job's."""

    job_id: str
    operation_id: str
    assignment: Assignment


@dataclass(frozen=True)
class Hold:
    """Reserved capacity (产能预留) that an order confirms before it expires.

    ``expected_at`` is the median end of the work, ``spread_min`` the working minutes from there to
    the end that nine in ten cases do not exceed.
    """

    hold_id: str
    store_id: str
    status: str
    expires_at: datetime
    promised_at: datetime
    confidence: float
    expected_at: datetime
    spread_min: float
    jobs: tuple[HeldJob, ...]

    def stands_for(self, operation_ids: Sequence[str]) -> bool:
        """Whether it has not ended and is for these operations in this order."""
        wanted = [job.operation_id for job in self.jobs]
        return self.status == "held" and wanted == list(operation_ids)

    def with_status(self, status: str) -> "Hold":
        return dataclasses.replace(self, status=status)


async def save_hold(connection: Connection, hold: Hold) -> None:
    """Store the hold."""
    jobs = [
        {
            "job_id": job.job_id,
            "operation_id": job.operation_id,
            "technician_ids": list(job.assignment.technician_ids),
            "bay_id": job.assignment.bay_id,
            "start_at": job.assignment.start_at.isoformat(),
            "finish_at": job.assignment.finish_at.isoformat(),
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
        hold.spread_min,
        jobs,
    )


async def lock_hold(connection: Connection, store_id: str, hold_id: str) -> Hold | None:
    """The hold, locked until the transaction ends."""
    row = await connection.fetchrow(
        "SELECT store_id, hold_id, status, expires_at, promised_at, confidence, expected_at, "
        "spread_min, jobs FROM capacity_hold WHERE store_id = $1 AND hold_id = $2 FOR UPDATE",
        store_id,
        hold_id,
    )
    return None if row is None else Hold(**dict(row) | {"jobs": tuple(map(_held, row["jobs"]))})


def _held(entry: dict[str, Any]) -> HeldJob:
    assignment = Assignment(
        tuple(entry["technician_ids"]),
        entry["bay_id"],
        datetime.fromisoformat(entry["start_at"]),
        datetime.fromisoformat(entry["finish_at"]),
    )
    return HeldJob(entry["job_id"], entry["operation_id"], assignment)
