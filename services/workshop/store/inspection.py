"""What inspectors found (质检记录)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.workshop.domain.inspection import ItemResult
from shared.db import Connection

_SAVE = """
INSERT INTO inspection (store_id, job_id, inspector_id, inspected_at, passed, results)
VALUES ($1, $2, $3, $4, $5, $6)
"""


@dataclass(frozen=True)
class Inspection:
    """One inspection of one job, with the result of each item of the checklist."""

    job_id: str
    inspector_id: str
    inspected_at: datetime
    passed: bool
    results: Mapping[str, ItemResult]


async def save_inspection(connection: Connection, store_id: str, inspection: Inspection) -> None:
    """Keep the inspection; a job has one."""
    await connection.execute(
        _SAVE,
        store_id,
        inspection.job_id,
        inspection.inspector_id,
        inspection.inspected_at,
        inspection.passed,
        dict(inspection.results),
    )


async def read_inspection(connection: Connection, store_id: str, job_id: str) -> Inspection | None:
    """The inspection of a job, if it was inspected."""
    row = await connection.fetchrow(
        "SELECT job_id, inspector_id, inspected_at, passed, results FROM inspection "
        "WHERE store_id = $1 AND job_id = $2",
        store_id,
        job_id,
    )
    return Inspection(**row) if row else None
