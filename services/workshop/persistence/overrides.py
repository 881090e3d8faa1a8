"""Manual overrides and their outcome (人工干预)."""

from dataclasses import dataclass
from datetime import datetime

from services.workshop.domain.dispatch import Override
from shared.db import Connection
from shared.table import Table

_OVERRIDES = Table(
    "override",
    Override,
    key=("store_id", "override_id"),
    added=("store_id", "note"),
)

_BETWEEN = f"""
SELECT {_OVERRIDES.column_list}, note, queue_number, late_min
FROM override LEFT JOIN repair_order USING (store_id, order_id)
WHERE store_id = $1 AND made_at >= $2 AND made_at < $3
ORDER BY made_at, override_id
"""

_EFFECT = """
SELECT work.jobs, work.overridden, done.late_overridden_min, done.late_untouched_min
FROM (
    SELECT count(*) AS jobs, count(*) FILTER (WHERE EXISTS (
        SELECT FROM override
        WHERE override.store_id = job.store_id AND override.order_id = job.order_id
          AND override.job_id = job.job_id)) AS overridden
    FROM job
    WHERE store_id = $1 AND opened_at >= $2 AND opened_at < $3 AND status <> 'cancelled'
) AS work, (
    SELECT avg(late_min) FILTER (WHERE is_overridden)::float8 AS late_overridden_min,
           avg(late_min) FILTER (WHERE NOT is_overridden)::float8 AS late_untouched_min
    FROM (
        SELECT late_min, EXISTS (
            SELECT FROM override
            WHERE override.store_id = repair_order.store_id
              AND override.order_id = repair_order.order_id) AS is_overridden
        FROM repair_order
        WHERE store_id = $1 AND ready_at >= $2 AND ready_at < $3) AS each_order
) AS done
"""


@dataclass(frozen=True)
class MadeOverride:
    """An override with its encrypted note, its order's number and, once ready, actual lateness."""

    override: Override
    note: bytes | None
    queue_number: int | None
    late_actual_min: int | None


@dataclass(frozen=True)
class OverrideEffect:
    """Overridden share of jobs and mean lateness in a span of time.

    Jobs opened in it and those of them overridden; mean minutes of lateness of the orders ready in
    it, overridden and not.
    """

    jobs: int
    overridden: int
    late_overridden_min: float | None
    late_untouched_min: float | None


async def add_override(
    connection: Connection, store_id: str, override: Override, note: bytes | None
) -> None:
    """Record a manual override."""
    await connection.execute(
        _OVERRIDES.insert, *_OVERRIDES.values(override, store_id=store_id, note=note)
    )


async def overrides_between(
    connection: Connection, store_id: str, begin: datetime, end: datetime
) -> list[MadeOverride]:
    """Return the manual overrides of a span of time, in their order."""
    rows = await connection.fetch(_BETWEEN, store_id, begin, end)
    return [
        MadeOverride(_OVERRIDES.read(row), row["note"], row["queue_number"], row["late_min"])
        for row in rows
    ]


async def override_effect(
    connection: Connection, store_id: str, begin: datetime, end: datetime
) -> OverrideEffect:
    """Return how many jobs were overridden in a span of time, and how late orders were."""
    (row,) = await connection.fetch(_EFFECT, store_id, begin, end)
    return OverrideEffect(**row)
