"""The duplicate guard: how far a consumer has applied the events of each key."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from shared.db import Connection

Key = tuple[str, str]
"""Topic and key."""


class Sequenced(Protocol):
    """A record with its place in a stream."""

    @property
    def stream(self) -> Key: ...
    @property
    def sequence(self) -> int: ...
    @property
    def store_id(self) -> str: ...


S = TypeVar("S", bound=Sequenced)

_CREATE = """
INSERT INTO stream_position (consumer, topic, key, store_id, last_sequence)
SELECT $1, topic, key, store_id, 0
FROM unnest($2::text[], $3::text[], $4::text[]) AS seen (topic, key, store_id)
ON CONFLICT DO NOTHING
"""

# The lateral lookup takes the primary key whatever the planner believes about the table's size, and
# locks in the order of the arrays.
_LOCK = """
SELECT seen.topic, seen.key, position.last_sequence
FROM unnest($2::text[], $3::text[]) AS seen (topic, key)
CROSS JOIN LATERAL (
    SELECT last_sequence FROM stream_position
    WHERE consumer = $1 AND topic = seen.topic AND key = seen.key
    FOR UPDATE) AS position
"""

_ADVANCE = """
INSERT INTO stream_position (consumer, topic, key, store_id, last_sequence)
SELECT $1, topic, key, store_id, last_sequence
FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[])
  AS reached (topic, key, store_id, last_sequence)
ON CONFLICT (consumer, topic, key) DO UPDATE SET last_sequence = excluded.last_sequence
"""


@dataclass
class Walk:
    """What becomes of the records of one batch, in the order in which they take effect."""

    applied: int = 0
    discarded: int = 0
    parked: list[Sequenced] = field(default_factory=list)
    positions: dict[Key, int] = field(default_factory=dict)


def walk(
    records: Iterable[S],
    positions: Mapping[Key, int],
    take: Callable[[S], bool],
    compacted: Set[str] = frozenset(),
) -> Walk:
    """Go through ``records`` per key in sequence, from the position of each key.

    ``take`` gets every record whose turn it is and answers whether the key goes on behind it. A
    record whose sequence is not above the position is discarded; one that leaves a gap, or stands
    behind a record that was not taken, is parked. On a topic in ``compacted`` a gap means that
    the broker has dropped what later records replace, and the key goes on.
    """
    result = Walk()
    streams: dict[Key, dict[int, S]] = defaultdict(dict)
    for record in records:
        streams[record.stream].setdefault(record.sequence, record)
    for key, by_sequence in streams.items():
        position = positions[key]
        blocked, gaps_allowed = False, key[0] in compacted
        for sequence in sorted(by_sequence):
            if sequence <= position:
                result.discarded += 1
            elif not blocked and (gaps_allowed or sequence == position + 1):
                if take(by_sequence[sequence]):
                    position = sequence
                    result.applied += 1
                else:
                    blocked = True
            else:
                result.parked.append(by_sequence[sequence])
        if position != positions[key]:
            result.positions[key] = position
    return result


async def lock(connection: Connection, consumer: str, streams: Mapping[Key, str]) -> dict[Key, int]:
    """Lock the positions of ``streams`` (key → store) and return them; a new stream begins at 0."""
    keys = sorted(streams)
    topics, names = [topic for topic, _ in keys], [key for _, key in keys]
    await connection.execute(_CREATE, consumer, topics, names, [streams[key] for key in keys])
    rows = await connection.fetch(_LOCK, consumer, topics, names)
    return {(row["topic"], row["key"]): row["last_sequence"] for row in rows}


async def advance(
    connection: Connection,
    consumer: str,
    positions: Mapping[Key, int],
    streams: Mapping[Key, str],
) -> None:
    """Store the positions reached on ``streams`` (key → store)."""
    if positions:
        await connection.execute(
            _ADVANCE,
            consumer,
            [topic for topic, _ in positions],
            [key for _, key in positions],
            [streams[key] for key in positions],
            list(positions.values()),
        )


def streams_of(records: Sequence[Sequenced]) -> dict[Key, str]:
    """The streams that ``records`` stand on, with the store of each."""
    return {record.stream: record.store_id for record in records}
