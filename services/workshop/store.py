"""All SQL of the workshop. Every function takes a connection; none commits."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from services.workshop.domain import errors
from services.workshop.domain.job import Assignment, Job
from shared.contracts.refusal import Refused
from shared.db import Connection

_JOB = """
SELECT job_id, store_id, order_id, place, operation_id, standard_hours, status, promised_at,
       opened_at, technician_ids, bay_id, planned_start_at, planned_finish_at, waiting_customer,
       pinned, started_at, resumed_at, clocked_s, finished_at, rework_of, version
FROM job
"""

_SAVE_JOBS = """
INSERT INTO job (
    job_id, store_id, order_id, place, operation_id, standard_hours, status, promised_at,
    opened_at, technician_ids, bay_id, planned_start_at, planned_finish_at, waiting_customer,
    pinned, started_at, resumed_at, clocked_s, finished_at, rework_of, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
        $21)
ON CONFLICT (store_id, job_id) DO UPDATE SET
    status = excluded.status, technician_ids = excluded.technician_ids, bay_id = excluded.bay_id,
    promised_at = excluded.promised_at,
    planned_start_at = excluded.planned_start_at, planned_finish_at = excluded.planned_finish_at,
    pinned = excluded.pinned, started_at = excluded.started_at, resumed_at = excluded.resumed_at,
    clocked_s = excluded.clocked_s, finished_at = excluded.finished_at,
    version = excluded.version
"""

_LOCK_PLAN = """
INSERT INTO plan AS current (store_id, version) VALUES ($1, 1)
ON CONFLICT (store_id) DO UPDATE SET version = current.version + 1
RETURNING version
"""

_BOOK = """
INSERT INTO booking (store_id, job_id, hold_id, resource, during)
SELECT $1, job_id, hold_id, resource, tstzrange(begin_at, end_at)
FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[])
     AS new (job_id, hold_id, resource, begin_at, end_at)
"""

_DISPLACE = """
DELETE FROM booking
WHERE store_id = $1 AND job_id IN (
    SELECT job_id FROM booking
    JOIN unnest($2::text[], $3::timestamptz[], $4::timestamptz[])
         AS wanted (resource, begin_at, end_at) USING (resource)
    WHERE store_id = $1 AND during && tstzrange(begin_at, end_at) AND job_id <> ALL ($5))
"""

_IN_HAND = """
SELECT resource, job_id
FROM booking JOIN job USING (store_id, job_id)
WHERE store_id = $1 AND resource = ANY ($2) AND during && tstzrange($3, $4) AND job_id <> $5
  AND status IN ('in_progress', 'paused')
ORDER BY resource
LIMIT 1
"""

_BOOKINGS = """
SELECT job_id, hold_id, resource, lower(during) AS begin_at, upper(during) AS end_at
FROM booking
WHERE store_id = $1 AND upper(during) > $2
ORDER BY resource, lower(during)
"""

_SAVE_HOLD = """
INSERT INTO capacity_hold (store_id, hold_id, status, expires_at, promised_at, confidence, jobs)
VALUES ($1, $2, $3, $4, $5, $6, $7)
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
    """Reserved capacity (产能预留) that an order confirms before it expires."""

    hold_id: str
    store_id: str
    status: str
    expires_at: datetime
    promised_at: datetime
    confidence: float
    jobs: tuple[HeldJob, ...]

    def with_status(self, status: str) -> "Hold":
        return dataclasses.replace(self, status=status)


@dataclass(frozen=True)
class Booking:
    """A technician or a bay is taken from ``begin_at`` until before ``end_at``."""

    job_id: str
    hold_id: str | None
    resource: str
    begin_at: datetime
    end_at: datetime


@dataclass(frozen=True)
class Absence:
    """A technician is away (缺勤)."""

    technician_id: str
    from_at: datetime
    until_at: datetime


async def lock_plan(connection: Connection, store_id: str) -> int:
    """Lock the store's plan, raise its version and return it."""
    return int(await connection.fetchval(_LOCK_PLAN, store_id))


async def plan_version(connection: Connection, store_id: str) -> int:
    """The version of the store's plan; 0 before its first change."""
    version = await connection.fetchval("SELECT version FROM plan WHERE store_id = $1", store_id)
    return version or 0


async def read_job(connection: Connection, store_id: str, job_id: str) -> Job:
    """One job; the store's plan must be locked by whoever changes it.

    Raises:
        Refused: there is no such job in the store.
    """
    row = await connection.fetchrow(_JOB + "WHERE store_id = $1 AND job_id = $2", store_id, job_id)
    if row is None:
        raise errors.unknown("job_id", job_id)
    return _job(row)


async def jobs_of_order(connection: Connection, store_id: str, order_id: str) -> list[Job]:
    """All jobs of an order in their turn."""
    rows = await connection.fetch(
        _JOB + "WHERE store_id = $1 AND order_id = $2 ORDER BY place, opened_at, job_id",
        store_id,
        order_id,
    )
    return [_job(row) for row in rows]


async def open_jobs(connection: Connection, store_id: str) -> list[Job]:
    """The store's unfinished jobs, the oldest first."""
    rows = await connection.fetch(
        _JOB + "WHERE store_id = $1 AND status IN ('planned', 'in_progress', 'paused') "
        "ORDER BY opened_at, order_id, place, job_id",
        store_id,
    )
    return [_job(row) for row in rows]


async def jobs_between(
    connection: Connection, store_id: str, begin: datetime, end: datetime
) -> list[Job]:
    """Jobs that are planned or were done in a span of time, and every unfinished one."""
    rows = await connection.fetch(
        _JOB + "WHERE store_id = $1 AND (planned_start_at < $3 "
        "AND coalesce(finished_at, planned_finish_at) > $2 "
        "OR status IN ('planned', 'in_progress', 'paused', 'finished')) "
        "ORDER BY planned_start_at, opened_at, job_id",
        store_id,
        begin,
        end,
    )
    return [_job(row) for row in rows]


async def save_jobs(connection: Connection, jobs: Iterable[Job]) -> list[Job]:
    """Store every field of the jobs; answers with them at their next version."""
    saved = [dataclasses.replace(job, version=job.version + 1) for job in jobs]
    rows = [
        [
            list(value) if isinstance(value, tuple) else value
            for value in (getattr(job, name) for name in _JOB_FIELDS)
        ]
        for job in saved
    ]
    if rows:
        await connection.executemany(_SAVE_JOBS, rows)
    return saved


async def book(
    connection: Connection,
    store_id: str,
    assignments: Sequence[tuple[str, str | None, Assignment]],
) -> None:
    """Book technicians and bays for ``(job_id, hold_id, assignment)``.

    Raises:
        Refused: one of them is taken.
    """
    rows = [
        (job_id, hold_id, resource, assignment.start_at, assignment.finish_at)
        for job_id, hold_id, assignment in assignments
        for resource in resources_of(assignment)
    ]
    if not rows:
        return
    try:
        await connection.execute(_BOOK, store_id, *map(list, zip(*rows, strict=True)))
    except asyncpg.ExclusionViolationError as error:
        raise Refused(
            "capacity_taken",
            "A technician or bay is already booked for that time.",
            field="technician_ids",
            kind="conflict",
            resource=(error.detail or "").partition("resource")[2][:80],
        ) from None


async def unbook(connection: Connection, store_id: str, job_ids: Sequence[str]) -> None:
    """Free what the jobs have booked."""
    await connection.execute(
        "DELETE FROM booking WHERE store_id = $1 AND job_id = ANY ($2)", store_id, list(job_ids)
    )


async def displace(
    connection: Connection, store_id: str, job_id: str, assignment: Assignment
) -> None:
    """Free the time of ``assignment``: whatever else is booked there loses its booking."""
    resources = resources_of(assignment)
    await connection.execute(
        _DISPLACE,
        store_id,
        resources,
        [assignment.start_at] * len(resources),
        [assignment.finish_at] * len(resources),
        [job_id],
    )


async def refuse_work_in_hand(
    connection: Connection, store_id: str, job_id: str, assignment: Assignment
) -> None:
    """Work in hand keeps its technicians and bay.

    Raises:
        Refused: the assignment needs somebody or something at a time when they are at work.
    """
    resources = resources_of(assignment)
    taken = await connection.fetchrow(
        _IN_HAND, store_id, resources, assignment.start_at, assignment.finish_at, job_id
    )
    if taken is None:
        return
    kind, _, name = taken["resource"].partition(":")
    if kind == "bay":
        raise errors.bay_occupied(name, taken["job_id"])
    raise errors.technician_busy(name, taken["job_id"])


async def bookings_after(connection: Connection, store_id: str, moment: datetime) -> list[Booking]:
    """What is booked from ``moment`` on."""
    return [Booking(**row) for row in await connection.fetch(_BOOKINGS, store_id, moment)]


async def booked_jobs(connection: Connection, store_id: str) -> set[str]:
    """The unfinished jobs that have their bookings."""
    rows = await connection.fetch(
        "SELECT DISTINCT job_id FROM booking JOIN job USING (store_id, job_id) "
        "WHERE store_id = $1 AND status IN ('planned', 'in_progress', 'paused')",
        store_id,
    )
    return {row["job_id"] for row in rows}


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
        jobs,
    )


async def lock_hold(connection: Connection, store_id: str, hold_id: str) -> Hold | None:
    """The hold, locked until the transaction ends."""
    row = await connection.fetchrow(
        "SELECT store_id, hold_id, status, expires_at, promised_at, confidence, jobs "
        "FROM capacity_hold WHERE store_id = $1 AND hold_id = $2 FOR UPDATE",
        store_id,
        hold_id,
    )
    return None if row is None else Hold(**dict(row) | {"jobs": tuple(map(_held, row["jobs"]))})


async def absences_after(connection: Connection, store_id: str, moment: datetime) -> list[Absence]:
    """Absences that end after ``moment``."""
    rows = await connection.fetch(
        "SELECT technician_id, from_at, until_at FROM absence "
        "WHERE store_id = $1 AND until_at > $2 ORDER BY technician_id, from_at",
        store_id,
        moment,
    )
    return [Absence(**row) for row in rows]


async def add_absence(connection: Connection, store_id: str, absence: Absence, kind: str) -> None:
    """Record that a technician is away; a second record from the same moment replaces the first."""
    await connection.execute(
        "INSERT INTO absence (store_id, technician_id, from_at, until_at, kind) "
        "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (store_id, technician_id, from_at) "
        "DO UPDATE SET until_at = excluded.until_at, kind = excluded.kind",
        store_id,
        absence.technician_id,
        absence.from_at,
        absence.until_at,
        kind,
    )


def resources_of(assignment: Assignment) -> list[str]:
    """What an assignment books, in one order for all."""
    return [
        *(f"technician:{technician_id}" for technician_id in sorted(assignment.technician_ids)),
        f"bay:{assignment.bay_id}",
    ]


_JOB_FIELDS = [field.name for field in dataclasses.fields(Job)]


def _job(row: Any) -> Job:
    return Job(**dict(row) | {"technician_ids": tuple(row["technician_ids"])})


def _held(entry: dict[str, Any]) -> HeldJob:
    assignment = Assignment(
        tuple(entry["technician_ids"]),
        entry["bay_id"],
        datetime.fromisoformat(entry["start_at"]),
        datetime.fromisoformat(entry["finish_at"]),
    )
    return HeldJob(entry["job_id"], entry["operation_id"], assignment)
