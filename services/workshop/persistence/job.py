"""Jobs (派工单)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from services.workshop.domain.job import Job
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table
from shared.unit_of_work import UnitOfWork

_JOBS = Table(
    "job",
    Job,
    key=("store_id", "job_id"),
    fixed=(
        "order_id",
        "line_number",
        "op_code",
        "standard_hours",
        "opened_at",
        "waiting_customer",
        "rework_of",
        "rework_for",
        "rush",
    ),
    json=(
        "technician_ids",
        "forbidden_technicians",
        "rework_for",
        "diagnosis",
        "reason",
        "clockings",
    ),
)

_FINISHED = """
SELECT op_code, technician_ids, standard_hours, clocked_s
FROM job
WHERE store_id = $1 AND finished_at IS NOT NULL AND status <> 'stopped'
ORDER BY finished_at DESC, op_code, technician_ids, standard_hours, clocked_s
LIMIT $2
"""


@dataclass(frozen=True)
class Finished:
    """Actual time of one finished job; ``clocked_s`` leaves pauses out."""

    op_code: str
    technician_ids: tuple[str, ...]
    standard_hours: float
    clocked_s: int


_ORDERED = """
SELECT op_code, weeks_ago, sum(standard_hours) AS standard_hours
FROM (SELECT op_code, standard_hours,
             1 + floor(extract(epoch FROM $2 - opened_at) / 604800)::integer AS weeks_ago
      FROM job
      WHERE store_id = $1 AND opened_at < $2 AND opened_at >= $2 - $3 * interval '7 days'
        AND status <> 'cancelled')
GROUP BY op_code, weeks_ago
ORDER BY op_code, weeks_ago
"""


@dataclass(frozen=True)
class OrderedHours:
    """Standard hours of one operation that were ordered in one past week.

    Week 1 is the last one.
    """

    op_code: str
    weeks_ago: int
    standard_hours: float


async def ordered_hours(
    connection: Connection, store_id: str, until: datetime, weeks: int
) -> list[OrderedHours]:
    """Return the hours ordered in the given number of weeks before ``until``."""
    rows = await connection.fetch(_ORDERED, store_id, until, weeks)
    return [OrderedHours(**row) for row in rows]


async def read_job(connection: Connection, store_id: str, job_id: str) -> Job:
    """Return one job; the caller locks the store's plan before changing it.

    Raises:
        RuleViolation: there is no such job in the store.
    """
    row = await connection.fetchrow(
        _JOBS.select + "WHERE store_id = $1 AND job_id = $2", store_id, job_id
    )
    if row is None:
        raise unknown("job_id", job_id)
    return _JOBS.read(row)


async def jobs_of_order(connection: Connection, store_id: str, order_id: str) -> list[Job]:
    """Return all jobs of an order in order of their lines."""
    rows = await connection.fetch(
        _JOBS.select
        + "WHERE store_id = $1 AND order_id = $2 ORDER BY line_number, opened_at, job_id",
        store_id,
        order_id,
    )
    return [_JOBS.read(row) for row in rows]


async def open_jobs(connection: Connection, store_id: str) -> list[Job]:
    """Return the store's unfinished jobs, the oldest first."""
    rows = await connection.fetch(
        _JOBS.select + "WHERE store_id = $1 AND status IN ('planned', 'in_progress', 'paused') "
        "ORDER BY opened_at, order_id, line_number, job_id",
        store_id,
    )
    return [_JOBS.read(row) for row in rows]


async def last_finished(connection: Connection, store_id: str) -> list[Job]:
    """Return the job finished last of each order with unfinished ones.

    The vehicle stands in the bay of that job.
    """
    rows = await connection.fetch(
        _JOBS.select + "WHERE store_id = $1 AND finished_at IS NOT NULL AND order_id IN ("
        "SELECT order_id FROM job WHERE store_id = $1 "
        "AND status IN ('planned', 'in_progress', 'paused')) ORDER BY finished_at, job_id",
        store_id,
    )
    return list({row["order_id"]: _JOBS.read(row) for row in rows}.values())


async def wip_jobs(connection: Connection, store_id: str) -> list[Job]:
    """Return the store's jobs that were begun and are not done."""
    rows = await connection.fetch(
        _JOBS.select
        + "WHERE store_id = $1 AND status IN ('in_progress', 'paused') ORDER BY job_id",
        store_id,
    )
    return [_JOBS.read(row) for row in rows]


async def current_jobs(connection: Connection, store_id: str) -> list[Job]:
    """Return the store's unfinished and uninspected jobs in order of their planned start."""
    rows = await connection.fetch(
        _JOBS.select + "WHERE store_id = $1 "
        "AND status IN ('planned', 'in_progress', 'paused', 'finished') "
        "ORDER BY planned_start_at, opened_at, job_id",
        store_id,
    )
    return [_JOBS.read(row) for row in rows]


async def jobs_between(
    connection: Connection, store_id: str, begin: datetime, end: datetime
) -> list[Job]:
    """Return the jobs planned or done in a span of time, and every unfinished one."""
    rows = await connection.fetch(
        _JOBS.select + "WHERE store_id = $1 AND (planned_start_at < $3 "
        "AND coalesce(finished_at, planned_finish_at) > $2 "
        "OR status IN ('planned', 'in_progress', 'paused', 'finished')) "
        "ORDER BY planned_start_at, opened_at, job_id",
        store_id,
        begin,
        end,
    )
    return [_JOBS.read(row) for row in rows]


async def next_start(connection: Connection, store_id: str) -> datetime | None:
    """Return when the first of the planned jobs is to begin."""
    starts_at: datetime | None = await connection.fetchval(
        "SELECT min(planned_start_at) FROM job WHERE store_id = $1 AND status = 'planned'", store_id
    )
    return starts_at


async def jobs_worked_on(connection: Connection, job: Job, since: datetime) -> list[Job]:
    """Return other begun jobs of the same technicians, bay or vehicle.

    They were not finished by ``since``.
    """
    rows = await connection.fetch(
        _JOBS.select + "WHERE store_id = $1 AND job_id <> $2 AND started_at IS NOT NULL "
        "AND (technician_ids ?| $3::text[] OR bay_id = $4 OR order_id = $5) "
        "AND (coalesce(finished_at, planned_finish_at) > $6 "
        "OR status IN ('planned', 'in_progress', 'paused', 'finished')) "
        "ORDER BY started_at, job_id",
        job.store_id,
        job.job_id,
        list(job.technician_ids),
        job.bay_id,
        job.order_id,
        since,
    )
    return [_JOBS.read(row) for row in rows]


async def finished_jobs(connection: Connection, store_id: str, limit: int) -> list[Finished]:
    """Return the actual times of the store's latest finished jobs, ``limit`` at most.

    Rework counts as well.
    """
    rows = await connection.fetch(_FINISHED, store_id, limit)
    return [
        Finished(**dict(row) | {"technician_ids": tuple(row["technician_ids"])}) for row in rows
    ]


async def save_jobs(uow: UnitOfWork, jobs: Sequence[Job]) -> list[Job]:
    """Store the jobs that have changed, and return all of them as they are stored."""
    return await uow.save(jobs, partial(_write, uow.connection))


async def _write(connection: Connection, jobs: Sequence[Job]) -> None:
    await connection.executemany(_JOBS.upsert, map(_JOBS.values, jobs))
