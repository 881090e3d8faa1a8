"""Duplicate guard: the position of a consumer in each stream, and the latest events it applied.

The store is part of a stream's identity: the same key in another store is another stream.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from shared.db import Connection
from shared.envelope import DIGEST_BYTES

Key = tuple[str, str, str]
"""Stream: topic, key and store."""

_RECENT = 64
"""Number of last digests that stay in the position; there is room for as many again."""

ANOTHER_APPLIED = "another event of this sequence is applied"
ANOTHER_CAME_FIRST = "another event of this sequence came first"
LATE_VERSION = "a later version was applied before this one came"


class Sequenced(Protocol):
    """Record with its position in a stream; ``digest`` tells it from any other."""

    @property
    def stream(self) -> Key: ...
    @property
    def sequence(self) -> int: ...
    @property
    def store_id(self) -> str: ...
    @property
    def digest(self) -> bytes: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...


S = TypeVar("S", bound=Sequenced)

_CREATE = """
INSERT INTO stream_position (consumer, topic, key, store_id, last_sequence)
SELECT $1, topic, key, store_id, 0
FROM unnest($2::text[], $3::text[], $4::text[]) AS seen (topic, key, store_id)
ON CONFLICT (consumer, topic, key, store_id) DO NOTHING
"""

# The lateral lookup takes the primary key for any size that the planner assumes for the table, and
# locks in the order of the arrays.
_LOCK = """
SELECT seen.topic, seen.key, seen.store_id, position.last_sequence, position.held,
       position.digests, position.partition, position."offset",
       $7 AND EXISTS (
           SELECT FROM stream_position AS other
           WHERE other.consumer = $1 AND other.topic = ANY ($8) AND other.key = seen.key
             AND other.store_id <> seen.store_id) AS shared
FROM unnest($2::text[], $3::text[], $4::text[]) AS seen (topic, key, store_id)
CROSS JOIN LATERAL (
    SELECT last_sequence, octet_length(digests) / $5 AS held, partition, "offset",
           CASE WHEN topic = ANY ($6) THEN digests ELSE '' END AS digests
    FROM stream_position
    WHERE consumer = $1 AND topic = seen.topic AND key = seen.key AND store_id = seen.store_id
    FOR UPDATE) AS position
"""

_ADVANCE = """
INSERT INTO stream_position AS position
    (consumer, topic, key, store_id, last_sequence, digests, partition, "offset")
SELECT $1, topic, key, store_id, last_sequence, digests, partition, "offset"
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bytea[], $7::int[], $8::bigint[])
  AS reached (topic, key, store_id, last_sequence, digests, partition, "offset")
ON CONFLICT (consumer, topic, key, store_id) DO UPDATE
SET last_sequence = excluded.last_sequence,
    digests = substr(
        position.digests,
        CASE WHEN octet_length(position.digests) < 2 * $9 THEN 1
             ELSE octet_length(position.digests) - $9 + 1 END) || excluded.digests,
    partition = excluded.partition,
    "offset" = excluded."offset"
"""

# A consumer that starts again without its old digests writes the same blocks.
_MOVE_OLDER = """
INSERT INTO applied_digests (consumer, topic, key, first_sequence, store_id, digests)
SELECT consumer, topic, key, last_sequence - octet_length(digests) / $5 + 1, store_id,
       substr(digests, 1, octet_length(digests) - $6)
FROM stream_position
JOIN unnest($2::text[], $3::text[], $4::text[]) AS long (topic, key, store_id)
  USING (topic, key, store_id)
WHERE consumer = $1
ON CONFLICT (consumer, topic, key, store_id, first_sequence)
DO UPDATE SET digests = excluded.digests
"""

_APPLIED = """
SELECT seen.topic, seen.key, seen.store_id, seen.sequence,
       substr(block.digests, ((seen.sequence - block.first_sequence) * $6)::int + 1, $6) AS digest
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[])
  AS seen (topic, key, store_id, sequence)
CROSS JOIN LATERAL (
    (SELECT first_sequence, digests FROM applied_digests
     WHERE consumer = $1 AND topic = seen.topic AND key = seen.key AND store_id = seen.store_id
       AND first_sequence <= seen.sequence
     ORDER BY first_sequence DESC LIMIT 1)
    UNION ALL
    SELECT last_sequence - octet_length(digests) / $6 + 1, digests FROM stream_position
    WHERE consumer = $1 AND topic = seen.topic AND key = seen.key AND store_id = seen.store_id
    ) AS block
WHERE seen.sequence >= block.first_sequence
  AND seen.sequence < block.first_sequence + octet_length(block.digests) / $6
"""


@dataclass(frozen=True)
class Position:
    """Position in a stream; the digests of the last ``held`` applied events are available.

    Of a compacted topic, ``recent`` are the digests of what was applied last, and ``partition`` and
    ``offset`` the place of the last. ``shared`` tells that another store in scope has the key.
    """

    sequence: int
    held: int
    recent: frozenset[bytes]
    partition: int | None
    offset: int | None
    shared: bool


@dataclass
class BatchOutcome(Generic[S]):
    """Outcome of the records of one batch, in the order in which they take effect.

    ``passed`` stand at or below the position of before, ``conflicts`` at the sequence of another
    record that was applied in sequence before.
    """

    repeated: int = 0
    taken: dict[Key, list[S]] = field(default_factory=dict)
    passed: list[S] = field(default_factory=list)
    parked: list[S] = field(default_factory=list)
    conflicts: list[S] = field(default_factory=list)

    @property
    def applied(self) -> int:
        return sum(map(len, self.taken.values()))

    @property
    def positions(self) -> dict[Key, int]:
        """Positions of the keys that have advanced."""
        return {key: records[-1].sequence for key, records in self.taken.items()}

    def park(self, rivals: Sequence[S]) -> None:
        """Park the first of different records with one sequence; the others conflict with it."""
        first, *others = rivals
        self.parked.append(first)
        self.conflicts += others

    def apply_first(self, rivals: Sequence[S], apply_one: Callable[[S], bool]) -> bool:
        """Apply the first of different records with one sequence that can be applied.

        Those behind it conflict with it. Returns whether there was one.
        """
        for number, record in enumerate(rivals, start=1):
            if apply_one(record):
                self.taken.setdefault(record.stream, []).append(record)
                self.conflicts += rivals[number:]
                return True
        return False


def apply_in_sequence(
    records: Iterable[S],
    positions: Mapping[Key, int],
    apply_one: Callable[[S], bool],
    compacted: Set[str] = frozenset(),
    stops: Mapping[Key, int] | None = None,
) -> BatchOutcome[S]:
    """Apply the records of each key in sequence, from the position of the key.

    ``apply_one`` applies a record and returns whether it could; if it could not, it gets the next
    record of the same sequence. A key is blocked by a gap, by a sequence of which no record could
    be applied, and from its sequence in ``stops`` on: the rest of its records is parked.

    On a topic in ``compacted`` only ``stops`` blocks a key: the broker has dropped records that
    later ones replace.
    """
    outcome: BatchOutcome[S] = BatchOutcome()
    for key, by_sequence in _new_records(records, positions, outcome).items():
        is_compacted = key[0] in compacted
        stop = (stops or {}).get(key, math.inf)
        position, is_blocked = positions[key], False
        for sequence, rivals in sorted(by_sequence.items()):
            is_gap = sequence > position + 1
            if is_blocked or sequence >= stop or (is_gap and not is_compacted):
                outcome.park(rivals)
            elif outcome.apply_first(rivals, apply_one):
                position = sequence
            else:
                is_blocked = not is_compacted
    return outcome


def _new_records(
    records: Iterable[S], positions: Mapping[Key, int], outcome: BatchOutcome[S]
) -> dict[Key, dict[int, list[S]]]:
    """Return the records beyond the position of their key: the different ones of each sequence.

    Those at or below the position, and repeated ones, are recorded in ``outcome``.
    """
    streams: dict[Key, dict[int, list[S]]] = defaultdict(dict)
    for record in records:
        if record.sequence <= positions[record.stream]:
            outcome.passed.append(record)
            continue
        rivals = streams[record.stream].setdefault(record.sequence, [])
        if record.digest in [rival.digest for rival in rivals]:
            outcome.repeated += 1
        else:
            rivals.append(record)
    return streams


async def lock(
    connection: Connection,
    consumer: str,
    streams: Collection[Key],
    topics: Collection[str],
    compacted: Set[str],
) -> dict[Key, Position]:
    """Lock the positions of ``streams`` and return them; a new stream begins at 0.

    ``topics`` are those on which a key of several stores in scope is looked for.
    """
    arrays = arrays_of(sorted(streams))
    several = len({store for _, _, store in streams}) > 1
    await connection.execute(_CREATE, consumer, *arrays)
    rows = await connection.fetch(
        _LOCK, consumer, *arrays, DIGEST_BYTES, list(compacted), several, list(topics)
    )
    return {(row["topic"], row["key"], row["store_id"]): _position(row) for row in rows}


def _position(row: Any) -> Position:
    digests = row["digests"]
    return Position(
        sequence=row["last_sequence"],
        held=row["held"],
        recent=frozenset(
            digests[n : n + DIGEST_BYTES] for n in range(0, len(digests), DIGEST_BYTES)
        ),
        partition=row["partition"],
        offset=row["offset"],
        shared=row["shared"],
    )


async def advance(
    connection: Connection,
    consumer: str,
    taken: Mapping[Key, Sequence[S]],
    locked: Mapping[Key, Position],
    compacted: Set[str],
) -> None:
    """Store the positions of the keys of ``taken``, and the records that were applied."""
    if not taken:
        return
    long = [key for key in taken if locked[key].held >= 2 * _RECENT and key[0] not in compacted]
    if long:
        await connection.execute(
            _MOVE_OLDER, consumer, *arrays_of(long), DIGEST_BYTES, _RECENT * DIGEST_BYTES
        )
    last = [records[-1] for records in taken.values()]
    await connection.execute(
        _ADVANCE,
        consumer,
        *arrays_of(taken),
        [record.sequence for record in last],
        [b"".join(record.digest for record in records) for records in taken.values()],
        [record.partition for record in last],
        [record.offset for record in last],
        _RECENT * DIGEST_BYTES,
    )


async def conflicting(
    connection: Connection,
    consumer: str,
    passed: Sequence[S],
    locked: Mapping[Key, Position],
    compacted: Set[str],
) -> list[tuple[S, str]]:
    """Return those of ``passed`` that do not repeat an applied record, and why.

    What was applied before digests were kept is taken for repeated.
    """
    kept = [record for record in passed if record.stream[0] not in compacted]
    versions = [
        (record, version_conflict(record, locked[record.stream]))
        for record in passed
        if record.stream[0] in compacted
    ]
    return [
        *await _other_events(connection, consumer, kept),
        *((record, reason) for record, reason in versions if reason),
    ]


def version_conflict(record: Sequenced, position: Position) -> str:
    """Return the reason if a version was neither applied nor replaced, else an empty text.

    The reason is that a forged version came before it.

    One that stands before the version applied last is read again.
    """
    if not position.recent or record.digest in position.recent:
        return ""
    if record.sequence == position.sequence:
        return ANOTHER_APPLIED
    read_again = record.partition == position.partition and record.offset < (position.offset or 0)
    return "" if read_again else LATE_VERSION


async def applied_digest(
    connection: Connection, consumer: str, stream: Key, sequence: int
) -> bytes | None:
    """Return the digest of the event applied at a sequence of a topic that keeps every event."""
    rows = await _applied(connection, consumer, [(*stream, sequence)])
    return rows.get((*stream, sequence))


async def _other_events(
    connection: Connection, consumer: str, records: Sequence[S]
) -> list[tuple[S, str]]:
    if not records:
        return []
    steps = [(*record.stream, record.sequence) for record in records]
    applied = await _applied(connection, consumer, steps)
    return [
        (record, ANOTHER_APPLIED)
        for record, step in zip(records, steps, strict=True)
        if applied.get(step, record.digest) != record.digest
    ]


async def _applied(
    connection: Connection, consumer: str, steps: Sequence[tuple[str, str, str, int]]
) -> dict[tuple[str, str, str, int], bytes]:
    rows = await connection.fetch(
        _APPLIED, consumer, *map(list, zip(*steps, strict=True)), DIGEST_BYTES
    )
    return {
        (row["topic"], row["key"], row["store_id"], row["sequence"]): row["digest"] for row in rows
    }


def arrays_of(keys: Collection[Key]) -> tuple[list[str], list[str], list[str]]:
    """Return topics, keys and stores of streams as query arguments."""
    return (
        [topic for topic, _, _ in keys],
        [name for _, name, _ in keys],
        [store for _, _, store in keys],
    )
