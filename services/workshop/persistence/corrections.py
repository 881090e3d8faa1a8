"""Corrections of clocked times, with the times before them (工时更正)."""

import dataclasses

from services.workshop.domain.correction import ClockCorrection
from shared.db import Connection

_ADD = """
INSERT INTO time_correction (
    store_id, correction_id, job_id, order_id, reason, corrected_by, corrected_at,
    original_started_at, original_finished_at, original_clocked_s, started_at, finished_at,
    clocked_s)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""

_OF_JOB = """
SELECT correction_id, job_id, order_id, reason, corrected_by, corrected_at,
       original_started_at, original_finished_at, original_clocked_s, started_at, finished_at,
       clocked_s
FROM time_correction WHERE store_id = $1 AND job_id = $2 ORDER BY corrected_at, correction_id
"""


async def add(connection: Connection, store_id: str, correction: ClockCorrection) -> None:
    """Record a correction."""
    await connection.execute(_ADD, store_id, *dataclasses.astuple(correction))


async def of_job(connection: Connection, store_id: str, job_id: str) -> list[ClockCorrection]:
    """Return the corrections of a job's clocked time, the first one first."""
    return [ClockCorrection(**row) for row in await connection.fetch(_OF_JOB, store_id, job_id)]
