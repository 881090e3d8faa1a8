"""Corrections of clocked times, with the times before them (工时更正)."""

from services.workshop.domain.correction import ClockCorrection
from shared.db import Connection
from shared.table import Table

_CORRECTIONS = Table(
    "time_correction", ClockCorrection, key=("store_id", "correction_id"), added=("store_id",)
)


async def add_clock_correction(
    connection: Connection, store_id: str, correction: ClockCorrection
) -> None:
    """Record a correction."""
    await connection.execute(
        _CORRECTIONS.insert, *_CORRECTIONS.values(correction, store_id=store_id)
    )


async def clock_corrections_of_job(
    connection: Connection, store_id: str, job_id: str
) -> list[ClockCorrection]:
    """Return the corrections of a job's clocked time, the first one first."""
    rows = await connection.fetch(
        _CORRECTIONS.select
        + "WHERE store_id = $1 AND job_id = $2 ORDER BY corrected_at, correction_id",
        store_id,
        job_id,
    )
    return [_CORRECTIONS.read(row) for row in rows]
