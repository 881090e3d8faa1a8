"""Results of inspections (质检记录)."""

from services.workshop.domain.inspection import Inspection
from shared.db import Connection
from shared.table import Table

_INSPECTIONS = Table(
    "inspection",
    Inspection,
    key=("store_id", "job_id"),
    json=("results",),
    added=("store_id",),
)

_OF_ORDER = (
    _INSPECTIONS.select
    + """
JOIN job USING (store_id, job_id)
WHERE store_id = $1 AND order_id = $2
ORDER BY inspected_at, job_id
"""
)


async def save_inspection(connection: Connection, store_id: str, inspection: Inspection) -> None:
    """Store the inspection; a job has one."""
    await connection.execute(
        _INSPECTIONS.insert, *_INSPECTIONS.values(inspection, store_id=store_id)
    )


async def inspections_of_order(
    connection: Connection, store_id: str, order_id: str
) -> list[Inspection]:
    """Return the inspections of an order's jobs, in their order."""
    rows = await connection.fetch(_OF_ORDER, store_id, order_id)
    return [_INSPECTIONS.read(row) for row in rows]
