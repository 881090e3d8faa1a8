"""The topics from their beginning, with a separate consumer and reader."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import yaml
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from deploy.audit.contracts import fault, is_known

RecordAddress = tuple[str, int, int]
"""Topic, partition and offset."""

Stream = tuple[str, str, str]
"""Topic, key and store."""

Offsets = Mapping[tuple[str, int], int]
"""By topic and partition."""

_FETCH_MS = 500
_LONGEST_KEY = 255
_NUMBER = re.compile(r"[1-9][0-9]{0,11}")


@dataclass(frozen=True)
class DeclaredTopic:
    """A topic of ``deploy/topics.yaml``; one that is compacted forgets replaced events."""

    name: str
    compacted: bool


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """A record with a place in a stream. ``data`` is empty when its JSON cannot be read.

    ``fault`` says why no consumer can have applied it, or is empty.
    """

    address: RecordAddress
    key: str
    id: str
    type: str
    source: str
    store_id: str
    sequence: int
    time: datetime | None
    data: Mapping[str, Any]
    fault: str = ""

    @property
    def stream(self) -> Stream:
        return self.address[0], self.key, self.store_id

    @property
    def name(self) -> str:
        """``JobAssigned`` of ``aftersales.workshop.JobAssigned.v1``."""
        return self.type.split(".")[2] if self.type.count(".") == 3 else self.type


@dataclass(frozen=True)
class Log:
    """All records of the topics.

    ``events`` are first occurrences by ``ce_id``, each partition's in its order;
    ``unaddressed_records`` are records without a readable key, sequence or store. A record with the
    ``ce_id`` of an earlier one and another content has its place as its id.
    """

    topics: Sequence[DeclaredTopic]
    events: Sequence[StreamEvent]
    repeated: int
    unaddressed_records: Sequence[RecordAddress]
    ends: Offsets
    committed: Mapping[str, Offsets]


def declared_topics(file: Path) -> tuple[DeclaredTopic, ...]:
    """Return the topics that the platform declares."""
    return tuple(
        DeclaredTopic(topic["name"], topic["policy"] == "compact")
        for topic in yaml.safe_load(file.read_text())["topics"]
    )


async def read_log(
    kafka: Mapping[str, Any], topics: Sequence[DeclaredTopic], services: Sequence[str]
) -> Log:
    """Read every topic from its first record to its present end.

    ``kafka`` are the connection arguments of a client.
    """
    committed = await _committed(kafka, services)
    consumer = AIOKafkaConsumer(
        *(topic.name for topic in topics),
        **kafka,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        events, unaddressed_records, repeated = [], [], 0
        seen: dict[str, int] = {}
        async for record in _records(consumer, ends):
            event = stream_event(record)
            if event is None:
                unaddressed_records.append(_address(record))
            elif (first := first_occurrence(event, record.value, seen)) is None:
                repeated += 1
            else:
                events.append(first)
    finally:
        await consumer.stop()
    return Log(
        topics=topics,
        events=events,
        repeated=repeated,
        unaddressed_records=unaddressed_records,
        ends={(address.topic, address.partition): end for address, end in ends.items()},
        committed=committed,
    )


def first_occurrence(
    event: StreamEvent, value: bytes | None, seen: dict[str, int]
) -> StreamEvent | None:
    """Return the event and record it in ``seen``, unless it repeats one there.

    ``seen`` holds contents by id.
    """
    content = hash((event.stream, event.sequence, event.type, event.time, value))
    if event.id in seen:
        if seen[event.id] == content:
            return None
        event = replace(event, id=_named(event.address))
    seen[event.id] = content
    return event


def _named(address: RecordAddress) -> str:
    return "/".join(map(str, address))


async def _records(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> Any:
    """Yield records up to ``ends``, in the order of each partition."""
    unfinished = {address for address, end in ends.items() if end}
    while unfinished:
        batches = await consumer.getmany(timeout_ms=_FETCH_MS)
        for address, batch in batches.items():
            for record in batch:
                if record.offset < ends[address]:
                    yield record
        unfinished = {
            address for address in unfinished if await consumer.position(address) < ends[address]
        }


async def _committed(kafka: Mapping[str, Any], services: Sequence[str]) -> dict[str, Offsets]:
    """Return the offsets of each service: those of its events and those of its states."""
    admin = AIOKafkaAdminClient(**kafka)
    await admin.start()
    try:
        return {
            service: {
                (address.topic, address.partition): offset.offset
                for group in (service, f"{service}.state")
                for address, offset in (await admin.list_consumer_group_offsets(group)).items()
            }
            for service in services
        }
    finally:
        await admin.close()


def _address(record: ConsumerRecord[bytes | None, bytes | None]) -> RecordAddress:
    return record.topic, record.partition, record.offset


def stream_event(record: ConsumerRecord[bytes | None, bytes | None]) -> StreamEvent | None:
    """Return the event of a record, or None if it has no readable key, sequence or store."""
    headers = {name: words for name, value in record.headers if (words := text(value))}
    key, store_id = text(record.key), headers.get("ce_storeid", "")
    number = headers.get("ce_sequence", "")
    if not (key and len(key) <= _LONGEST_KEY and store_id and _NUMBER.fullmatch(number)):
        return None
    address, kind = _address(record), headers.get("ce_type", "")
    time, data = _moment(headers.get("ce_time", "")), _data(record.value)
    return StreamEvent(
        address=address,
        key=key,
        id=headers.get("ce_id") or _named(address),
        type=kind,
        source=headers.get("ce_source", ""),
        store_id=store_id,
        sequence=int(number),
        time=time,
        data=data or {},
        fault=_fault(headers, kind, time, data),
    )


def _fault(
    headers: Mapping[str, str], kind: str, time: datetime | None, data: Mapping[str, Any] | None
) -> str:
    """Return why no consumer can have applied a record, or an empty text."""
    if not is_known(kind):
        return fault(kind, data)
    if not headers.get("ce_id"):
        return "header ce_id is missing or unreadable"
    if time is None:
        return "header ce_time is no time with a zone"
    if data is None:
        return "data: no JSON object"
    if data.get("store_id") != headers["ce_storeid"]:
        return "store_id differs from header ce_storeid"
    return fault(kind, data)


def text(raw: bytes | None) -> str:
    """Return the readable part of a key or a header; empty when there is none."""
    try:
        readable = (raw or b"").decode()
    except UnicodeDecodeError:
        return ""
    return "" if "\0" in readable else readable


def _moment(words: str) -> datetime | None:
    """Return a time with its zone."""
    try:
        moment = datetime.fromisoformat(words)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _data(value: bytes | None) -> Mapping[str, Any] | None:
    try:
        data = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None
    return data if isinstance(data, dict) else None
