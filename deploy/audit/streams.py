"""Checks on the streams themselves: order, envelopes, outboxes, positions, backlog, stores."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import orjson

from deploy.audit.audit_data import CONSUMES, AuditData, place_of, publisher_of
from deploy.audit.result import Check, Comparison, answer
from deploy.audit.tables import SERVICES, Row
from deploy.audit.topics import Stream, StreamEvent

_SHARED = frozenset({"store_id", "op_code", "record_id"})
"""Columns whose values may occur in every store: its own name, the group's catalog, and rules, of
which every store hears.
"""


def check_streams(audit_data: AuditData) -> Iterator[Check]:
    """Run all checks that need no knowledge of the trade."""
    yield answer("kafka", _sequences, audit_data)
    yield answer("kafka", _rivals, audit_data)
    yield answer("kafka", _keys, audit_data)
    yield answer("kafka", _envelopes, audit_data)
    yield answer("kafka", _origins, audit_data)
    yield answer("kafka", _readable, audit_data)
    for service in SERVICES:
        yield answer(service, _outbox, audit_data, service)
        yield answer(service, _heads, audit_data, service)
        if CONSUMES[service]:
            yield answer(service, _positions, audit_data, service)
        yield answer(service, _backlog, audit_data, service)
        yield answer(service, _stores, audit_data, service)


def _sequences(audit_data: AuditData) -> Check:
    comparison = Comparison("sequence per topic and key", "kafka")
    for (topic, key, _), events in audit_data.streams.items():
        expected = events[0].sequence if topic in audit_data.compacted else 1
        for event in events:
            if topic in audit_data.compacted and event.sequence > expected:
                expected = event.sequence
            comparison.equal(f"{topic} {key}", "next sequence", expected, event.sequence)
            expected = max(expected, event.sequence) + 1
    return comparison.check()


def _rivals(audit_data: AuditData) -> Check:
    """Require that all but one event of a sequence are dead-lettered and decided on."""
    comparison = Comparison("one event per sequence", "kafka")
    comparison.compared = len(audit_data.log.events)
    for ((topic, key, _), sequence), events in audit_data.rivals.items():
        if sum(not audit_data.decided(event) for event in events) > 1:
            ids = " and ".join(event.id for event in events)
            comparison.differ(f"{topic} {key}", f"events of sequence {sequence}", 1, ids)
    return comparison.check()


def _keys(audit_data: AuditData) -> Check:
    comparison = Comparison("a key belongs to one store", "kafka")
    stores: dict[tuple[str, str], set[str]] = defaultdict(set)
    for topic, key, store_id in audit_data.streams:
        stores[topic, key].add(store_id)
    for (topic, key), found in stores.items():
        comparison.compared += 1
        if len(found) > 1:
            comparison.differ(f"{topic} {key}", "stores", 1, " and ".join(sorted(found)))
    return comparison.check()


def _envelopes(audit_data: AuditData) -> Check:
    comparison = Comparison("envelope agrees with data", "kafka")
    for event in audit_data.own_events:
        key = f"{event.name} {event.id}"
        source = f"/stores/{event.store_id}/{publisher_of(event)}"
        comparison.equal(key, "ce_source", source, event.source)
        comparison.equal(key, "data.store_id", event.store_id, event.data.get("store_id"))
    return comparison.check()


def _origins(audit_data: AuditData) -> Check:
    """Require that each record without a publisher has been set aside by a consumer."""
    comparison = Comparison("records without a publisher are dead-lettered", "kafka")
    dead_lettered = {
        place_of(row)
        for service in SERVICES
        for row in audit_data.tables.of(service, "dead_letter")
    }
    for address in audit_data.log.unaddressed_records:
        topic, partition, offset = address
        where = f"{topic} partition {partition} offset {offset}"
        comparison.equal(
            where, "dead letter of an unreadable record", True, address in dead_lettered
        )
    for event in audit_data.log.events:
        if event.id in audit_data.unpublished_events:
            where = f"{event.address[0]} {event.key}"
            is_ignored = event.id in audit_data.ignored_events
            comparison.equal(where, f"outbox row or dead letter of {event.id}", True, is_ignored)
    return comparison.check()


def _readable(audit_data: AuditData) -> Check:
    """Require a decided dead letter for each unreadable record."""
    comparison = Comparison("readable events", "kafka")
    comparison.compared = len(audit_data.log.events)
    for event in audit_data.log.events:
        if event.fault and not audit_data.letters_decided(event):
            topic, partition, offset = event.address
            where = f"{topic} partition {partition} offset {offset} {event.name} {event.key}"
            comparison.differ(where, "event", "readable, or decided on", event.fault)
    return comparison.check()


def _outbox(audit_data: AuditData, service: str) -> Check:
    comparison = Comparison("outbox rows are the topics' events", service)
    events = {event.id: event for event in audit_data.own_events}
    newest: Mapping[Stream, int] = {
        stream: stream_events[-1].sequence for stream, stream_events in audit_data.streams.items()
    }
    for row in audit_data.tables.of(service, "outbox"):
        comparison.compared += 1
        key = f"outbox {row['type'].split('.')[2]} {row['id']}"
        event = events.get(row["id"])
        stream = row["topic"], row["aggregateid"], row["store_id"]
        if row["sent_at"] is None:
            comparison.differ(key, "sent_at", "a time", None)
        elif event is not None:
            _same_event(comparison, key, row, event)
        elif row["topic"] not in audit_data.compacted or row["sequence"] >= newest.get(stream, 0):
            comparison.differ(key, "records in the topic", 1, 0)
    return comparison.check()


def _same_event(comparison: Comparison, key: str, row: Row, event: StreamEvent) -> None:
    stream = row["topic"], row["aggregateid"]
    comparison.equal(key, "stream", stream, (event.address[0], event.key))
    comparison.equal(key, "sequence", row["sequence"], event.sequence)
    comparison.equal(key, "store", row["store_id"], event.store_id)
    comparison.equal(key, "data", orjson.loads(row["payload"]), event.data)


def _heads(audit_data: AuditData, service: str) -> Check:
    comparison = Comparison("stream heads stand at the last event", service)
    last = {
        stream: events[-1]
        for stream, events in audit_data.streams.items()
        if publisher_of(events[-1]) == service
    }
    comparison.rows(
        "stream_head",
        {_name(stream): {"last_sequence": event.sequence} for stream, event in last.items()},
        _by_stream(audit_data.tables.of(service, "stream_head")),
    )
    return comparison.check()


def _positions(audit_data: AuditData, consumer: str) -> Check:
    comparison = Comparison("positions stand at the last contiguous event", consumer)
    expected: dict[Stream, int] = defaultdict(int)
    letters = {place_of(row): row for row in audit_data.tables.of(consumer, "dead_letter")}
    unresolved = {address for address, row in letters.items() if row["resolved_at"] is None}
    for event in sorted(audit_data.log.events, key=lambda each: each.sequence):
        if event.address[0] not in CONSUMES[consumer] - audit_data.compacted:
            continue
        follows = event.sequence == expected[event.stream] + 1
        if follows and event.address not in unresolved:
            expected[event.stream] = event.sequence
    for event in audit_data.log.events:
        if event.address[0] in CONSUMES[consumer] & audit_data.compacted:
            ignored_events = event.id in audit_data.ignored_events
            last, letter = expected[event.stream], letters.get(event.address)
            expected[event.stream] = _version_after(
                last, event, letter, ignored_events=ignored_events
            )
    comparison.rows(
        "stream_position",
        {_name(stream): {"last_sequence": last} for stream, last in expected.items()},
        _by_stream(audit_data.tables.of(consumer, "stream_position")),
    )
    return comparison.check()


def _version_after(
    last: int, event: StreamEvent, letter: Row | None, *, ignored_events: bool
) -> int:
    """Return the version after ``event``; a dead letter counts when it is replayed."""
    if letter is not None:
        replayed = letter["resolved_at"] and letter["decision"] == "replay"
        return event.sequence if replayed else last
    return last if ignored_events else max(last, event.sequence)


def _backlog(audit_data: AuditData, consumer: str) -> Check:
    comparison = Comparison("nothing is on its way", consumer)
    unsent = sum(row["sent_at"] is None for row in audit_data.tables.of(consumer, "outbox"))
    comparison.equal("outbox", "unsent rows", 0, unsent)
    committed = audit_data.log.committed[consumer]
    for (topic, partition), end in audit_data.log.ends.items():
        if topic in CONSUMES[consumer] and end:
            behind = end - committed.get((topic, partition), 0)
            comparison.equal(f"{topic} partition {partition}", "lag", 0, behind)
    return comparison.check()


def _stores(audit_data: AuditData, service: str) -> Check:
    """Require that each row belongs to the store in whose events its identifiers appear."""
    comparison = Comparison("no row stands in a foreign store", service)
    for name, rows in audit_data.tables.of_service(service):
        for row in rows:
            if row.get("store_id"):
                _same_store(comparison, name, row, audit_data.stores_by_identifier)
    return comparison.check()


def _same_store(
    comparison: Comparison, table: str, row: Row, known: Mapping[tuple[str, str], set[str]]
) -> None:
    for column, value in _identifiers(row):
        comparison.compared += 1
        stores = known.get((column, value))
        if stores and row["store_id"] not in stores:
            where = f"{table} {column} {value}"
            comparison.differ(where, "store", " or ".join(sorted(stores)), row["store_id"])
            return


def _identifiers(row: Row) -> Iterator[tuple[str, str]]:
    for column, value in row.items():
        if not isinstance(value, str) or column in _SHARED:
            continue
        if column.endswith(("_id", "_ref")) or column in ("key", "entity_id"):
            yield column, value
        elif column == "aggregateid":
            yield "key", value


def _by_stream(rows: Iterable[Row]) -> Iterator[tuple[str, Row]]:
    return ((_name((row["topic"], row["key"], row["store_id"])), row) for row in rows)


def _name(stream: Stream) -> str:
    return " ".join(stream)
