"""Results of inspections (质检记录)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.workshop.domain.inspection import ItemResult
from shared.db import Connection

_SAVE = """
INSERT INTO inspection (store_id, job_id, inspector_id, inspected_at, passed, results)
VALUES ($1, $2, $3, $4, $5, $6)
"""

_OF_ORDER = """
SELECT job_id, inspector_id, inspected_at, passed, results
FROM inspection JOIN job USING (store_id, job_id)
WHERE store_id = $1 AND order_id = $2
ORDER BY inspected_at, job_id
"""


@dataclass(frozen=True)
class Inspection:
    """One inspection of one job, with the result of each checklist item."""

    job_id: str
    inspector_id: str
    inspected_at: datetime
    passed: bool
    results: Mapping[str, ItemResult]


async def save_inspection(connection: Connection, store_id: str, inspection: Inspection) -> None:
    """Store the inspection; a job has one."""
    await connection.execute(
        _SAVE,
        store_id,
        inspection.job_id,
        inspection.inspector_id,
        inspection.inspected_at,
        inspection.passed,
        dict(inspection.results),
    )


async def inspections_of(connection: Connection, store_id: str, order_id: str) -> list[Inspection]:
    """Return the inspections of an order's jobs, in their order."""
    rows = await connection.fetch(_OF_ORDER, store_id, order_id)
    return [Inspection(**row) for row in rows]
