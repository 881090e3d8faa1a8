"""Golden records: every consumer and the audit understand them for ever (R39)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from deploy.audit.audit_data import CONSUMES
from deploy.audit.topics import stream_event
from deploy.docs.golden import FOLDER, Record, golden_records, value_of
from deploy.docs.streams import SUBSCRIPTIONS
from shared.batches import Reader
from shared.contracts import CONTRACTS, schema_address, type_name
from shared.inbound_records import read_inbound_record

RECORDS = [
    pytest.param(kind, record, id=f"{kind}-{number}")
    for kind, records in golden_records().items()
    for number, record in enumerate(records, start=1)
]


def on_topic(kind: str, record: Record) -> ConsumerRecord[bytes | None, bytes | None]:
    """Return a record as a consumer receives it."""
    key, value = record["key"].encode(), value_of(record)
    return ConsumerRecord(
        topic=CONTRACTS[kind].topic,
        partition=0,
        offset=0,
        timestamp=0,
        timestamp_type=0,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=len(key),
        serialized_value_size=len(value),
        headers=tuple((name, text.encode()) for name, text in record["headers"].items()),
    )


def known_part(read: Any, published: Any) -> Any:
    """Return what was read without the optional fields that were not published yet."""
    if isinstance(published, dict):
        return {name: known_part(read[name], value) for name, value in published.items()}
    if isinstance(published, list) and len(published) == len(read):
        return [known_part(*pair) for pair in zip(read, published, strict=True)]
    return read


def subscribers(kind: str) -> Iterator[str]:
    return (name for name, events in SUBSCRIPTIONS.items() if CONTRACTS[kind] in events)


def test_each_event_type_has_golden_records() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == CONTRACTS.keys()
    assert all(golden_records().values())


@pytest.mark.parametrize(("kind", "record"), RECORDS)
def test_headers_of_golden_record_name_its_type(kind: str, record: Record) -> None:
    assert record["headers"]["ce_type"] == kind
    assert record["headers"]["ce_dataschema"] == schema_address(kind)


@pytest.mark.parametrize(("kind", "record"), RECORDS)
def test_subscribed_consumers_read_golden_record(kind: str, record: Record) -> None:
    for service in subscribers(kind):
        wanted = {type_name(each) for each in SUBSCRIPTIONS[service]}
        reader = Reader(wanted, failure=None, skipped=frozenset())
        assert reader.take(read_inbound_record(on_topic(kind, record))), reader.dead
        (received,) = reader.events
        read = json.loads(received.event.model_dump_json())
        assert known_part(read, record["value"]) == record["value"]


@pytest.mark.parametrize(("kind", "record"), RECORDS)
def test_audit_reads_golden_record(kind: str, record: Record) -> None:
    event = stream_event(on_topic(kind, record))
    assert event is not None
    assert (event.fault, event.type, event.data) == ("", kind, record["value"])
    assert all(CONTRACTS[kind].topic in CONSUMES[service] for service in subscribers(kind))
