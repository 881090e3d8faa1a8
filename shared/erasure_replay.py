"""Erasures of persons, read whole whenever a service starts (恢复后重新删除).

A database that was restored from a backup knows nothing of the erasures since, and Kafka does not
send them to its consumer group again. So a service applies all of them once more before it opens:
those that it knows are discarded by their positions.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnknownTopicOrPartitionError

from shared.consumer import Consumer
from shared.contracts.crm import CustomerErased
from shared.db import Pool
from shared.inbound_records import read_inbound_record

_WAIT_MS = 500
_PATIENCE_S = 20.0

_KNOWN = """
SELECT EXISTS (SELECT FROM erasure_replay
               WHERE timeline = (SELECT timeline_id FROM pg_control_checkpoint()))
"""

_SAVE = """
INSERT INTO erasure_replay (timeline) SELECT timeline_id FROM pg_control_checkpoint()
ON CONFLICT DO NOTHING
"""


class ErasureReplay:
    """Replay of all erasures to ``consumer``, before its service opens."""

    def __init__(self, consumer: Consumer, kafka: Mapping[str, Any], workers: Pool) -> None:
        self._consumer = consumer
        self._kafka = kafka
        self._workers = workers
        self._opened = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether the service may open."""
        return self._opened.is_set()

    async def opened(self) -> None:
        """Wait until the service may open."""
        await self._opened.wait()

    def open(self) -> None:
        """Let the service open."""
        self._opened.set()

    async def is_known(self) -> bool:
        """Return whether this database has seen a replay since it was last restored.

        A restored database begins another timeline of PostgreSQL's log.
        """
        return bool(await self._workers.fetchval(_KNOWN))

    async def replay(self) -> None:
        """Apply all erasures that the topic has now.

        Raises:
            KafkaError: Kafka does not respond, or does not know the topic yet.
            TimeoutError: Kafka gives no record for a while, although there are more.
        """
        client = AIOKafkaConsumer(
            CustomerErased.topic,
            **self._kafka,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await client.start()
                ends = await self._ends(client)
            while records := await self._next(client, ends):
                erasures = [read_inbound_record(each) for each in records]
                await self._consumer.apply_or_dead_letter(erasures)
        finally:
            await client.stop()
        await self._workers.execute(_SAVE)

    async def _ends(self, client: AIOKafkaConsumer) -> Mapping[TopicPartition, int]:
        partitions = client.assignment()
        if not partitions:
            raise UnknownTopicOrPartitionError(CustomerErased.topic)
        ends: Mapping[TopicPartition, int] = await client.end_offsets(list(partitions))
        return ends

    async def _next(
        self, client: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]
    ) -> Sequence[Any]:
        """Return the next records below ``ends``; none once all were read."""
        async with asyncio.timeout(_PATIENCE_S):
            while any([await client.position(each) < end for each, end in ends.items()]):
                found = await client.getmany(timeout_ms=_WAIT_MS)
                if records := [each for of_one in found.values() for each in of_one]:
                    return records
        return []
