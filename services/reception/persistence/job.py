"""The workshop's jobs of an order, as far as reception needs them."""

from collections.abc import Sequence
from datetime import datetime

from shared.contracts.workshop import JobAssigned, JobFinished
from shared.db import Connection

_RECORD = """
INSERT INTO order_job (store_id, order_id, job_id, op_code, promisable_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
ON CONFLICT (store_id, order_id, job_id) DO UPDATE SET
    promisable_at = excluded.promisable_at
"""

_FINISH = """
UPDATE order_job AS job SET finished_at = done.finished_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
  AS done (store_id, order_id, job_id, finished_at)
WHERE (job.store_id, job.order_id, job.job_id) = (done.store_id, done.order_id, done.job_id)
"""


async def record_jobs(connection: Connection, assigned: Sequence[JobAssigned]) -> None:
    """Record the jobs that were planned."""
    rows = [
        (job.store_id, job.order_id, job.job_id, job.op_code, job.promisable_at) for job in assigned
    ]
    if rows:
        await connection.execute(_RECORD, *map(list, zip(*rows, strict=True)))


async def finish_jobs(connection: Connection, finished: Sequence[JobFinished]) -> None:
    """Record the jobs that are done."""
    rows = [(job.store_id, job.order_id, job.job_id, job.finished_at) for job in finished]
    if rows:
        await connection.execute(_FINISH, *map(list, zip(*rows, strict=True)))


async def promisable_times(connection: Connection, store_id: str, order_id: str) -> list[datetime]:
    """Return the times for which each of the order's jobs allows the vehicle to be promised."""
    rows = await connection.fetch(
        "SELECT promisable_at FROM order_job WHERE store_id = $1 AND order_id = $2",
        store_id,
        order_id,
    )
    return [row["promisable_at"] for row in rows]


async def finished_operations(connection: Connection, store_id: str, order_id: str) -> list[str]:
    """Return the labor operations of the order whose jobs are done."""
    rows = await connection.fetch(
        "SELECT op_code FROM order_job "
        "WHERE store_id = $1 AND order_id = $2 AND finished_at IS NOT NULL",
        store_id,
        order_id,
    )
    return [row["op_code"] for row in rows]


async def forget_jobs(
    connection: Connection, store_id: str, order_id: str, op_codes: Sequence[str]
) -> None:
    """Delete the unfinished jobs of operations that are no longer wanted."""
    await connection.execute(
        "DELETE FROM order_job WHERE store_id = $1 AND order_id = $2 "
        "AND op_code = ANY ($3) AND finished_at IS NULL",
        store_id,
        order_id,
        list(op_codes),
    )
