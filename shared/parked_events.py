"""Parked events: they wait behind a gap or a dead letter of their stream."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from shared import inbox
from shared.db import Connection
from shared.inbound_records import InboundRecord, restore_inbound_record

_INSERT = """
INSERT INTO parked_event (consumer, topic, key, sequence, store_id, value, headers, partition,
                          "offset")
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::bytea[],
                         $7::jsonb[], $8::int[], $9::bigint[])
"""

_SELECT = """
SELECT topic, key, sequence, store_id, value, headers, partition, "offset"
FROM parked_event
JOIN unnest($2::text[], $3::text[], $4::text[]) AS seen (topic, key, store_id)
  USING (topic, key, store_id)
WHERE consumer = $1
"""

_DELETE = """
DELETE FROM parked_event AS parked
USING unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
  AS done (topic, key, store_id, first, last)
WHERE parked.consumer = $1 AND parked.topic = done.topic AND parked.key = done.key
  AND parked.store_id = done.store_id
  AND parked.sequence BETWEEN done.first AND done.last
"""


async def insert(connection: Connection, consumer: str, records: Sequence[InboundRecord]) -> None:
    """Park ``records`` until the turn of each comes."""
    if records:
        await connection.execute(
            _INSERT,
            consumer,
            [record.topic for record in records],
            [record.key for record in records],
            [record.sequence for record in records],
            [record.store_id for record in records],
            [record.value for record in records],
            [dict(record.headers) for record in records],
            [record.partition for record in records],
            [record.offset for record in records],
        )


async def load(
    connection: Connection, consumer: str, streams: Collection[inbox.Key]
) -> list[InboundRecord]:
    """Return the events parked in ``streams``."""
    rows = await connection.fetch(_SELECT, consumer, *inbox.arrays_of(streams))
    return [restore_inbound_record(row, row["key"].encode()) for row in rows]


async def delete(
    connection: Connection,
    consumer: str,
    positions: Mapping[inbox.Key, int],
    dead_lettered: Iterable[InboundRecord],
) -> None:
    """Delete the events parked up to ``positions``, and the dead-lettered ones.

    ``dead_lettered`` holds the records that became dead letters themselves.
    """
    done = [
        *((*stream, 1, last) for stream, last in positions.items()),
        *((*record.stream, record.sequence, record.sequence) for record in dead_lettered),
    ]
    if done:
        await connection.execute(_DELETE, consumer, *map(list, zip(*done, strict=True)))
