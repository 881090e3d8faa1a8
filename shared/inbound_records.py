"""Records as Kafka delivers them, with the address that their headers give them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from shared import inbox
from shared.envelope import Record, digest_of, header_texts, sequence_of, text_of

Place = tuple[str, int, int]
"""Topic, partition and offset."""

_STORE_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_LONGEST_KEY = 255


@dataclass(frozen=True)
class InboundRecord:
    """Record with the address from its headers; without an address, ``sequence`` is 0."""

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


DeadRecord = tuple[InboundRecord, str]
"""Record that is dead-lettered, and the reason."""


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


def restore_inbound_record(row: Any, raw_key: bytes | None) -> InboundRecord:
    """Return the record that is stored in ``row`` of a parked event or a dead letter."""
    return InboundRecord(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        raw_key=raw_key,
        value=row["value"],
        headers=row["headers"],
        key=_key(raw_key),
        sequence=row["sequence"] or 0,
        store_id=row["store_id"],
    )


def _key(raw: bytes | None) -> str:
    text = text_of(raw)
    return text if len(text) <= _LONGEST_KEY else ""
