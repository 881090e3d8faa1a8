"""Audit of the raw topics: gaps, inversions, unpublished events, other stores."""

from datetime import UTC, date, datetime
from typing import Any

from deploy.audit.audit_data import CAPACITY, ORDERS, AuditData, created_on
from deploy.audit.result import Check, answer
from deploy.audit.streams import check_streams
from deploy.audit.tables import SERVICES, Tables
from deploy.audit.topics import DeclaredTopic, Log, StreamEvent, first_occurrence

KIND = "aftersales.reception.CustomerGreeted.v1"


def event(sequence: int, **changes: Any) -> StreamEvent:
    """Return the order's event of that number, too old to be in any outbox."""
    values: dict[str, Any] = {
        "address": (ORDERS, 0, sequence),
        "key": "order",
        "id": f"00000000-0000-7000-8000-{sequence:012}",
        "type": KIND,
        "source": "/stores/S01/reception",
        "store_id": "S01",
        "sequence": sequence,
        "time": datetime(2026, 3, 4, tzinfo=UTC),
        "data": {"store_id": "S01"},
    }
    return StreamEvent(**values | changes)


def differences(
    *events: StreamEvent,
    unaddressed_records: tuple[Any, ...] = (),
    jobs: tuple[Any, ...] = (),
    letters: tuple[Any, ...] = (),
) -> list[str]:
    """Return the audit's findings about the topics that hold ``events``, for tables that hold
    ``jobs``, and ``letters`` in every service that follows orders.
    """
    topics = (DeclaredTopic(ORDERS, False), DeclaredTopic(CAPACITY, True))
    log = Log(topics, events, 0, unaddressed_records, {}, {service: {} for service in SERVICES})
    own = ("outbox", "stream_head", "stream_position", "parked_event", "dead_letter")
    tables = Tables(
        {f"{service}.{table}": () for service in SERVICES for table in own}
        | {"workshop.job": jobs}
        | {
            f"{service}.dead_letter": letters
            for service in ("workshop", "crm", "reporting", "management")
        },
        dict.fromkeys(SERVICES, date(2026, 3, 1)),
    )
    checks = check_streams(AuditData(log, tables))
    return [
        str(each)
        for check in checks
        if check.service == "kafka" or check.name == "no row stands in a foreign store"
        for each in check.differences
    ]


def test_contiguous_events_have_no_difference() -> None:
    assert differences(event(1), event(2), event(3)) == []


def test_sequence_gap_is_named() -> None:
    assert differences(event(1), event(3)) == [
        f"kafka: {ORDERS} order: next sequence: expected 2, found 3"
    ]


def test_sequence_inversion_is_named() -> None:
    assert differences(event(1), event(3), event(2)) == [
        f"kafka: {ORDERS} order: next sequence: expected 2, found 3",
        f"kafka: {ORDERS} order: next sequence: expected 4, found 2",
    ]


def test_duplicate_sequence_is_named() -> None:
    again = event(2, id="00000000-0000-7000-8000-00000000000a")
    assert differences(event(1), event(2), again) == [
        f"kafka: {ORDERS} order: next sequence: expected 3, found 2",
        f"kafka: {ORDERS} order: events of sequence 2: "
        f"expected 1, found {event(2).id} and {again.id}",
    ]


def test_second_event_of_sequence_passes_once_skipped() -> None:
    forged = event(2, id="forged", address=(ORDERS, 0, 7))
    letter = {"topic": ORDERS, "partition": 0, "offset": 7, "key": "order", "sequence": 2}
    letter |= {"store_id": "S01", "decision": None, "resolved_at": None}
    said = (
        f"kafka: {ORDERS} order: events of sequence 2: expected 1, found {event(2).id} and forged"
    )
    assert differences(event(1), event(2), forged, letters=(letter,)) == [said]
    skipped = letter | {"decision": "skip", "resolved_at": event(1).time}
    assert differences(event(1), event(2), forged, letters=(skipped,)) == []


def test_one_id_with_two_contents_counts_twice() -> None:
    seen: dict[str, int] = {}
    other = event(2, address=(ORDERS, 0, 7))
    assert first_occurrence(event(2), b"genuine", seen) == event(2)
    assert first_occurrence(other, b"genuine", seen) is None
    forged = first_occurrence(other, b"forged", seen)
    assert forged is not None
    assert forged.id == f"{ORDERS}/0/7"


def test_compacted_topic_may_have_gaps_but_no_inversion() -> None:
    address = (CAPACITY, 0, 0)
    assert differences(event(4, address=address), event(9, address=address)) == []
    assert differences(event(9, address=address), event(4, address=address)) == [
        f"kafka: {CAPACITY} order: next sequence: expected 10, found 4"
    ]


def test_event_of_another_store_is_named() -> None:
    stray = event(2, store_id="S02", source="/stores/S02/reception", data={"store_id": "S02"})
    assert differences(event(1), stray) == [
        f"kafka: {ORDERS} order: next sequence: expected 1, found 2",
        f"kafka: {ORDERS} order: stores: expected 1, found S01 and S02",
    ]


def test_row_in_foreign_store_is_named() -> None:
    known = event(1, data={"store_id": "S01", "job_id": "j1", "op_code": "MEC-014"})
    own = {"store_id": "S02", "job_id": "j2", "op_code": "MEC-014"}
    assert differences(known, jobs=(own,)) == []
    assert differences(known, jobs=({**own, "job_id": "j1"},)) == [
        "workshop: job job_id j1: store: expected S01, found S02"
    ]


def test_inconsistent_envelope_is_named() -> None:
    assert differences(event(1, source="/stores/S02/reception", data={"store_id": "S03"})) == [
        f"kafka: CustomerGreeted {event(1).id}: ce_source: "
        "expected /stores/S01/reception, found /stores/S02/reception",
        f"kafka: CustomerGreeted {event(1).id}: data.store_id: expected S01, found S03",
    ]


def test_unreadable_record_without_dead_letter_is_named() -> None:
    assert differences(unaddressed_records=((ORDERS, 3, 7),)) == [
        f"kafka: {ORDERS} partition 3 offset 7: dead letter of an unreadable record: "
        "expected True, found False"
    ]


def test_id_with_impossible_year_is_accepted() -> None:
    assert created_on("ffffffff-ffff-7fff-bfff-ffffffffffff") == date.max


def test_failing_check_is_a_difference() -> None:
    def _odd_question(audit_data: dict[str, int]) -> Check:
        raise KeyError(len(audit_data))

    [difference] = answer("crm", _odd_question, {}).differences
    assert str(difference) == "crm: odd question: check: expected an answer, found KeyError: 0"


def test_unreadable_event_passes_once_skipped() -> None:
    broken = event(2, fault="data: no JSON object")
    said = (
        f"kafka: {ORDERS} partition 0 offset 2 CustomerGreeted order: event: "
        "expected readable, or decided on, found data: no JSON object"
    )
    assert said in differences(event(1), broken)
    letter = {"topic": ORDERS, "partition": 0, "offset": 2, "key": "order", "sequence": 2}
    letter |= {"store_id": "S01", "decision": None, "resolved_at": None}
    assert said in differences(event(1), broken, letters=(letter,))
    skipped = letter | {"decision": "skip", "resolved_at": event(1).time}
    assert said not in differences(event(1), broken, letters=(skipped,))
