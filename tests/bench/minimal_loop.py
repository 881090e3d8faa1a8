"""Minimal exactly-once consumer: the yardstick for reporting's ingest.

One batch is one getmany, one statement that writes an inbox and an effect, one database commit and
one offset commit. Nothing is decoded, ordered or checked.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer

_TABLES = """
DROP SCHEMA IF EXISTS bench CASCADE;
CREATE SCHEMA bench;
CREATE TABLE bench.inbox (event_id uuid PRIMARY KEY);
CREATE TABLE bench.effect (
    effect_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic     text  NOT NULL,
    key       bytea NOT NULL,
    value     bytea NOT NULL
);
"""

_APPLY = """
WITH batch AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::bytea[])
      AS record (event_id, topic, key, value)
), fresh AS (
    INSERT INTO bench.inbox (event_id) SELECT event_id FROM batch
    ON CONFLICT DO NOTHING RETURNING event_id
)
INSERT INTO bench.effect (topic, key, value)
SELECT topic, key, value FROM batch JOIN fresh USING (event_id)
"""


class MinimalLoop:
    """Consumer of the same topics as reporting with nothing but an inbox."""

    def __init__(self, kafka: Mapping[str, Any], admin_url: str, group: str, batch: int) -> None:
        self.applied = 0
        self._kafka = kafka
        self._admin_url = admin_url
        self._group = group
        self._batch = batch

    async def run(self, topics: Sequence[str], total: int) -> None:
        """Apply ``total`` records."""
        connection = await asyncpg.connect(self._admin_url)
        consumer = AIOKafkaConsumer(
            *topics,
            **self._kafka,
            group_id=self._group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        await connection.execute(_TABLES)
        await consumer.start()
        try:
            while self.applied < total:
                found = await consumer.getmany(timeout_ms=20, max_records=self._batch)
                records = [record for part in found.values() for record in part]
                if records:
                    await self._apply(connection, records)
                    await consumer.commit()
                    self.applied += len(records)
        finally:
            await consumer.stop()
            await connection.close()

    async def _apply(self, connection: Any, records: Sequence[Any]) -> None:
        async with connection.transaction():
            await connection.execute(
                _APPLY,
                [dict(record.headers)["ce_id"].decode() for record in records],
                [record.topic for record in records],
                [record.key for record in records],
                [record.value for record in records],
            )
