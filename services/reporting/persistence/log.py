"""The log of events: every event once, as published."""

from collections.abc import Sequence

from services.reporting.domain.history import LoggedEvent
from shared.db import Connection
from shared.envelope import ReceivedEvent

_APPEND = """
INSERT INTO event_log (store_id, event_id, topic, key, sequence, type, time, order_id,
                       causation_id, data)
SELECT store_id, event_id, topic, key, sequence, type, time, order_id, causation_id,
       convert_from(data, 'UTF8')::jsonb
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::bigint[], $6::text[],
            $7::timestamptz[], $8::text[], $9::text[], $10::bytea[])
  AS event (store_id, event_id, topic, key, sequence, type, time, order_id, causation_id, data)
"""

_OF_ORDER = """
SELECT event_id::text, type, time, sequence, topic, key, causation_id, data
FROM event_log WHERE store_id = $1 AND order_id = $2
"""


async def append(connection: Connection, batch: Sequence[ReceivedEvent]) -> None:
    """Log the events of a batch."""
    rows = [
        (
            received.envelope.store_id,
            received.envelope.event_id,
            received.event.topic,
            getattr(received.event, received.event.key_field),
            received.envelope.sequence,
            received.envelope.type,
            received.envelope.time,
            getattr(received.event, "order_id", None),
            received.envelope.causation_id,
            received.value,
        )
        for received in batch
    ]
    await connection.execute(_APPEND, *map(list, zip(*rows, strict=True)))


async def of_order(connection: Connection, store_id: str, order_id: str) -> list[LoggedEvent]:
    """Return all events that name an order, in no particular order."""
    return [LoggedEvent(**row) for row in await connection.fetch(_OF_ORDER, store_id, order_id)]
