"""Follow-up calls."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from services.crm.domain.follow_up import FollowUp, Status
from services.crm.domain.follow_up_reason import MOST_REASONS
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

_OPEN_CALLS = """
SELECT agent_id, count(*) AS calls FROM follow_up
WHERE store_id = $1 AND completed_at IS NULL AND cancelled_at IS NULL
GROUP BY agent_id
"""

# In the order of the customers, so that two transactions cannot wait for each other.
_LOCK_CALLS_OF = """
SELECT pg_advisory_xact_lock(hashtextextended('follow-ups/' || $1 || '/' || customer_ref, 0))
FROM (SELECT DISTINCT read_as($1, ref) AS customer_ref FROM unnest($2::text[]) AS ref
      ORDER BY 1) AS called
"""

_KNOWN = """
WITH asked AS (
    SELECT * FROM unnest($2::text[], $3::text[], $4::text[]) AS asked (reason, customer_ref, about)
),
called AS (
    SELECT customer_ref AS ref, asked.* FROM asked
    UNION ALL
    SELECT alias_ref, asked.* FROM asked JOIN present_alias USING (customer_ref)
    WHERE store_id = $1
)
SELECT follow_up_id, called.reason, called.customer_ref, called.about
FROM called
JOIN follow_up
    ON follow_up.store_id = $1 AND follow_up.customer_ref = called.ref
   AND follow_up.reason = called.reason AND follow_up.about = called.about
"""

_CONTACTS = """
SELECT read_as($1, customer_ref) AS customer_ref, completed_at FROM follow_up
WHERE store_id = $1 AND customer_ref = ANY (ARRAY(SELECT all_references($1, $2)))
  AND reached AND completed_at > $3
"""

_FOLLOW_UPS = Table(
    "follow_up",
    FollowUp,
    key=("store_id", "follow_up_id"),
    fixed=("reason", "about", "customer_ref", "order_id", "vehicle_ref"),
    separate=("record",),
)

_RECORDS = """
SELECT follow_up_id, record FROM follow_up
WHERE store_id = $1 AND follow_up_id = ANY ($2) AND record IS NOT NULL
"""

_REFUSING = """
SELECT customer_ref FROM customer
WHERE store_id = $1 AND customer_ref = ANY ($2)
  AND ('phone' = ANY (declined_channels) OR erased_at IS NOT NULL)
UNION
SELECT alias.customer_ref
FROM present_alias AS alias
JOIN customer AS main USING (store_id, customer_ref)
JOIN customer AS merged
    ON merged.store_id = alias.store_id AND merged.customer_ref = alias.alias_ref
WHERE alias.store_id = $1 AND alias.customer_ref = ANY ($2)
  AND 'phone' = ANY (merged.declined_channels)
  AND (main.contact_changed_at <= alias.merged_at) IS NOT FALSE
"""

_OPEN_OF = (
    _FOLLOW_UPS.select
    + """
WHERE store_id = $1 AND customer_ref = ANY (ARRAY(SELECT all_references($1, $2)))
  AND completed_at IS NULL AND cancelled_at IS NULL
"""
)

_OPEN_ABOUT = (
    _FOLLOW_UPS.select
    + """
WHERE store_id = $1 AND about = $2 AND completed_at IS NULL AND cancelled_at IS NULL
"""
)

_WORK_LIST = f"""
SELECT due.* FROM generate_series($3::int, {MOST_REASONS}) AS place
CROSS JOIN LATERAL (
    SELECT {_FOLLOW_UPS.column_list} FROM follow_up
    WHERE store_id = $1 AND priority = place::smallint AND due_at <= $2
      AND completed_at IS NULL AND cancelled_at IS NULL %s
      AND (place > $3 OR (due_at, follow_up_id) > ($4, $5))
    ORDER BY due_at, follow_up_id
    LIMIT $6) AS due
ORDER BY priority, due_at, follow_up_id
LIMIT $6
"""
_DUE = _WORK_LIST % ""
_DUE_OF_AGENT = _WORK_LIST % "AND agent_id = $7"

_OF_ABSENT = (
    _FOLLOW_UPS.select
    + """
WHERE store_id = $1 AND completed_at IS NULL AND cancelled_at IS NULL
  AND (agent_id <> ALL ($2) OR agent_id = ANY ($3) AND due_at < $4)
ORDER BY due_at, follow_up_id LIMIT $5
"""
)

_LISTED = (
    _FOLLOW_UPS.select
    + """
WHERE store_id = $1
  AND (CASE WHEN reached THEN 'completed' ELSE 'not_reached' END = ANY ($2) AND completed_at >= $4
    OR 'cancelled' = ANY ($2) AND cancelled_at >= $4
    OR completed_at IS NULL AND cancelled_at IS NULL
       AND CASE WHEN due_at <= $3 THEN 'due' ELSE 'scheduled' END = ANY ($2))
ORDER BY due_at, follow_up_id
LIMIT 1000
"""
)


async def open_calls(connection: Connection, store_id: str) -> Mapping[str, int]:
    """Return how many open calls each agent has."""
    rows = await connection.fetch(_OPEN_CALLS, store_id)
    return {row["agent_id"]: row["calls"] for row in rows}


async def lock_follow_ups_of(
    connection: Connection, store_id: str, customer_refs: Collection[str]
) -> None:
    """Lock the calls of these customers against other changes until the transaction ends."""
    await connection.execute(_LOCK_CALLS_OF, store_id, list(customer_refs))


async def open_follow_ups_of(
    connection: Connection, store_id: str, customer_refs: Collection[str]
) -> list[FollowUp]:
    """Return the open calls of these customers, and of the records that are merged into theirs."""
    rows = await connection.fetch(_OPEN_OF, store_id, list(customer_refs))
    return [_FOLLOW_UPS.read(row) for row in rows]


async def open_follow_ups_about(
    connection: Connection, store_id: str, about: str
) -> list[FollowUp]:
    """Return the open calls about an order, complaint or policy."""
    rows = await connection.fetch(_OPEN_ABOUT, store_id, about)
    return [_FOLLOW_UPS.read(row) for row in rows]


async def known_follow_ups(
    connection: Connection, store_id: str, keys: Collection[tuple[str, str, str]]
) -> Mapping[tuple[str, str, str], str]:
    """Return the ids of those calls that exist, by reason, customer and what they are about."""
    columns = map(list, zip(*keys, strict=True))
    rows = await connection.fetch(_KNOWN, store_id, *columns)
    return {(row["reason"], row["customer_ref"], row["about"]): row["follow_up_id"] for row in rows}


async def contacts_since(
    connection: Connection, store_id: str, customer_refs: Collection[str], since: datetime
) -> Mapping[str, Sequence[datetime]]:
    """Return when each of these customers was reached by a call after ``since``."""
    contacts: dict[str, list[datetime]] = defaultdict(list)
    for row in await connection.fetch(_CONTACTS, store_id, list(customer_refs), since):
        contacts[row["customer_ref"]].append(row["completed_at"])
    return contacts


async def customers_refusing_calls(
    connection: Connection, store_id: str, customer_refs: Collection[str]
) -> Collection[str]:
    """Return those of the customers who want no calls, or are erased."""
    rows = await connection.fetch(_REFUSING, store_id, list(customer_refs))
    return [row["customer_ref"] for row in rows]


async def read_follow_up(connection: Connection, store_id: str, follow_up_id: str) -> FollowUp:
    """Return the follow-up.

    Raises:
        RuleViolation: there is no such follow-up in the store.
    """
    row = await connection.fetchrow(
        _FOLLOW_UPS.select + "WHERE store_id = $1 AND follow_up_id = $2", store_id, follow_up_id
    )
    if row is None:
        raise unknown("follow_up_id", follow_up_id)
    return _FOLLOW_UPS.read(row)


async def calls_of_absent(
    connection: Connection,
    store_id: str,
    staff: Collection[str],
    on_leave: Collection[str],
    until: datetime,
    limit: int,
) -> list[FollowUp]:
    """Return open calls of agents who are not of the ``staff``, and of those ``on_leave`` the calls
    that are due before ``until``.
    """
    rows = await connection.fetch(_OF_ABSENT, store_id, list(staff), list(on_leave), until, limit)
    return [_FOLLOW_UPS.read(row) for row in rows]


async def due_calls(
    connection: Connection,
    store_id: str,
    agent_id: str | None,
    now: datetime,
    after: FollowUp | None,
    limit: int,
) -> list[FollowUp]:
    """Return the due calls of a store, or of an agent, behind ``after``: what matters most first.

    Each priority gives its first calls, so that those that are not due yet cost nothing.
    """
    position = (after.priority, after.due_at, after.follow_up_id) if after else (0, now, "")
    if agent_id is None:
        rows = await connection.fetch(_DUE, store_id, now, *position, limit)
    else:
        rows = await connection.fetch(_DUE_OF_AGENT, store_id, now, *position, limit, agent_id)
    return [_FOLLOW_UPS.read(row) for row in rows]


async def list_follow_ups(
    connection: Connection,
    store_id: str,
    statuses: Sequence[Status],
    now: datetime,
    completed_since: datetime,
) -> list[FollowUp]:
    """Return the follow-ups with one of ``statuses``, in the order in which they are due."""
    rows = await connection.fetch(_LISTED, store_id, list(statuses), now, completed_since)
    return [_FOLLOW_UPS.read(row) for row in rows]


async def save_follow_ups(connection: Connection, follow_ups: Iterable[FollowUp]) -> None:
    """Store every field of the follow-ups."""
    await connection.executemany(_FOLLOW_UPS.upsert, [*map(_FOLLOW_UPS.values, follow_ups)])


async def encrypted_records(
    connection: Connection, store_id: str, follow_up_ids: Collection[str]
) -> Mapping[str, bytes]:
    """Return the records of these calls that have one, still encrypted, by the call's id."""
    rows = await connection.fetch(_RECORDS, store_id, list(follow_up_ids))
    return {row["follow_up_id"]: row["record"] for row in rows}


async def save_record(
    connection: Connection, store_id: str, follow_up_id: str, record: bytes
) -> None:
    """Store the record of a call, encrypted."""
    await connection.execute(
        "UPDATE follow_up SET record = $3 WHERE store_id = $1 AND follow_up_id = $2",
        store_id,
        follow_up_id,
        record,
    )
