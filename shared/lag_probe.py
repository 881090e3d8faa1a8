"""Lag of a consumer, measured on a connection of its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError, UnknownTopicOrPartitionError

from shared.telemetry import RECORDS_LOST

log = structlog.get_logger()

_LOOK_AGAIN_S = 0.05
_LOOK_RARELY_S = 1.0


class LagProbe:
    """Probe of how far a group's committed offsets are behind the ends of its partitions.

    The second connection is needed because requests on the first wait behind its long poll.
    """

    def __init__(
        self,
        name: str,
        kafka: Mapping[str, Any],
        running_client: Callable[[], AIOKafkaConsumer | None],
    ) -> None:
        self.lost = 0
        self._name = name
        self._kafka = kafka
        self._running_client = running_client
        self._connection: AIOKafkaConsumer | None = None
        self._connecting = asyncio.Lock()
        self._committed: dict[TopicPartition, int] = {}

    def note_committed(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Remember ``offsets`` that this process has committed."""
        self._committed.update(offsets)

    async def lag(self) -> int | None:
        """Return the records that wait in the assigned partitions, None without an assignment."""
        client = self._running_client()
        assigned = client.assignment() if client else frozenset()
        if client is None or not assigned:
            return None
        return await self._behind(client, await self.ends(assigned))

    async def catch_up(self, timeout_s: float) -> bool:
        """Return whether all records in the assigned partitions are applied within the timeout.

        Records that arrive after the call do not count.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not await self._caught_up():
                    await asyncio.sleep(_LOOK_AGAIN_S)
                return True
        return False

    async def read_to_ends(self, topics: Iterable[str]) -> None:
        """Return once the group has read all partitions of ``topics`` to the ends they have now.

        Raises:
            KafkaError: the consumer is not running, or does not know the partitions yet.
        """
        client = self._running_client()
        if client is None:
            raise IllegalStateError("the consumer is not running")
        ends = await self.ends([place for topic in topics for place in _places(client, topic)])
        await self._until_read(client, ends)

    async def ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the offset behind the last record of each partition."""
        ends: dict[TopicPartition, int] = await (await self._connected()).end_offsets(
            list(partitions)
        )
        return ends

    async def report_lost_records(self, assigned: Iterable[TopicPartition]) -> None:
        """Log an error for records deleted before they were read: retention was too short."""
        client = self._running_client()
        if client is None:
            return
        begins = await (await self._connected()).beginning_offsets(list(assigned))
        for partition, begin in begins.items():
            lost = begin and begin - (await client.committed(partition) or 0)
            if lost > 0:
                self.lost += lost
                RECORDS_LOST.labels(self._name).inc(lost)
                log.critical(
                    "records were deleted before they were read",
                    consumer=self._name,
                    topic=partition.topic,
                    partition=partition.partition,
                    records=lost,
                )

    async def close(self) -> None:
        """Close the second connection."""
        if self._connection is not None:
            await self._connection.stop()

    async def _caught_up(self) -> bool:
        """Wait for what the assigned partitions hold; False while the broker is unavailable."""
        client = self._running_client()
        if client is None:
            return False
        try:
            ends = await self.ends(client.assignment())
            await self._until_read(client, ends)
        except KafkaError:
            return False
        return bool(ends)

    async def _until_read(
        self, client: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]
    ) -> None:
        """Wait until all records below ``ends`` are committed; look rarely where it takes long."""
        began = time.monotonic()
        while await self._behind(client, ends):
            waited = time.monotonic() - began
            await asyncio.sleep(max(_LOOK_AGAIN_S, min(waited / 10, _LOOK_RARELY_S)))

    async def _behind(self, client: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> int:
        """Count records below ``ends`` not committed, by this process or another before it."""
        behind = 0
        for partition, end in ends.items():
            if self._committed.get(partition, -1) < end:
                self._committed[partition] = await client.committed(partition) or 0
            behind += max(0, end - self._committed[partition])
        return behind

    async def _connected(self) -> AIOKafkaConsumer:
        async with self._connecting:
            if self._connection is None:
                connection = AIOKafkaConsumer(**self._kafka)
                try:
                    await connection.start()
                except BaseException:
                    await connection.stop()
                    raise
                self._connection = connection
            return self._connection


def _places(client: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    partitions = client.partitions_for_topic(topic)
    if not partitions:
        raise UnknownTopicOrPartitionError(topic)
    return [TopicPartition(topic, partition) for partition in partitions]


class AssignmentListener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Listener that has assigned partitions checked before the first record is read."""

    def __init__(self, look: Callable[[Iterable[TopicPartition]], Awaitable[None]]) -> None:
        self._look = look

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Do nothing: batches end in one transaction each, and there is nothing to hand over."""

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        try:
            await self._look(assigned)
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("assigned partitions could not be looked at", error=repr(error))
