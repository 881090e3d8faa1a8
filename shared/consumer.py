"""Events in: FastStream hands over raw batches, and one transaction applies each of them."""

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn
from zlib import crc32

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER

from shared import inbox
from shared.contracts import COMPACTED, CONTRACTS, Event, type_name
from shared.db import TRANSIENT, Connection, Pool
from shared.envelope import (
    ReceivedEvent,
    Record,
    UnreadableEventError,
    decode,
    digest_of,
    header_texts,
    is_known,
    sequence_of,
    text_of,
)
from shared.failpoints import failpoint
from shared.telemetry import CONFLICTS, DEAD_LETTERS, EVENTS_APPLIED, RECORDS_LOST
from shared.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = structlog.get_logger()

Place = tuple[str, int, int]
"""Topic, partition and offset."""

BatchHandler = Callable[[UnitOfWork, Sequence[ReceivedEvent]], Awaitable[None]]

_STORE_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_LONGEST_KEY = 255
_LARGEST_BATCH = 500
_IDLE_WAIT_MS = 20
_LONGEST_BACKOFF_S = 10.0
_LOOK_AGAIN_S = 0.05
_ABORT_AFTER_S = 240.0
STALL_S = 60.0
"""Lag without progress for so long ends the process, so that a fresh one takes over."""

_INSERT_PARKED = """
INSERT INTO parked_event (consumer, topic, key, sequence, store_id, value, headers, partition,
                          "offset")
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::bytea[],
                         $7::jsonb[], $8::int[], $9::bigint[])
"""

_LOAD_PARKED = """
SELECT topic, key, sequence, store_id, value, headers, partition, "offset"
FROM parked_event
JOIN unnest($2::text[], $3::text[], $4::text[]) AS seen (topic, key, store_id)
  USING (topic, key, store_id)
WHERE consumer = $1
"""

_DELETE_PARKED = """
DELETE FROM parked_event AS parked
USING unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
  AS done (topic, key, store_id, first, last)
WHERE parked.consumer = $1 AND parked.topic = done.topic AND parked.key = done.key
  AND parked.store_id = done.store_id
  AND parked.sequence BETWEEN done.first AND done.last
"""

_INSERT_DEAD = """
INSERT INTO dead_letter (consumer, conflict, topic, partition, "offset", store_id, key, sequence,
                         value, headers, error)
SELECT $1, $2, * FROM unnest($3::text[], $4::int[], $5::bigint[], $6::text[], $7::bytea[],
                             $8::bigint[], $9::bytea[], $10::jsonb[], $11::text[])
ON CONFLICT DO NOTHING
"""

# A consumer that reads a topic anew meets its dead letters again, and what was decided holds.
_REOPEN = """
UPDATE dead_letter SET resolved_at = NULL
FROM unnest($2::text[], $3::int[], $4::bigint[]) AS again (topic, partition, "offset")
WHERE dead_letter.consumer = $1 AND dead_letter.topic = again.topic
  AND dead_letter.partition = again.partition AND dead_letter."offset" = again."offset"
  AND dead_letter.store_id <> '' AND dead_letter.resolved_at IS NOT NULL
"""

_SET_ASIDE = """
SELECT topic, partition, "offset"
FROM dead_letter
JOIN unnest($2::text[], $3::int[], $4::bigint[]) AS seen (topic, partition, "offset")
  USING (topic, partition, "offset")
WHERE consumer = $1
"""

_DECIDED = """
SELECT dead_letter_id, topic, partition, "offset", store_id, key, sequence, value, headers,
       decision, conflict
FROM dead_letter
WHERE consumer = $1 AND decision IS NOT NULL AND resolved_at IS NULL AND store_id <> ''
ORDER BY dead_letter_id
LIMIT 100
"""

_RESOLVE_DEAD_LETTER = """
UPDATE dead_letter
SET resolved_at = CASE WHEN $2 THEN now() END, decision = CASE WHEN $2 THEN decision END,
    error = coalesce($3, error)
WHERE dead_letter_id = $1
"""


@dataclass(frozen=True)
class InboundRecord:
    """One record with the address that its headers give it; without one, ``sequence`` is 0."""

    topic: str
    partition: int
    offset: int
    raw_key: bytes | None
    value: bytes | None
    headers: Mapping[str, str]
    key: str
    sequence: int
    store_id: str

    @property
    def stream(self) -> inbox.Key:
        return self.topic, self.key, self.store_id

    @property
    def place(self) -> Place:
        return self.topic, self.partition, self.offset

    @cached_property
    def digest(self) -> bytes:
        return digest_of(self.headers, self.value)

    @property
    def addressed(self) -> bool:
        return bool(self.key and self.sequence and self.store_id)


def _publisher(batch: Iterable[InboundRecord]) -> str | None:
    """The service that published the batch, where it is one."""
    publishers = {item.topic.split(".")[1] for item in batch}
    return publishers.pop() if len(publishers) == 1 else None


def read_inbound_record(record: Record) -> InboundRecord:
    """Read the address of a raw record."""
    headers = header_texts(record.headers)
    store_id = headers.get("ce_storeid", "")
    return InboundRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        raw_key=record.key,
        value=record.value,
        headers=headers,
        key=_key(record.key),
        sequence=sequence_of(headers) or 0,
        store_id=store_id if _STORE_ID.fullmatch(store_id) else "",
    )


Buried = tuple[InboundRecord, str]
"""A record that is dead-lettered, and why."""


def _places(dead: Sequence[Buried]) -> tuple[list[str], list[int], list[int]]:
    return (
        [item.topic for item, _ in dead],
        [item.partition for item, _ in dead],
        [item.offset for item, _ in dead],
    )


def _standing(
    locked: Mapping[inbox.Key, inbox.Position], restored: Iterable[InboundRecord]
) -> dict[inbox.Key, int]:
    """How far each stream has come; where a version is ``restored``, it comes next."""
    return {stream: position.sequence for stream, position in locked.items()} | {
        item.stream: item.sequence - 1
        for item in restored
        if inbox.version_conflict(item, locked[item.stream])
    }


def _firsts(
    waiting: Iterable[InboundRecord], given: Set[tuple[inbox.Key, int]]
) -> dict[inbox.Key, int]:
    """The sequence of the first parked event of each key that is not ``given`` itself."""
    firsts: dict[inbox.Key, int] = {}
    for item in waiting:
        if (item.stream, item.sequence) not in given:
            firsts[item.stream] = min(item.sequence, firsts.get(item.stream, item.sequence))
    return firsts


@dataclass(frozen=True)
class _Applied:
    """Whether a batch was understood, and the first event that still waits behind it."""

    understood: bool
    following: InboundRecord | None


class Consumer:
    """Consumes the streams of ``handlers`` for one service, each event exactly once in effect."""

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
        contracts = list(subscriptions)
        self.name = name
        self.applied = 0
        self.unknown = 0
        self.lost = 0
        self.uow_factory = uow_factory
        self._handle = handle
        self._lanes = lanes
        self._kafka = kafka
        self._probe: AIOKafkaConsumer | None = None
        self._wanted = {type_name(contract) for contract in contracts}
        self._topics = sorted({contract.topic for contract in contracts})
        self._committed: dict[TopicPartition, int] = {}
        self._progress_at = time.monotonic()
        self._subscriber = broker.subscriber(
            *self._topics,
            group_id=name,
            batch=True,
            max_records=max_records,
            batch_timeout_ms=_IDLE_WAIT_MS,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            listener=_AssignmentListener(self._report_lost_records),
            parser=_unparsed,
            decoder=_undecoded,
        )
        self._subscriber(self.consume)

    async def consume(self, records: tuple[Record, ...]) -> None:
        """Apply one batch in one transaction a lane, then commit its offsets.

        A batch that fails for a passing reason is tried again, with growing pauses. One that fails
        for another reason is applied record by record, and the record at fault is dead-lettered.
        """
        batch = [read_inbound_record(record) for record in records]
        await asyncio.gather(*(self._apply_with_retry(lane) for lane in self._in_lanes(batch)))
        failpoint("before_offset_commit")
        await self._commit_offsets(records)
        failpoint("after_offset_commit")

    def _in_lanes(self, batch: Sequence[InboundRecord]) -> Iterable[Sequence[InboundRecord]]:
        """The batch cut by key into parts that are applied side by side."""
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
    ) -> InboundRecord | None:
        """Return only when ``batch`` is applied or dead-lettered: what follows commits past it.

        Returns what is to be applied next of what waited behind it, if that was left out.
        """
        pause, abort_at = 0.1, time.monotonic() + _ABORT_AFTER_S
        while True:
            self._progress_at = time.monotonic()
            try:
                applied = await self._apply(batch, failure=failure, behind=behind)
            except TRANSIENT as error:
                log.warning("batch will be tried again", consumer=self.name, error=repr(error))
                if time.monotonic() > abort_at:
                    self._abort_process()
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_BACKOFF_S)
            except Exception as error:
                log.exception("batch failed", consumer=self.name)
                if failure is not None:
                    self._abort_process()
                return await self._isolate_failure(batch, error, behind)
            else:
                return applied.following

    async def _isolate_failure(
        self, batch: Sequence[InboundRecord], error: Exception, behind: bool
    ) -> InboundRecord | None:
        """Apply events one by one, and each without what waits behind it, to find the one at
        fault."""
        if len(batch) > 1:
            for item in batch:
                await self._apply_with_retry([item])
        elif behind:
            await self._go_on(await self._apply_with_retry(batch, behind=False))
        else:
            await self._apply_with_retry(batch, error)
        return None

    async def _go_on(self, following: InboundRecord | None) -> None:
        """Apply what waited behind an event that was applied by itself."""
        if following is not None:
            await self._apply_with_retry([following])

    def _abort_process(self) -> NoReturn:
        log.critical("giving up; a fresh process takes over", consumer=self.name)
        os._exit(75)

    async def apply(
        self,
        batch: Sequence[InboundRecord],
        *,
        failure: Exception | None = None,
        skip: bool = False,
    ) -> bool:
        """Apply ``batch`` and whatever was parked behind it; returns whether all was understood.

        With ``failure``, what is not parked or discarded becomes a dead letter; with ``skip``, it
        is passed over without effect.
        """
        return (await self._apply(batch, failure=failure, skip=skip)).understood

    async def _apply(
        self,
        batch: Sequence[InboundRecord],
        *,
        failure: Exception | None = None,
        skip: bool = False,
        behind: bool = True,
        restore: bool = False,
    ) -> _Applied:
        """The same, if wanted without what was parked ``behind`` the batch.

        With ``restore``, versions in conflict with the ones applied take the place of these.
        """
        addressed = [item for item in batch if item.addressed]
        dead: list[Buried] = [
            (item, "key, ce_sequence or ce_storeid is missing or unreadable")
            for item in batch
            if not item.addressed
        ]
        received: list[ReceivedEvent] = []
        given = {(item.stream, item.sequence) for item in addressed}

        def apply_one(item: InboundRecord) -> bool:
            if skip and (item.stream, item.sequence) in given:
                return True
            try:
                if failure:
                    raise UnreadableEventError(repr(failure))
                events = self._read(item)
            except UnreadableEventError as error:
                dead.append((item, str(error)))
                return False
            received.extend(events)
            return bool(events) or item.topic not in COMPACTED

        stores = {item.store_id for item in addressed}
        async with self.uow_factory.open(stores, _publisher(addressed)) as uow:
            connection = uow.connection
            locked = await inbox.lock(
                connection,
                self.name,
                {item.stream for item in addressed},
                self._topics,
                COMPACTED,
            )
            waiting = await self._parked(connection, locked)
            result = inbox.apply_in_sequence(
                [
                    item
                    for item in [*waiting, *addressed]
                    if item.digest not in locked[item.stream].recent
                ],
                _standing(locked, addressed if restore else ()),
                apply_one,
                COMPACTED,
                {} if behind else _firsts(waiting, given),
            )
            conflicts = [(item, inbox.ANOTHER_CAME_FIRST) for item in result.conflicts]
            if not skip:
                conflicts += await inbox.conflicting(
                    connection, self.name, result.passed, locked, COMPACTED
                )
            await self._park(connection, [item for item in result.parked if item not in waiting])
            await inbox.advance(connection, self.name, result.taken, locked, COMPACTED)
            if waiting:
                buried = [item for item, _ in dead if item in waiting]
                await self._unpark(connection, result.positions, buried)
            await self._insert_dead_letters(connection, dead)
            fresh = await self._bury_conflicts(connection, conflicts)
            if received:
                apart = any(position.shared for position in locked.values())
                await self._hand_over(uow, received, apart)
        self._tell(result.applied, dead, fresh)
        reached_positions = result.positions
        following = [
            item
            for item in waiting
            if item.sequence > reached_positions.get(item.stream, item.sequence)
        ]
        understood = not (dead or conflicts)
        return _Applied(understood, min(following, key=lambda item: item.sequence, default=None))

    async def _hand_over(
        self, uow: UnitOfWork, received: Sequence[ReceivedEvent], apart: bool
    ) -> None:
        """Have events handled; ``apart`` those of each store, which see its rows alone."""
        if not apart:
            await self._handle(uow, received)
            return
        by_store: dict[str, list[ReceivedEvent]] = {}
        for each in received:
            by_store.setdefault(each.envelope.store_id, []).append(each)
        for store_id, events in sorted(by_store.items()):
            async with uow.limited_to(store_id) as limited:
                await self._handle(limited, events)

    def _tell(self, applied: int, dead: Sequence[Buried], conflicts: Sequence[Buried]) -> None:
        """Count what a batch brought, and raise the alarm for what was dead-lettered."""
        self.applied += applied
        EVENTS_APPLIED.labels(self.name).inc(applied)
        DEAD_LETTERS.labels(self.name).inc(len(dead) + len(conflicts))
        CONFLICTS.labels(self.name).inc(len(conflicts))
        for item, error in dead:
            log.error("dead letter", consumer=self.name, error=error, **_address(item))
        for item, error in conflicts:
            log.critical("conflicting event", consumer=self.name, error=error, **_address(item))

    def _read(self, item: InboundRecord) -> list[ReceivedEvent]:
        """The event, if this consumer wants its type."""
        kind = item.headers.get("ce_type", "")
        if kind and not is_known(kind):
            self.unknown += 1
            return []
        contract = CONTRACTS.get(kind)
        if contract and contract.topic != item.topic:
            raise UnreadableEventError("header ce_type: this type has another topic")
        if contract and kind not in self._wanted:
            return []
        return [decode(item.headers, item.key, item.value)]

    async def _parked(
        self, connection: Connection, locked: Mapping[inbox.Key, inbox.Position]
    ) -> list[InboundRecord]:
        rows = await connection.fetch(_LOAD_PARKED, self.name, *inbox.arrays_of(locked))
        return [_from_row(row, row["key"].encode()) for row in rows]

    async def _park(self, connection: Connection, items: Sequence[Any]) -> None:
        if items:
            await connection.execute(
                _INSERT_PARKED,
                self.name,
                [item.topic for item in items],
                [item.key for item in items],
                [item.sequence for item in items],
                [item.store_id for item in items],
                [item.value for item in items],
                [dict(item.headers) for item in items],
                [item.partition for item in items],
                [item.offset for item in items],
            )

    async def _unpark(
        self,
        connection: Connection,
        reached_positions: Mapping[inbox.Key, int],
        buried: Sequence[InboundRecord],
    ) -> None:
        done = [
            *((*stream, 1, last) for stream, last in reached_positions.items()),
            *((*item.stream, item.sequence, item.sequence) for item in buried),
        ]
        if done:
            await connection.execute(_DELETE_PARKED, self.name, *map(list, zip(*done, strict=True)))

    async def _insert_dead_letters(self, connection: Connection, dead: Sequence[Buried]) -> None:
        if dead:
            await connection.execute(_REOPEN, self.name, *_places(dead))
            await self._insert_dead(connection, dead, conflict=False)

    async def _bury_conflicts(
        self, connection: Connection, conflicts: Sequence[Buried]
    ) -> Sequence[Buried]:
        """Set aside what has the sequence of another event; returns what is not yet, for a record
        that is read again keeps what was decided on it."""
        if not conflicts:
            return []
        rows = await connection.fetch(_SET_ASIDE, self.name, *_places(conflicts))
        known = {(row["topic"], row["partition"], row["offset"]) for row in rows}
        fresh = [(item, error) for item, error in conflicts if item.place not in known]
        if fresh:
            await self._insert_dead(connection, fresh, conflict=True)
        return fresh

    async def _insert_dead(
        self, connection: Connection, dead: Sequence[Buried], *, conflict: bool
    ) -> None:
        await connection.execute(
            _INSERT_DEAD,
            self.name,
            conflict,
            *_places(dead),
            [item.store_id if item.addressed else "" for item, _ in dead],
            [item.raw_key for item, _ in dead],
            [item.sequence or None for item, _ in dead],
            [item.value for item, _ in dead],
            [dict(item.headers) for item, _ in dead],
            [error for _, error in dead],
        )

    async def apply_operator_decisions(self, workers: Pool) -> None:
        """Carry out what operators decided on dead letters: replay or skip.

        One that cannot be applied now either is open again.
        """
        for row in await workers.fetch(_DECIDED, self.name):
            item, skip = _from_row(row, row["key"]), row["decision"] == "skip"
            latest_only = row["topic"] in COMPACTED
            if skip and (row["conflict"] or latest_only):
                await workers.execute(_RESOLVE_DEAD_LETTER, row["dead_letter_id"], True, None)
                continue
            try:
                applied = await self._apply(
                    [item], skip=skip, behind=False, restore=latest_only and row["conflict"]
                )
            except TRANSIENT:
                raise
            except Exception as error:
                log.exception("dead letter cannot be applied", consumer=self.name)
                await workers.execute(
                    _RESOLVE_DEAD_LETTER, row["dead_letter_id"], False, repr(error)
                )
            else:
                await self._go_on(applied.following)
                await workers.execute(
                    _RESOLVE_DEAD_LETTER, row["dead_letter_id"], applied.understood, None
                )

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
            self._committed.update(offsets)
        self._progress_at = time.monotonic()

    @property
    def _client(self) -> AIOKafkaConsumer:
        client = self._subscriber.consumer
        if client is None:
            raise IllegalStateError("the consumer is not running")
        return client

    async def lag(self) -> int | None:
        """Records that wait in the assigned partitions; ``None`` without an assignment."""
        client = self._subscriber.consumer
        assigned = client.assignment() if client else frozenset()
        if client is None or not assigned:
            return None
        return await self._behind(client, await self._ends(assigned))

    async def catch_up(self, timeout_s: float) -> bool:
        """Whether all that the assigned partitions hold now is applied within ``timeout_s``."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while not await self._caught_up():
                    await asyncio.sleep(_LOOK_AGAIN_S)
                return True
        return False

    async def _caught_up(self) -> bool:
        """Wait for what stands in the assigned partitions; not while the broker is unavailable."""
        try:
            client = self._client
            ends = await self._ends(client.assignment())
            while await self._behind(client, ends):
                await asyncio.sleep(_LOOK_AGAIN_S)
        except KafkaError:
            return False
        return bool(ends)

    async def _ends(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        ends: dict[TopicPartition, int] = await (await self._probe_consumer()).end_offsets(
            list(partitions)
        )
        return ends

    async def _behind(self, client: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> int:
        """Records below ``ends`` that are not committed, by this process or another before it."""
        behind = 0
        for partition, end in ends.items():
            if self._committed.get(partition, -1) < end:
                self._committed[partition] = await client.committed(partition) or 0
            behind += max(0, end - self._committed[partition])
        return behind

    async def _report_lost_records(self, assigned: Iterable[TopicPartition]) -> None:
        """Say so when records were deleted before they were read: retention was too short."""
        client = self._client
        begins = await (await self._probe_consumer()).beginning_offsets(list(assigned))
        for partition, begin in begins.items():
            lost = begin and begin - (await client.committed(partition) or 0)
            if lost > 0:
                self.lost += lost
                RECORDS_LOST.labels(self.name).inc(lost)
                log.critical(
                    "records were deleted before they were read",
                    consumer=self.name,
                    topic=partition.topic,
                    partition=partition.partition,
                    records=lost,
                )

    async def _probe_consumer(self) -> AIOKafkaConsumer:
        """A second connection: on the first one, questions wait behind the long poll."""
        if self._probe is None:
            probe = AIOKafkaConsumer(**self._kafka)
            await probe.start()
            self._probe = probe
        return self._probe

    async def close(self) -> None:
        """Close the second connection; the broker stops the first."""
        if self._probe is not None:
            await self._probe.stop()

    async def watch(self) -> None:
        """End the process when records wait and nothing has moved for a while."""
        while True:
            await asyncio.sleep(5)
            try:
                waiting = await self.lag()
            except (KafkaError, OSError, TimeoutError):
                waiting = None
            if not waiting:
                self._progress_at = time.monotonic()
            elif self.stalled:
                log.critical("no progress under lag", consumer=self.name, lag=waiting)
                os._exit(75)

    @property
    def assigned(self) -> bool:
        """Whether the group has given this consumer partitions."""
        client = self._subscriber.consumer
        return bool(client and client.assignment())

    @property
    def stalled(self) -> bool:
        """Whether records wait and nothing has moved for a while."""
        return time.monotonic() - self._progress_at > STALL_S


class _AssignmentListener(ConsumerRebalanceListener):  # type: ignore[misc]
    """Has assigned partitions looked at before the first record is read."""

    def __init__(self, look: Callable[[Iterable[TopicPartition]], Awaitable[None]]) -> None:
        self._look = look

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Batches end in one transaction each; there is nothing to hand over."""

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        try:
            await self._look(assigned)
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("assigned partitions could not be looked at", error=repr(error))


async def _unparsed(records: tuple[Record, ...]) -> KafkaMessage:
    """Leave headers and values alone: a null header must not lose the batch."""
    return KafkaMessage(body=b"", raw_message=records, headers={}, consumer=FAKE_CONSUMER)


async def _undecoded(message: KafkaMessage) -> Any:
    return message.raw_message


def _from_row(row: Any, raw_key: bytes | None) -> InboundRecord:
    headers = row["headers"]
    return InboundRecord(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        raw_key=raw_key,
        value=row["value"],
        headers=headers,
        key=_key(raw_key),
        sequence=row["sequence"] or 0,
        store_id=row["store_id"],
    )


def _key(raw: bytes | None) -> str:
    text = text_of(raw)
    return text if len(text) <= _LONGEST_KEY else ""


def _address(item: InboundRecord) -> dict[str, Any]:
    return {"topic": item.topic, "partition": item.partition, "offset": item.offset}
