"""Complaints, their timelines and tasks."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from services.crm.domain.complaint import Complaint, ComplaintTask, EntryKind, Status
from shared.contracts.crm import ComplaintCause, ComplaintSeverity
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table
from shared.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class EncryptedEntry:
    """One entry of a timeline as stored; ``words`` are encrypted under the customer's key."""

    store_id: str
    complaint_id: str
    entry_id: str
    complaint_task_id: str | None
    kind: EntryKind
    recorded_by: str | None
    recorded_at: datetime
    channel: str | None
    reached: bool | None
    satisfied: bool | None
    role: str | None
    amount_cents: int | None
    words: bytes | None


@dataclass(frozen=True)
class ComplaintFilter:
    """Which complaints of a store are listed; without a value, all are."""

    statuses: Sequence[Status]
    severities: Sequence[ComplaintSeverity]
    owner_id: str | None = None
    customer_ref: str | None = None
    order_id: str | None = None


_COMPLAINTS = Table(
    "complaint", Complaint, key=("store_id", "complaint_id"), separate=("cause_reported_at",)
)
_TASKS = Table("complaint_task", ComplaintTask, key=("store_id", "complaint_task_id"))
_ENTRIES = Table("complaint_entry", EncryptedEntry, key=("store_id", "entry_id"))

_FIND = _COMPLAINTS.select + "WHERE store_id = $1 AND complaint_id = $2"

_LISTED = (
    _COMPLAINTS.select
    + """
WHERE store_id = $1
  AND CASE WHEN closed_at IS NOT NULL THEN 'closed'
           WHEN resolved_at IS NOT NULL THEN 'resolved'
           WHEN answered_at IS NOT NULL THEN 'in_progress'
           ELSE 'open' END = ANY ($2)
  AND (cardinality($3::text[]) = 0 OR severity = ANY ($3))
  AND ($4::text IS NULL OR owner_id = $4)
  AND ($5::text IS NULL
       OR customer_ref = ANY ((SELECT references_of($1, $5))::text[]))
  AND ($6::text IS NULL OR order_id = $6)
  AND ($7::text IS NULL
       OR (due_at, complaint_id) > (SELECT due_at, complaint_id FROM complaint
                                    WHERE store_id = $1 AND complaint_id = $7))
ORDER BY due_at, complaint_id
LIMIT $8
"""
)

_ESCALATED = (
    _COMPLAINTS.select
    + """
WHERE escalated_to IS NOT NULL AND resolved_at IS NULL
ORDER BY due_at, complaint_id
LIMIT 500
"""
)

_LOCK_CAUSE = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"

_SAME_CAUSE = """
SELECT complaint_id FROM complaint
WHERE store_id = $1 AND cause = $2 AND opened_at >= $3 AND cause_reported_at IS NULL
ORDER BY opened_at, complaint_id
"""

_REPORT_CAUSE = """
UPDATE complaint SET cause_reported_at = $3 WHERE store_id = $1 AND complaint_id = ANY ($2)
"""

_ENTRIES_OF = _ENTRIES.select + "WHERE store_id = $1 AND complaint_id = $2 ORDER BY entry_id"

_ASKED = (
    _ENTRIES.select
    + """
WHERE store_id = $1 AND complaint_id = ANY ($2) AND complaint_task_id = ANY ($3)
  AND kind = 'task_assigned'
"""
)

_TASKS_OF = (
    _TASKS.select
    + "WHERE store_id = $1 AND complaint_id = $2 ORDER BY assigned_at, complaint_task_id"
)

_OPEN_TASKS = """
SELECT count(*) FROM complaint_task
WHERE store_id = $1 AND complaint_id = $2 AND completed_at IS NULL
"""

_TASKS_OF_ROLES = (
    _TASKS.select
    + """
WHERE store_id = $1 AND completed_at IS NULL AND (role = ANY ($2) OR escalated_to = ANY ($2))
ORDER BY due_at, complaint_task_id
LIMIT 500
"""
)


async def save_complaint(uow: UnitOfWork, complaint: Complaint) -> Complaint:
    """Store a complaint, as its next version if it has changed, and return that."""
    (saved,) = await uow.save([complaint], partial(_write, uow.connection))
    return saved


async def _write(connection: Connection, complaints: Sequence[Complaint]) -> None:
    await connection.executemany(_COMPLAINTS.upsert, map(_COMPLAINTS.values, complaints))


async def find_complaint(connection: Connection, store_id: str, complaint_id: str) -> Complaint:
    """Return the complaint.

    Raises:
        RuleViolation: there is no such one in the store.
    """
    return await _one(connection, _FIND, store_id, complaint_id)


async def lock_complaint(connection: Connection, store_id: str, complaint_id: str) -> Complaint:
    """Return the complaint, locked until the transaction ends.

    Raises:
        RuleViolation: there is no such one in the store.
    """
    return await _one(connection, _FIND + " FOR UPDATE", store_id, complaint_id)


async def _one(connection: Connection, query: str, store_id: str, complaint_id: str) -> Complaint:
    row = await connection.fetchrow(query, store_id, complaint_id)
    if row is None:
        raise unknown("complaint_id", complaint_id)
    return _COMPLAINTS.read(row)


async def list_complaints(
    connection: Connection,
    store_id: str,
    wanted: ComplaintFilter,
    after: str | None,
    limit: int,
) -> list[Complaint]:
    """Return the wanted complaints behind ``after``, the most urgent first."""
    rows = await connection.fetch(
        _LISTED,
        store_id,
        list(wanted.statuses),
        list(wanted.severities),
        wanted.owner_id,
        wanted.customer_ref,
        wanted.order_id,
        after,
        limit,
    )
    return list(map(_COMPLAINTS.read, rows))


async def is_complaining(connection: Connection, store_id: str, customer_ref: str) -> bool:
    """Return whether a complaint of the customer is not closed."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM complaint"
        " WHERE store_id = $1 AND customer_ref = $2 AND closed_at IS NULL)",
        store_id,
        customer_ref,
    )
    return found


async def escalated_complaints(connection: Connection) -> list[Complaint]:
    """Return the complaints in scope that have gone up and are not resolved, the most urgent
    first.
    """
    return list(map(_COMPLAINTS.read, await connection.fetch(_ESCALATED)))


async def lock_same_cause(
    connection: Connection, store_id: str, cause: ComplaintCause, since: datetime
) -> list[str]:
    """Return the store's complaints with a cause that were opened ``since`` then and not reported
    yet; no other transaction reports them until this one ends.
    """
    await connection.execute(_LOCK_CAUSE, f"complaint-cause/{store_id}/{cause}")
    rows = await connection.fetch(_SAME_CAUSE, store_id, cause, since)
    return [row["complaint_id"] for row in rows]


async def report_cause(
    connection: Connection, store_id: str, complaint_ids: Sequence[str], now: datetime
) -> None:
    """Record that the cause of these complaints is told to be a repeated one."""
    await connection.execute(_REPORT_CAUSE, store_id, list(complaint_ids), now)


async def add_entry(connection: Connection, entry: EncryptedEntry) -> None:
    """Add an entry to a complaint's timeline."""
    await connection.execute(_ENTRIES.insert, *_ENTRIES.values(entry))


async def entries_of(
    connection: Connection, store_id: str, complaint_id: str
) -> list[EncryptedEntry]:
    """Return the timeline of a complaint, still encrypted."""
    return list(map(_ENTRIES.read, await connection.fetch(_ENTRIES_OF, store_id, complaint_id)))


async def save_task(connection: Connection, task: ComplaintTask) -> None:
    """Store every field of the task."""
    await connection.execute(_TASKS.upsert, *_TASKS.values(task))


async def lock_task(connection: Connection, store_id: str, complaint_task_id: str) -> ComplaintTask:
    """Return the task, locked until the transaction ends.

    Raises:
        RuleViolation: there is no such task in the store.
    """
    row = await connection.fetchrow(
        _TASKS.select + "WHERE store_id = $1 AND complaint_task_id = $2 FOR UPDATE",
        store_id,
        complaint_task_id,
    )
    if row is None:
        raise unknown("complaint_task_id", complaint_task_id)
    return _TASKS.read(row)


async def tasks_of(connection: Connection, store_id: str, complaint_id: str) -> list[ComplaintTask]:
    """Return the tasks of a complaint in the order in which they were given."""
    return list(map(_TASKS.read, await connection.fetch(_TASKS_OF, store_id, complaint_id)))


async def count_open_tasks(connection: Connection, store_id: str, complaint_id: str) -> int:
    """Return how many tasks of a complaint are open."""
    count: int = await connection.fetchval(_OPEN_TASKS, store_id, complaint_id)
    return count


async def open_tasks_of_roles(
    connection: Connection, store_id: str, roles: Collection[str]
) -> list[ComplaintTask]:
    """Return the open tasks of departments, those that have gone up to them too, by deadline."""
    return list(map(_TASKS.read, await connection.fetch(_TASKS_OF_ROLES, store_id, sorted(roles))))


async def asked_words(
    connection: Connection, store_id: str, tasks: Sequence[ComplaintTask]
) -> Mapping[str, bytes]:
    """Return what is asked by tasks, by their ids, still encrypted."""
    rows = await connection.fetch(
        _ASKED,
        store_id,
        [task.complaint_id for task in tasks],
        [task.complaint_task_id for task in tasks],
    )
    return {row["complaint_task_id"]: row["words"] for row in rows if row["words"]}
