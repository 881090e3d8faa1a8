"""Event consumer: FastStream hands over raw batches, and one transaction applies each of them."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any
from zlib import crc32

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER
from faststream.kafka.subscriber.usecase import BatchSubscriber

from shared import dead_lettering
from shared.batches import BatchHandler, BatchProcessor
from shared.contracts import COMPACTED, Event
from shared.db import TRANSIENT, Pool
from shared.envelope import Record
from shared.failpoints import failpoint
from shared.inbound_records import InboundRecord, read_inbound_record, restore_inbound_record
from shared.lag_probe import AssignmentListener, LagProbe
from shared.lag_watch import LagWatch
from shared.timers import RetryLaterError
from shared.unit_of_work import UnitOfWorkFactory

__all__ = ["BatchHandler", "Consumer"]

log = structlog.get_logger()

_LARGEST_BATCH = 500
_IDLE_WAIT_MS = 50
_LONGEST_BACKOFF_S = 10.0
_ABORT_AFTER_S = 240.0
_STATES_COME_WITHIN_S = 20.0
_CLOSE_WITHIN_S = 2.0

DRAIN_S = 10.0
"""Seconds that a batch at hand has to end in when its consumer stops."""


class Consumer:
    """Consumer of the streams of ``subscriptions``, for one service.

    Each event takes effect exactly once. Without subscriptions it joins no group and never lags.
    """

    def __init__(
        self,
        broker: KafkaBroker,
        *,
        name: str,
        kafka: Mapping[str, Any],
        subscriptions: Iterable[type[Event]],
        handle: BatchHandler,
        uow_factory: UnitOfWorkFactory,
        max_records: int = _LARGEST_BATCH,
        lanes: int = 1,
    ) -> None:
        self.name = name
        self._broker = broker
        self._lanes = lanes
        self._batches = BatchProcessor(name, subscriptions, handle, uow_factory)
        self._probe = LagProbe(name, kafka, lambda: self._running_client)
        self._watch = LagWatch(name)
        self._subscriber = self._subscribed(broker, max_records) if self.topics else None

    def _subscribed(self, broker: KafkaBroker, max_records: int) -> BatchSubscriber:
        subscriber = broker.subscriber(
            *self.topics,
            group_id=self.name,
            batch=True,
            max_records=max_records,
            batch_timeout_ms=_IDLE_WAIT_MS,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            listener=AssignmentListener(self._probe.report_lost_records),
            parser=_unparsed,
            decoder=_undecoded,
        )
        subscriber(self.consume)
        return subscriber

    async def consume(self, records: tuple[Record, ...]) -> None:
        """Apply one batch in one transaction a lane, then commit its offsets.

        A batch that fails for a passing reason is tried again, with growing pauses; one that needs
        master data which is not there yet, such as a new store's, for a while. One that fails
        for another reason is applied record by record, and the failing record is dead-lettered.
        """
        batch = [read_inbound_record(record) for record in records]
        await asyncio.gather(*(self._apply_with_retry(lane) for lane in self._in_lanes(batch)))
        failpoint("before_offset_commit")
        await self._commit_offsets(records)
        failpoint("after_offset_commit")

    async def apply_operator_decisions(self, workers: Pool) -> None:
        """Carry out what operators decided on dead letters: replay or skip.

        A dead letter that still cannot be applied is open again.
        """
        for row in await dead_lettering.decided(workers, self.name):
            letter_id = row["dead_letter_id"]
            item, skip = restore_inbound_record(row, row["key"]), row["decision"] == "skip"
            latest_only = row["topic"] in COMPACTED
            if skip and (row["conflict"] or latest_only):
                await dead_lettering.resolve(workers, letter_id, is_done=True)
                continue
            try:
                result = await self._batches.apply(
                    [item],
                    skip=skip,
                    behind=False,
                    restore=latest_only and row["conflict"],
                )
            except TRANSIENT:
                raise
            except Exception as error:
                log.exception("dead letter cannot be applied", consumer=self.name)
                await dead_lettering.resolve(workers, letter_id, is_done=False, error=repr(error))
            else:
                await self._apply_following(result.following)
                await dead_lettering.resolve(workers, letter_id, is_done=result.understood)

    async def lag(self) -> int | None:
        """Return the records that wait in the assigned partitions, None without an assignment."""
        return await self._probe.lag() if self._subscriber else 0

    async def catch_up(self, timeout_s: float) -> bool:
        """Return whether all records in the assigned partitions are applied within the timeout.

        Records that arrive after the call do not count.
        """
        return self._subscriber is None or await self._probe.catch_up(timeout_s)

    async def read_to_ends(self) -> None:
        """Return once the group has read all its partitions to the ends they have now.

        Raises:
            KafkaError: the consumer is not running, or does not know the partitions yet.
        """
        await self._probe.read_to_ends(self.topics)

    async def watch(self) -> None:
        """End the process when records wait and there is no progress for a while."""
        await self._watch.watch(self.lag)

    async def start(self) -> None:
        """Start to consume; the broker is this consumer's alone."""
        await self._broker.start()

    async def stop(self) -> None:
        """Stop to consume; a batch that does not end in time is abandoned and read again later."""
        with suppress(Exception):
            await asyncio.wait_for(self._broker.stop(), DRAIN_S + _CLOSE_WITHIN_S)
        with suppress(Exception):
            await asyncio.wait_for(self._probe.close(), _CLOSE_WITHIN_S)

    @property
    def topics(self) -> Sequence[str]:
        """Topics of its subscriptions."""
        return self._batches.topics

    @property
    def assigned(self) -> bool:
        """Whether the group has given this consumer partitions, if it needs any."""
        client = self._running_client
        return self._subscriber is None or bool(client and client.assignment())

    @property
    def stalled(self) -> bool:
        """Whether records wait and there is no progress for a while."""
        return self._watch.stalled

    @property
    def applied(self) -> int:
        """The number of events applied since the process began."""
        return self._batches.applied

    @property
    def unknown(self) -> int:
        """The number of records passed over because no contract has their type."""
        return self._batches.unknown

    @property
    def lost(self) -> int:
        """The number of records deleted before this process could read them."""
        return self._probe.lost

    async def apply_or_dead_letter(self, batch: Sequence[InboundRecord]) -> None:
        """Return only when ``batch`` is applied, or what fails by itself is a dead letter."""
        await self._apply_following(await self._apply_with_retry(batch))

    @property
    def _running_client(self) -> AIOKafkaConsumer | None:
        return self._subscriber.consumer if self._subscriber else None

    @property
    def _client(self) -> AIOKafkaConsumer:
        client = self._running_client
        if client is None:
            raise IllegalStateError("the consumer is not running")
        return client

    def _in_lanes(self, batch: Sequence[InboundRecord]) -> Iterable[Sequence[InboundRecord]]:
        """Split the batch by key into parts that are applied side by side."""
        lanes: list[list[InboundRecord]] = [[] for _ in range(self._lanes)]
        for item in batch:
            lanes[crc32(item.key.encode()) % self._lanes].append(item)
        return filter(None, lanes)

    async def _apply_with_retry(
        self,
        batch: Sequence[InboundRecord],
        failure: Exception | None = None,
        *,
        behind: bool = True,
        waits: bool = True,
    ) -> InboundRecord | None:
        """Return only when ``batch`` is applied or dead-lettered: what follows commits past it.

        With ``waits`` it waits for master data that is not there yet.

        Returns the next events to apply of those that waited behind it, if they were left out.
        """
        pause, began = 0.1, time.monotonic()
        while True:
            self._watch.note_progress()
            try:
                result = await self._batches.apply(batch, failure=failure, behind=behind)
            except (*TRANSIENT, RetryLaterError) as error:
                waited = time.monotonic() - began
                if isinstance(error, RetryLaterError) and (
                    not waits or waited > _STATES_COME_WITHIN_S
                ):
                    return await self._isolate_failure(batch, error, behind)
                log.warning("batch will be tried again", consumer=self.name, error=repr(error))
                if waited > _ABORT_AFTER_S:
                    self._watch.abort_process()
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_BACKOFF_S)
            except Exception as error:
                log.exception("batch failed", consumer=self.name)
                if failure is not None:
                    self._watch.abort_process()
                return await self._isolate_failure(batch, error, behind)
            else:
                return result.following

    async def _isolate_failure(
        self, batch: Sequence[InboundRecord], error: Exception, behind: bool
    ) -> InboundRecord | None:
        """Apply events one by one, without the events behind each, to find the failing one.

        None is waited for again after the whole batch was.
        """
        waits = not isinstance(error, RetryLaterError)
        if len(batch) > 1:
            for item in batch:
                await self._apply_with_retry([item], waits=waits)
        elif behind:
            await self._apply_following(
                await self._apply_with_retry(batch, behind=False, waits=waits)
            )
        else:
            await self._apply_with_retry(batch, error)
        return None

    async def _apply_following(self, following: InboundRecord | None) -> None:
        """Apply the events that waited behind an event that was applied by itself."""
        if following is not None:
            await self._apply_with_retry([following])

    async def _commit_offsets(self, records: Sequence[Record]) -> None:
        offsets: dict[TopicPartition, int] = {}
        for record in records:
            partition = TopicPartition(record.topic, record.partition)
            offsets[partition] = max(offsets.get(partition, 0), record.offset + 1)
        try:
            await self._client.commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            log.info("partitions moved before the commit", consumer=self.name, error=str(error))
        except KafkaError as error:
            log.warning("offsets not committed", consumer=self.name, error=str(error))
        else:
            self._probe.note_committed(offsets)
        self._watch.note_progress()


async def _unparsed(records: tuple[Record, ...]) -> KafkaMessage:
    """Return headers and values unchanged: a null header must not lose the batch."""
    return KafkaMessage(body=b"", raw_message=records, headers={}, consumer=FAKE_CONSUMER)


async def _undecoded(message: KafkaMessage) -> Any:
    return message.raw_message
