"""Transactional outbox: events commit with their causation; ``shared.relay`` sends them."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from shared.contracts import Event, type_name
from shared.db import Connection
from shared.envelope import Causation, headers_of
from shared.ids import new_id

LARGEST_EVENT = 900_000
"""Bytes of data that the broker accepts with room for headers."""


_TAKE_SEQUENCES = """
INSERT INTO stream_head AS head (topic, key, store_id, last_sequence)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])
ON CONFLICT (topic, key) DO UPDATE SET last_sequence = head.last_sequence + excluded.last_sequence
RETURNING topic, key, last_sequence
"""

_INSERT = """
INSERT INTO outbox (id, store_id, topic, aggregatetype, aggregateid, sequence, type, payload,
                    headers)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
                     $7::text[], $8::bytea[], $9::jsonb[])
"""


async def append(
    connection: Connection, outgoing: Sequence[tuple[Event, Causation]], now: datetime
) -> None:
    """Write events into the outbox of the running transaction, in the order given per key.

    Raises:
        ValueError: an event is larger than the broker accepts.
    """
    if not outgoing:
        return
    keys = [(event.topic, str(getattr(event, event.key_field))) for event, _ in outgoing]
    next_sequence = await _take_sequences(connection, keys, [event for event, _ in outgoing])
    rows = []
    for (event, causation), (topic, key) in zip(outgoing, keys, strict=True):
        sequence = next_sequence[topic, key]
        next_sequence[topic, key] += 1
        event_id = new_id()
        payload = event.model_dump_json().encode()
        if len(payload) > LARGEST_EVENT:
            raise ValueError(f"{type_name(type(event))} of {len(payload)} bytes is too large")
        headers = headers_of(
            event, event_id=str(event_id), sequence=sequence, time=now, causation=causation
        )
        rows.append(
            (
                event_id,
                event.store_id,
                topic,
                topic.split(".")[2],
                key,
                sequence,
                headers["ce_type"],
                payload,
                headers,
            )
        )
    await connection.execute(_INSERT, *map(list, zip(*rows, strict=True)))


async def _take_sequences(
    connection: Connection, keys: Sequence[tuple[str, str]], events: Sequence[Event]
) -> dict[tuple[str, str], int]:
    """Lock the heads of the keys and return the first free sequence of each."""
    stores = {key: event.store_id for key, event in zip(keys, events, strict=True)}
    counts = sorted(Counter(keys).items())
    heads = await connection.fetch(
        _TAKE_SEQUENCES,
        [topic for (topic, _), _ in counts],
        [key for (_, key), _ in counts],
        [stores[key] for key, _ in counts],
        [count for _, count in counts],
    )
    taken = dict(counts)
    return {
        (head["topic"], head["key"]): head["last_sequence"] - taken[head["topic"], head["key"]] + 1
        for head in heads
    }
