"""Required metadata of a record."""

from datetime import UTC, datetime

import pytest

from shared.contracts.reception import CustomerGreeted
from shared.envelope import (
    Causation,
    UnreadableEventError,
    decode,
    header_texts,
    headers_of,
    is_known,
    sequence_of,
    trace_of,
)

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
EVENT = CustomerGreeted(store_id="S01", order_id="o1", advisor_id="a1", greeted_at=NOW)
HEADERS = headers_of(EVENT, event_id="e1", sequence=2, time=NOW, causation=Causation("c", "d"))


def test_event_survives_encoding_and_decoding() -> None:
    received = decode(HEADERS, "o1", EVENT.model_dump_json().encode())
    assert received.event == EVENT
    assert received.envelope.causation == Causation("c", "e1")
    assert sequence_of(HEADERS) == 2
    assert HEADERS["ce_source"] == "/stores/S01/reception"


def test_consumer_ignores_unknown_fields() -> None:
    value = EVENT.model_dump_json().replace('"order_id"', '"added":1,"order_id"').encode()
    assert decode(HEADERS, "o1", value).event == EVENT


@pytest.mark.parametrize(
    ("change", "key", "value", "reason"),
    [
        ({}, "o1", b"{broken", "Invalid JSON"),
        ({}, "o1", None, "Invalid JSON"),
        ({}, "o1", b"{}", "Field required"),
        ({"ce_id": ""}, "o1", EVENT.model_dump_json().encode(), "ce_id"),
        (
            {"ce_type": "aftersales.reception.CustomerGreeted.v9"},
            "o1",
            EVENT.model_dump_json().encode(),
            "unknown version",
        ),
        ({}, "o2", EVENT.model_dump_json().encode(), "differs from the record's key"),
        ({"ce_storeid": "S02"}, "o1", EVENT.model_dump_json().encode(), "differs from header"),
        ({"ce_time": "soon"}, "o1", EVENT.model_dump_json().encode(), "ce_time"),
    ],
)
def test_malformed_record_is_named_with_reason(
    change: dict[str, str], key: str, value: bytes | None, reason: str
) -> None:
    with pytest.raises(UnreadableEventError, match=reason):
        decode({**HEADERS, **change}, key, value)


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HOSTILE = ("", "a b", "a\r\nb", "é", "x" * 100_000, "事件", "\x1b[2J")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_invalid_origin_headers_are_replaced(hostile: str) -> None:
    names = ("ce_correlationid", "ce_causationid", "traceparent")
    headers = HEADERS | dict.fromkeys(names, hostile)
    envelope = decode(headers, "o1", EVENT.model_dump_json().encode()).envelope
    assert (envelope.correlation_id, envelope.causation_id) == ("e1", None)
    assert envelope.traceparent is None


@pytest.mark.parametrize("name", ["ce_id", "ce_time", "ce_type"])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_invalid_header_is_named_without_its_value(name: str, hostile: str) -> None:
    kind = "aftersales.reception.CustomerGreeted.v" if name == "ce_type" else ""
    with pytest.raises(UnreadableEventError, match=name) as violation:
        decode(HEADERS | {name: kind + hostile}, "o1", EVENT.model_dump_json().encode())
    assert len(str(violation.value)) < 100


def test_event_time_without_offset_is_rejected() -> None:
    with pytest.raises(UnreadableEventError, match="ce_time"):
        decode(HEADERS | {"ce_time": "2026-03-04T01:00"}, "o1", EVENT.model_dump_json().encode())


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        (TRACE, TRACE),
        (TRACE.replace("00-", "cc-", 1), TRACE.replace("00-", "cc-", 1)),
        (TRACE.replace("00-", "ff-", 1), None),
        (TRACE.upper(), None),
        (TRACE + "-more", None),
        (f"00-{'0' * 32}-b7ad6b7169203331-01", None),
        (f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01", None),
        (TRACE + "\n", None),
        ("00-aa-bb-01", None),
        (None, None),
    ],
)
def test_only_valid_traceparent_is_forwarded(text: str | None, taken: str | None) -> None:
    assert trace_of(text) == taken


def test_null_and_binary_headers_are_ignored() -> None:
    raw = [("a", b"1"), ("b", None), ("c", b"\xff"), ("d", b"\0"), ("e\0", b"1"), ("f", b"")]
    assert header_texts(raw) == {"a": "1", "f": ""}


@pytest.mark.parametrize("text", ["0", "-1", "x", "", "1.5", "²", "01", "9" * 13])
def test_sequence_other_than_positive_number_is_none(text: str) -> None:
    assert sequence_of({"ce_sequence": text}) is None


def test_event_type_is_known_in_any_version() -> None:
    assert is_known("aftersales.reception.CustomerGreeted.v9")
    assert not is_known("aftersales.reception.NeverHeardOf.v1")
