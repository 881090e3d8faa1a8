"""Checks on the streams themselves: order, envelopes, outboxes, positions, backlog, stores."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import orjson

from deploy.audit.evidence import CONSUMES, Evidence, place_of, publisher_of
from deploy.audit.result import Check, Comparison, answer
from deploy.audit.tables import SERVICES, Row
from deploy.audit.topics import Stream, StreamEvent

_SHARED = frozenset({"store_id", "operation_id"})
"""Columns whose values every store may have: its own name, and the group's catalogue."""


def check_streams(evidence: Evidence) -> Iterator[Check]:
    """All checks that need no knowledge of the trade."""
    yield answer("kafka", _sequences, evidence)
    yield answer("kafka", _rivals, evidence)
    yield answer("kafka", _keys, evidence)
    yield answer("kafka", _envelopes, evidence)
    yield answer("kafka", _origins, evidence)
    yield answer("kafka", _readable, evidence)
    for service in SERVICES:
        yield answer(service, _outbox, evidence, service)
        yield answer(service, _heads, evidence, service)
        yield answer(service, _positions, evidence, service)
        yield answer(service, _backlog, evidence, service)
        yield answer(service, _stores, evidence, service)


def _sequences(evidence: Evidence) -> Check:
    comparison = Comparison("sequence per topic and key", "kafka")
    for (topic, key, _), events in evidence.streams.items():
        expected = events[0].sequence if topic in evidence.compacted else 1
        for event in events:
            if topic in evidence.compacted and event.sequence > expected:
                expected = event.sequence
            comparison.equal(f"{topic} {key}", "next sequence", expected, event.sequence)
            expected = max(expected, event.sequence) + 1
    return comparison.check()


def _rivals(evidence: Evidence) -> Check:
    """Two events of one sequence: all but one are to be set aside and decided on."""
    comparison = Comparison("one event per sequence", "kafka")
    comparison.compared = len(evidence.log.events)
    for ((topic, key, _), sequence), events in evidence.rivals.items():
        if sum(not evidence.decided(event) for event in events) > 1:
            ids = " and ".join(event.id for event in events)
            comparison.differ(f"{topic} {key}", f"events of sequence {sequence}", 1, ids)
    return comparison.check()


def _keys(evidence: Evidence) -> Check:
    comparison = Comparison("a key belongs to one store", "kafka")
    stores: dict[tuple[str, str], set[str]] = defaultdict(set)
    for topic, key, store_id in evidence.streams:
        stores[topic, key].add(store_id)
    for (topic, key), found in stores.items():
        comparison.compared += 1
        if len(found) > 1:
            comparison.differ(f"{topic} {key}", "stores", 1, " and ".join(sorted(found)))
    return comparison.check()


def _envelopes(evidence: Evidence) -> Check:
    comparison = Comparison("envelope agrees with data", "kafka")
    for event in evidence.own_events:
        key = f"{event.name} {event.id}"
        source = f"/stores/{event.store_id}/{publisher_of(event)}"
        comparison.equal(key, "ce_source", source, event.source)
        comparison.equal(key, "data.store_id", event.store_id, event.data.get("store_id"))
    return comparison.check()


def _origins(evidence: Evidence) -> Check:
    """A record that no service published may stand only where a consumer has set it aside."""
    comparison = Comparison("records without a publisher are set aside", "kafka")
    buried = {
        place_of(row) for service in SERVICES for row in evidence.tables.of(service, "dead_letter")
    }
    for place in evidence.log.homeless:
        topic, partition, offset = place
        where = f"{topic} partition {partition} offset {offset}"
        comparison.equal(where, "dead letter of an unreadable record", True, place in buried)
    for event in evidence.log.events:
        if event.id in evidence.strangers:
            where = f"{event.place[0]} {event.key}"
            set_aside = event.id in evidence.harmless
            comparison.equal(where, f"outbox row or dead letter of {event.id}", True, set_aside)
    return comparison.check()


def _readable(evidence: Evidence) -> Check:
    """What nobody can read is to be set aside and decided on."""
    comparison = Comparison("readable events", "kafka")
    comparison.compared = len(evidence.log.events)
    for event in evidence.log.events:
        if event.fault and not evidence.letters_decided(event):
            topic, partition, offset = event.place
            where = f"{topic} partition {partition} offset {offset} {event.name} {event.key}"
            comparison.differ(where, "event", "readable, or decided on", event.fault)
    return comparison.check()


def _outbox(evidence: Evidence, service: str) -> Check:
    comparison = Comparison("outbox rows are the topics' events", service)
    events = {event.id: event for event in evidence.own_events}
    newest: Mapping[Stream, int] = {
        stream: stream_events[-1].sequence for stream, stream_events in evidence.streams.items()
    }
    for row in evidence.tables.of(service, "outbox"):
        comparison.compared += 1
        key = f"outbox {row['type'].split('.')[2]} {row['id']}"
        event = events.get(row["id"])
        stream = row["topic"], row["aggregateid"], row["store_id"]
        if row["sent_at"] is None:
            comparison.differ(key, "sent_at", "a time", None)
        elif event is not None:
            _same_event(comparison, key, row, event)
        elif row["topic"] not in evidence.compacted or row["sequence"] >= newest.get(stream, 0):
            comparison.differ(key, "records in the topic", 1, 0)
    return comparison.check()


def _same_event(comparison: Comparison, key: str, row: Row, event: StreamEvent) -> None:
    stream = row["topic"], row["aggregateid"]
    comparison.equal(key, "stream", stream, (event.place[0], event.key))
    comparison.equal(key, "sequence", row["sequence"], event.sequence)
    comparison.equal(key, "store", row["store_id"], event.store_id)
    comparison.equal(key, "data", orjson.loads(row["payload"]), event.data)


def _heads(evidence: Evidence, service: str) -> Check:
    comparison = Comparison("stream heads stand at the last event", service)
    last = {
        stream: events[-1]
        for stream, events in evidence.streams.items()
        if publisher_of(events[-1]) == service
    }
    comparison.rows(
        "stream_head",
        {_name(stream): {"last_sequence": event.sequence} for stream, event in last.items()},
        _by_stream(evidence.tables.of(service, "stream_head")),
    )
    return comparison.check()


def _positions(evidence: Evidence, consumer: str) -> Check:
    comparison = Comparison("positions stand at the last contiguous event", consumer)
    expected: dict[Stream, int] = defaultdict(int)
    letters = {place_of(row): row for row in evidence.tables.of(consumer, "dead_letter")}
    unresolved = {place for place, row in letters.items() if row["resolved_at"] is None}
    for event in sorted(evidence.log.events, key=lambda each: each.sequence):
        if event.place[0] not in CONSUMES[consumer] - evidence.compacted:
            continue
        follows = event.sequence == expected[event.stream] + 1
        if follows and event.place not in unresolved:
            expected[event.stream] = event.sequence
    for event in evidence.log.events:
        if event.place[0] in CONSUMES[consumer] & evidence.compacted:
            harmless = event.id in evidence.harmless
            last, letter = expected[event.stream], letters.get(event.place)
            expected[event.stream] = _version_after(last, event, letter, harmless=harmless)
    comparison.rows(
        "stream_position",
        {_name(stream): {"last_sequence": last} for stream, last in expected.items()},
        _by_stream(evidence.tables.of(consumer, "stream_position")),
    )
    return comparison.check()


def _version_after(last: int, event: StreamEvent, letter: Row | None, *, harmless: bool) -> int:
    """The version that stands once ``event`` has come: a dead letter does when it is replayed."""
    if letter is not None:
        replayed = letter["resolved_at"] and letter["decision"] == "replay"
        return event.sequence if replayed else last
    return last if harmless else max(last, event.sequence)


def _backlog(evidence: Evidence, consumer: str) -> Check:
    comparison = Comparison("nothing is on its way", consumer)
    unsent = sum(row["sent_at"] is None for row in evidence.tables.of(consumer, "outbox"))
    comparison.equal("outbox", "unsent rows", 0, unsent)
    committed = evidence.log.committed[consumer]
    for (topic, partition), end in evidence.log.ends.items():
        if topic in CONSUMES[consumer] and end:
            behind = end - committed.get((topic, partition), 0)
            comparison.equal(f"{topic} partition {partition}", "lag", 0, behind)
    return comparison.check()


def _stores(evidence: Evidence, service: str) -> Check:
    """A row belongs to the store in whose events its identifiers appear."""
    comparison = Comparison("no row stands in a foreign store", service)
    for name, rows in evidence.tables.of_service(service):
        for row in rows:
            if row.get("store_id"):
                _same_store(comparison, name, row, evidence.stores_by_identifier)
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
        if column.endswith(("_id", "_ref")) or column in ("key", "subject"):
            yield column, value
        elif column == "aggregateid":
            yield "key", value


def _by_stream(rows: Iterable[Row]) -> Iterator[tuple[str, Row]]:
    return ((_name((row["topic"], row["key"], row["store_id"])), row) for row in rows)


def _name(stream: Stream) -> str:
    return " ".join(stream)
