"""Assignments of customers to agents."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.crm.domain.assignment import Assignment, Relative
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

_ASSIGNMENTS = Table(
    "customer_assignment",
    Assignment,
    key=("store_id", "customer_ref"),
    fixed=("requested_at",),
)

_REQUEST = """
INSERT INTO customer_assignment (store_id, customer_ref, requested_at) VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING RETURNING true
"""

_WAITING = (
    _ASSIGNMENTS.select
    + """
WHERE store_id = $1 AND agent_id IS NULL
ORDER BY requested_at, customer_ref LIMIT $2 FOR UPDATE
"""
)

_OF_OTHERS = (
    _ASSIGNMENTS.select
    + """
WHERE store_id = $1 AND agent_id <> ALL ($2) ORDER BY customer_ref LIMIT $3 FOR UPDATE
"""
)

_OF_AGENT = (
    _ASSIGNMENTS.select
    + """
WHERE store_id = $1 AND agent_id = $2 AND customer_ref > $3
  AND NOT EXISTS (SELECT FROM present_alias AS alias
                  WHERE alias.store_id = $1 AND alias.alias_ref = customer_assignment.customer_ref)
ORDER BY customer_ref LIMIT $4
"""
)

_AGENTS_OF = """
SELECT customer_ref, agent_id FROM customer_assignment
WHERE store_id = $1 AND customer_ref = ANY ($2) AND agent_id IS NOT NULL
"""

# Who has a vehicle or a telephone number in common with a customer.
_RELATIVES = """
WITH related AS (
    SELECT mine.customer_ref, other.customer_ref AS relative
    FROM vehicle_person AS mine JOIN vehicle_person AS other USING (store_id, vehicle_ref)
    WHERE mine.store_id = $1 AND mine.customer_ref = ANY ($2)
      AND mine.until IS NULL AND other.until IS NULL
    UNION
    SELECT mine.customer_ref, other.customer_ref
    FROM contact_point AS mine JOIN contact_point AS other USING (store_id, kind, value_ref)
    WHERE mine.store_id = $1 AND mine.customer_ref = ANY ($2) AND kind = 'phone'
      AND mine.ended_at IS NULL AND other.ended_at IS NULL
)
SELECT related.customer_ref, related.relative, agent_id
FROM related LEFT JOIN customer_assignment AS assigned
    ON assigned.store_id = $1 AND assigned.customer_ref = related.relative
WHERE related.relative <> related.customer_ref
ORDER BY related.customer_ref, assigned_at, related.relative
"""

_NUMBERS = """
WITH customers AS (
    SELECT agent_id,
           count(*) AS customers,
           count(*) FILTER (WHERE first_contacted_at IS NULL) AS first_contacts_open,
           count(*) FILTER (WHERE first_contacted_at IS NULL AND first_contact_due_at < $2)
               AS first_contacts_overdue
    FROM customer_assignment
    WHERE store_id = $1 AND agent_id IS NOT NULL
      AND customer_ref NOT IN (SELECT alias_ref FROM present_alias WHERE store_id = $1)
    GROUP BY agent_id
), calls AS (
    SELECT agent_id, count(*) AS open_calls, count(*) FILTER (WHERE due_at <= $2) AS due_calls
    FROM follow_up
    WHERE store_id = $1 AND completed_at IS NULL AND cancelled_at IS NULL GROUP BY agent_id
), done AS (
    SELECT completed_by AS agent_id,
           count(*) AS completed,
           count(*) FILTER (WHERE reached) AS reached
    FROM follow_up WHERE store_id = $1 AND completed_at >= $3 GROUP BY completed_by
)
SELECT agent_id,
       coalesce(customers, 0) AS customers,
       coalesce(first_contacts_open, 0) AS first_contacts_open,
       coalesce(first_contacts_overdue, 0) AS first_contacts_overdue,
       coalesce(open_calls, 0) AS open_calls,
       coalesce(due_calls, 0) AS due_calls,
       coalesce(completed, 0) AS completed,
       coalesce(reached, 0) AS reached
FROM customers FULL JOIN calls USING (agent_id) FULL JOIN done USING (agent_id)
ORDER BY agent_id
"""

_NOTE_CONTACT = """
UPDATE customer_assignment SET first_contacted_at = $3
WHERE store_id = $1 AND customer_ref = $2 AND first_contacted_at IS NULL
"""


async def request_assignment(
    connection: Connection, store_id: str, customer_ref: str, now: datetime
) -> bool:
    """Have a customer wait for an agent; return whether they are new."""
    return bool(await connection.fetchval(_REQUEST, store_id, customer_ref, now))


async def relatives_of(
    connection: Connection, store_id: str, customer_refs: Collection[str]
) -> Mapping[str, Sequence[Relative]]:
    """Return by customer who has a vehicle or a telephone number in common with them, those who
    have an agent first.
    """
    found: dict[str, list[Relative]] = defaultdict(list)
    for row in await connection.fetch(_RELATIVES, store_id, list(customer_refs)):
        found[row["customer_ref"]].append(Relative(row["relative"], row["agent_id"]))
    return found


async def waiting_assignments(
    connection: Connection, store_id: str, limit: int
) -> Sequence[Assignment]:
    """Return customers without an agent, locked, the first to come first."""
    return [_ASSIGNMENTS.read(row) for row in await connection.fetch(_WAITING, store_id, limit)]


async def assignments_to_others(
    connection: Connection, store_id: str, agent_ids: Collection[str], limit: int
) -> Sequence[Assignment]:
    """Return customers, locked, whose agent is none of these."""
    rows = await connection.fetch(_OF_OTHERS, store_id, list(agent_ids), limit)
    return [_ASSIGNMENTS.read(row) for row in rows]


async def assignments_of_agent(
    connection: Connection, store_id: str, agent_id: str, after: str, limit: int
) -> Sequence[Assignment]:
    """Return an agent's customers behind ``after``, in the order of their references."""
    rows = await connection.fetch(_OF_AGENT, store_id, agent_id, after, limit)
    return [_ASSIGNMENTS.read(row) for row in rows]


async def lock_assignment(connection: Connection, store_id: str, customer_ref: str) -> Assignment:
    """Return the assignment of a customer, locked until the transaction ends.

    Raises:
        RuleViolation: the store knows no such customer.
    """
    row = await connection.fetchrow(
        _ASSIGNMENTS.select + "WHERE store_id = $1 AND customer_ref = $2 FOR UPDATE",
        store_id,
        customer_ref,
    )
    if row is None:
        raise unknown("customer_ref", customer_ref)
    return _ASSIGNMENTS.read(row)


async def agents_of_customers(
    connection: Connection, store_id: str, customer_refs: Collection[str]
) -> dict[str, str]:
    """Return the agents of those customers that have one."""
    rows = await connection.fetch(_AGENTS_OF, store_id, list(customer_refs))
    return {row["customer_ref"]: row["agent_id"] for row in rows}


async def agent_numbers(
    connection: Connection, store_id: str, now: datetime, completed_since: datetime
) -> Sequence[Any]:
    """Return the customers and calls of each agent, as rows of numbers."""
    return await connection.fetch(_NUMBERS, store_id, now, completed_since)


async def note_contact(
    connection: Connection, store_id: str, customer_ref: str, at: datetime
) -> None:
    """Record that a customer was reached, if it is the first time."""
    await connection.execute(_NOTE_CONTACT, store_id, customer_ref, at)


async def save_assignments(connection: Connection, assignments: Iterable[Assignment]) -> None:
    """Store every field of the assignments."""
    await connection.executemany(_ASSIGNMENTS.upsert, [*map(_ASSIGNMENTS.values, assignments)])
