"""Bookings of technicians and bays (占用)."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from services.workshop.domain import errors
from services.workshop.domain.job import Assignment
from services.workshop.domain.resource_booking import ResourceBooking, resources_of
from shared.contracts.violations import RuleViolation
from shared.db import Connection

_INSERT_RESOURCE_BOOKINGS = """
INSERT INTO resource_booking (store_id, job_id, hold_id, resource, during)
SELECT $1, job_id, hold_id, resource, tstzrange(starts_at, ends_at)
FROM unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[])
     AS new (job_id, hold_id, resource, starts_at, ends_at)
"""

_DISPLACE = """
DELETE FROM resource_booking
WHERE store_id = $1 AND job_id IN (
    SELECT job_id FROM resource_booking
    JOIN unnest($2::text[], $3::timestamptz[], $4::timestamptz[])
         AS wanted (resource, starts_at, ends_at) USING (resource)
    WHERE store_id = $1 AND during && tstzrange(starts_at, ends_at) AND job_id <> ALL ($5))
"""

_SELECT_RESERVED = """
SELECT resource, job_id, hold_id, coalesce(made_by, changed_by) AS by,
       coalesce(made_at, changed_at) AS at
FROM resource_booking
     LEFT JOIN job USING (store_id, job_id)
     LEFT JOIN capacity_hold USING (store_id, hold_id)
WHERE store_id = $1 AND resource = ANY ($2) AND during && tstzrange($3, $4) AND job_id <> $5
  AND (hold_id IS NOT NULL OR job.status IN ('in_progress', 'paused'))
ORDER BY resource
LIMIT 1
"""

_SELECT_RESOURCE_BOOKINGS = """
SELECT job_id, hold_id, resource, lower(during) AS starts_at, upper(during) AS ends_at
FROM resource_booking
WHERE store_id = $1 AND upper(during) > $2
ORDER BY resource, lower(during)
"""


class CapacityTakenError(RuleViolation):
    """A booking conflict: a technician or bay is already booked for that time."""


async def add_resource_bookings(
    connection: Connection,
    store_id: str,
    assignments: Sequence[tuple[str, str | None, Assignment]],
) -> None:
    """Book technicians and bays for ``(job_id, hold_id, assignment)``.

    Raises:
        CapacityTakenError: one of them is taken.
    """
    rows = [
        (job_id, hold_id, resource, assignment.starts_at, assignment.ends_at)
        for job_id, hold_id, assignment in assignments
        for resource in resources_of(assignment)
    ]
    if not rows:
        return
    try:
        await connection.execute(
            _INSERT_RESOURCE_BOOKINGS, store_id, *map(list, zip(*rows, strict=True))
        )
    except asyncpg.ExclusionViolationError as error:
        raise CapacityTakenError(
            "capacity_taken",
            "A technician or bay is already booked for that time.",
            field="technician_ids",
            kind="conflict",
            resource=(error.detail or "").partition("resource")[2][:80],
        ) from None


async def delete_resource_bookings(
    connection: Connection, store_id: str, job_ids: Sequence[str]
) -> None:
    """Delete the bookings of the jobs."""
    await connection.execute(
        "DELETE FROM resource_booking WHERE store_id = $1 AND job_id = ANY ($2)",
        store_id,
        list(job_ids),
    )


async def displace(
    connection: Connection, store_id: str, job_id: str, assignment: Assignment
) -> None:
    """Free the time of ``assignment``: other jobs booked there lose their bookings."""
    resources = resources_of(assignment)
    await connection.execute(
        _DISPLACE,
        store_id,
        resources,
        [assignment.starts_at] * len(resources),
        [assignment.ends_at] * len(resources),
        [job_id],
    )


async def reject_if_reserved(
    connection: Connection, store_id: str, job_id: str, assignment: Assignment
) -> None:
    """Refuse an assignment that needs reserved resources or those of work in progress.

    Raises:
        RuleViolation: a technician or bay of the assignment is not available at that time.
    """
    resources = resources_of(assignment)
    taken = await connection.fetchrow(
        _SELECT_RESERVED, store_id, resources, assignment.starts_at, assignment.ends_at, job_id
    )
    if taken is None:
        return
    kind, _, name = taken["resource"].partition(":")
    if taken["hold_id"]:
        raise errors.capacity_held(name, taken["by"], taken["at"])
    if kind == "bay":
        raise errors.bay_occupied(name, taken["job_id"], taken["by"], taken["at"])
    raise errors.technician_busy(name, taken["job_id"])


async def resource_bookings_after(
    connection: Connection, store_id: str, moment: datetime
) -> list[ResourceBooking]:
    """Return the bookings from ``moment`` on."""
    return [
        ResourceBooking(**row)
        for row in await connection.fetch(_SELECT_RESOURCE_BOOKINGS, store_id, moment)
    ]


async def booked_jobs(connection: Connection, store_id: str) -> set[str]:
    """Return the unfinished jobs that have their bookings."""
    rows = await connection.fetch(
        "SELECT DISTINCT job_id FROM resource_booking JOIN job USING (store_id, job_id) "
        "WHERE store_id = $1 AND status IN ('planned', 'in_progress', 'paused')",
        store_id,
    )
    return {row["job_id"] for row in rows}


async def count_booked_jobs_of_hold(connection: Connection, store_id: str, hold_id: str) -> int:
    """Return how many jobs of a hold still have their bookings."""
    count: int = await connection.fetchval(
        "SELECT count(DISTINCT job_id) FROM resource_booking WHERE store_id = $1 AND hold_id = $2",
        store_id,
        hold_id,
    )
    return count
