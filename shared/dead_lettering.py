"""Dead-lettering: the rows that a consumer writes of records it cannot apply, and reads back.

What operators see of these rows and decide on them is in ``shared.dead_letters``.
"""

from collections.abc import Sequence
from typing import Any

from shared.db import Connection, Pool
from shared.inbound_records import DeadRecord

_INSERT = """
INSERT INTO dead_letter (consumer, conflict, topic, partition, "offset", store_id, key, sequence,
                         value, headers, error)
SELECT $1, $2, * FROM unnest($3::text[], $4::int[], $5::bigint[], $6::text[], $7::bytea[],
                             $8::bigint[], $9::bytea[], $10::jsonb[], $11::text[])
ON CONFLICT DO NOTHING
"""

# A consumer that reads a topic again meets its dead letters again, and their decisions hold.
_REOPEN = """
UPDATE dead_letter SET resolved_at = NULL
FROM unnest($2::text[], $3::int[], $4::bigint[]) AS again (topic, partition, "offset")
WHERE dead_letter.consumer = $1 AND dead_letter.topic = again.topic
  AND dead_letter.partition = again.partition AND dead_letter."offset" = again."offset"
  AND dead_letter.store_id <> '' AND dead_letter.resolved_at IS NOT NULL
"""

_SELECT_KNOWN = """
SELECT topic, partition, "offset"
FROM dead_letter
JOIN unnest($2::text[], $3::int[], $4::bigint[]) AS seen (topic, partition, "offset")
  USING (topic, partition, "offset")
WHERE consumer = $1
"""

_SELECT_DECIDED = """
SELECT dead_letter_id, topic, partition, "offset", store_id, key, sequence, value, headers,
       decision, conflict
FROM dead_letter
WHERE consumer = $1 AND decision IS NOT NULL AND resolved_at IS NULL AND store_id <> ''
ORDER BY dead_letter_id
LIMIT 100
"""

_RESOLVE = """
UPDATE dead_letter
SET resolved_at = CASE WHEN $2 THEN now() END, decision = CASE WHEN $2 THEN decision END,
    error = coalesce($3, error)
WHERE dead_letter_id = $1
"""


async def insert(connection: Connection, consumer: str, dead: Sequence[DeadRecord]) -> None:
    """Dead-letter records that cannot be applied; one that was resolved before is open again."""
    if dead:
        await connection.execute(_REOPEN, consumer, *_places(dead))
        await _insert(connection, consumer, dead, conflict=False)


async def insert_conflicts(
    connection: Connection, consumer: str, conflicts: Sequence[DeadRecord]
) -> Sequence[DeadRecord]:
    """Dead-letter records that have the sequence of another event.

    Returns those that were not dead-lettered before: for a record that is read again, the decision
    on it holds.
    """
    if not conflicts:
        return []
    rows = await connection.fetch(_SELECT_KNOWN, consumer, *_places(conflicts))
    known = {(row["topic"], row["partition"], row["offset"]) for row in rows}
    new = [(record, error) for record, error in conflicts if record.place not in known]
    if new:
        await _insert(connection, consumer, new, conflict=True)
    return new


async def decided(pool: Pool, consumer: str) -> Sequence[Any]:
    """Return the oldest hundred dead letters with a decision that is not carried out yet."""
    return await pool.fetch(_SELECT_DECIDED, consumer)


async def resolve(
    pool: Pool, dead_letter_id: int, *, is_done: bool, error: str | None = None
) -> None:
    """Mark the decision on a dead letter as carried out.

    Unless it ``is_done``, the letter is open for another decision, because of ``error`` if given.
    """
    await pool.execute(_RESOLVE, dead_letter_id, is_done, error)


async def _insert(
    connection: Connection, consumer: str, dead: Sequence[DeadRecord], *, conflict: bool
) -> None:
    await connection.execute(
        _INSERT,
        consumer,
        conflict,
        *_places(dead),
        [record.store_id if record.addressed else "" for record, _ in dead],
        [record.raw_key for record, _ in dead],
        [record.sequence or None for record, _ in dead],
        [record.value for record, _ in dead],
        [dict(record.headers) for record, _ in dead],
        [error for _, error in dead],
    )


def _places(dead: Sequence[DeadRecord]) -> tuple[list[str], list[int], list[int]]:
    return (
        [record.topic for record, _ in dead],
        [record.partition for record, _ in dead],
        [record.offset for record, _ in dead],
    )
