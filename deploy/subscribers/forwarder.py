"""Copies of events for subscribers that see some stores only."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition

from deploy.subscribers.model import REGISTRY, Subscriber
from shared.envelope import Record

log = structlog.get_logger()

SOURCE_OFFSET = "aftersales_sourceoffset"
"""Header of a copy: the offset of its original, in the partition of the same number."""

_LARGEST_BATCH = 500
_POLL_MS = 200
_LONGEST_PAUSE_S = 10.0


class Forwarder:
    """All streams of subscribers, as the registry says."""

    def __init__(self, kafka: Mapping[str, Any]) -> None:
        """``kafka`` are the connection arguments of a client."""
        self._kafka = kafka
        self._running: dict[str, asyncio.Task[None]] = {}
        self.is_ready = False

    async def run(self) -> None:
        """Follow the registry until cancelled, and forward for each subscriber in it."""
        try:
            await _persist(self._follow)
        finally:
            await self._end(list(self._running))

    async def _follow(self) -> None:
        place = TopicPartition(REGISTRY, 0)
        async with _reader(self._kafka) as registry:
            registry.assign([place])
            await registry.seek_to_beginning(place)
            end = (await registry.end_offsets([place]))[place]
            newest: dict[str, bytes | None] = {}
            while True:
                found = await registry.getmany(timeout_ms=_POLL_MS)
                newest |= {each.key.decode(): each.value for each in found.get(place, ())}
                if await registry.position(place) >= end:
                    for name, value in newest.items():
                        await self._change(name, value)
                    newest.clear()
                    self.is_ready = True

    async def _change(self, name: str, value: bytes | None) -> None:
        await self._end([name])
        if value and (subscriber := Subscriber.model_validate_json(value)).stores:
            stream = Forwarding(subscriber, self._kafka)
            self._running[name] = asyncio.create_task(_persist(stream.run), name=name)

    async def _end(self, names: Sequence[str]) -> None:
        ended = [self._running.pop(name) for name in names if name in self._running]
        for task in ended:
            task.cancel()
        await asyncio.gather(*ended, return_exceptions=True)


class Forwarding:
    """Copies of the events that one subscriber sees, in their order, each once.

    A copy stands in the partition of the same number, unchanged but for a header with the offset of
    its original. A batch is sent after the one before it was acknowledged. What follows the newest
    copy, or the committed offset where that is later, is forwarded: so a restart neither loses nor
    repeats.
    """

    def __init__(self, subscriber: Subscriber, kafka: Mapping[str, Any]) -> None:
        self._subscriber = subscriber
        self._kafka = kafka
        self._begins: dict[TopicPartition, int] = {}

    async def run(self) -> None:
        """Forward until cancelled.

        Raises:
            KafkaError: the broker is unavailable.
        """
        consumer = AIOKafkaConsumer(
            **self._kafka,
            group_id=self._subscriber.forwarding_group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        producer = AIOKafkaProducer(**self._kafka, acks="all", enable_idempotence=True)
        self._begins.clear()
        consumer.subscribe(list(self._subscriber.topics), listener=_Forgetting(self._begins))
        try:
            await producer.start()
            await consumer.start()
            while True:
                batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_LARGEST_BATCH)
                begins = await self._begins_of(batches)
                await asyncio.gather(
                    *(
                        self._copy(producer, place, [r for r in batch if r.offset >= begins[place]])
                        for place, batch in batches.items()
                    )
                )
                if batches:
                    await consumer.commit(
                        {place: batch[-1].offset + 1 for place, batch in batches.items()}
                    )
        finally:
            await asyncio.gather(consumer.stop(), producer.stop(), return_exceptions=True)

    async def _copy(
        self, producer: AIOKafkaProducer, place: TopicPartition, records: Sequence[Record]
    ) -> None:
        """Send what the subscriber sees of one partition, one batch after the other."""
        stream = self._subscriber.streams[place.topic]
        batch = producer.create_batch()
        for record in filter(self._sees, records):
            if not _append(batch, record):
                await (await producer.send_batch(batch, stream, partition=place.partition))
                batch = producer.create_batch()
                _append(batch, record)
        if batch.record_count():
            await (await producer.send_batch(batch, stream, partition=place.partition))

    def _sees(self, record: Record) -> bool:
        store = dict(record.headers).get("ce_storeid")
        return self._subscriber.sees(store.decode(errors="replace") if store else None)

    async def _begins_of(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the offset behind the original of each partition's newest copy when it began."""
        if new := [place for place in places if place not in self._begins]:
            self._begins |= await self._ends_of_copies(new)
        return {place: self._begins[place] for place in places}

    async def _ends_of_copies(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        copies = {
            TopicPartition(self._subscriber.streams[place.topic], place.partition): place
            for place in places
        }
        found: dict[TopicPartition, int] = {}
        async with _reader(self._kafka) as reader:
            reader.assign(list(copies))
            ends = await reader.end_offsets(list(copies))
            starts = await reader.beginning_offsets(list(copies))
            for copy, place in copies.items():
                found[place] = 0
                if ends[copy] > starts[copy]:
                    await reader.position(copy)  # else the first reset could undo the seek
                    reader.seek(copy, ends[copy] - 1)
                    newest = await reader.getone(copy)
                    found[place] = int(dict(newest.headers)[SOURCE_OFFSET]) + 1
        return found


class _Forgetting(ConsumerRebalanceListener):  # type: ignore[misc]
    """Listener that forgets where partitions began when others may have continued them."""

    def __init__(self, begins: dict[TopicPartition, int]) -> None:
        self._begins = begins

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        for place in revoked:
            self._begins.pop(place, None)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Do nothing: records may be read before this ends, so the reader looks where to begin."""


@asynccontextmanager
async def _reader(kafka: Mapping[str, Any]) -> AsyncIterator[AIOKafkaConsumer]:
    """Yield a consumer of no group, and stop it also when it could not start."""
    reader = AIOKafkaConsumer(**kafka, enable_auto_commit=False)
    try:
        await reader.start()
        yield reader
    finally:
        await reader.stop()


def _append(batch: Any, record: Record) -> bool:
    headers = [*record.headers, (SOURCE_OFFSET, str(record.offset).encode())]
    added = batch.append(
        key=record.key, value=record.value, timestamp=record.timestamp, headers=headers
    )
    return added is not None


async def _persist(work: Any) -> None:
    """Do ``work`` again after a failure, with growing pauses."""
    pause = 0.2
    while True:
        try:
            await work()
        except Exception as error:
            log.warning("forwarding will be tried again", error=repr(error))
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_S)
