"""CloudEvents 1.0.2 in Kafka's binary mode: the value is the data, headers have the attributes."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiokafka import ConsumerRecord
from pydantic import ValidationError

from shared.contracts import CONTRACTS, Event, schema_address, type_name

if TYPE_CHECKING:
    Record = ConsumerRecord[bytes | None, bytes | None]
else:
    Record = ConsumerRecord


@dataclass(frozen=True)
class Causation:
    """Origin of an event: the chain's correlation id and the ``ce_id`` that caused it."""

    correlation_id: str
    causation_id: str
    traceparent: str | None = None


@dataclass(frozen=True)
class Envelope:
    """Readable headers of one record on a stream."""

    event_id: str
    type: str
    store_id: str
    time: datetime
    sequence: int
    correlation_id: str
    causation_id: str | None
    traceparent: str | None

    @property
    def causation(self) -> Causation:
        return Causation(self.correlation_id, self.event_id, self.traceparent)


@dataclass(frozen=True)
class ReceivedEvent:
    """Event that a service understands, with its envelope and its JSON as published."""

    envelope: Envelope
    event: Event
    value: bytes


LONGEST_ID = 120
ID_PATTERN = "^[!-~]+$"
"""Pattern of ids of events, commands and requests of any origin: printable ASCII only."""

_ID = re.compile(f"[!-~]{{1,{LONGEST_ID}}}")
TRACE_PATTERN = "^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$"
_LONGEST_REASON = 200
SEQUENCE_PATTERN = "^[1-9][0-9]{0,11}$"


class UnreadableEventError(Exception):
    """Record that breaks the rules of the envelope or of its contract."""


def headers_of(
    event: Event, *, event_id: str, sequence: int, time: datetime, causation: Causation
) -> dict[str, str]:
    """Return the CloudEvents headers of ``event`` as text."""
    kind = type_name(type(event))
    key = str(getattr(event, event.key_field))
    headers = {
        "content-type": "application/json",
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_source": f"/stores/{event.store_id}/{event.publisher}",
        "ce_type": kind,
        "ce_subject": key,
        "ce_time": time.astimezone(UTC).isoformat(),
        "ce_dataschema": schema_address(kind),
        "ce_partitionkey": key,
        "ce_sequence": str(sequence),
        "ce_storeid": event.store_id,
        "ce_correlationid": causation.correlation_id,
        "ce_causationid": causation.causation_id,
    }
    return headers | ({"traceparent": causation.traceparent} if causation.traceparent else {})


def text_of(raw: bytes | None) -> str:
    """Return the UTF-8 text of ``raw``, or an empty text if it is not valid.

    The null character, which PostgreSQL does not store, is not valid either.
    """
    try:
        text = (raw or b"").decode()
    except UnicodeDecodeError:
        return ""
    return "" if "\0" in text else text


def header_texts(raw: Any) -> dict[str, str]:
    """Return Kafka headers as text; null and unreadable headers are left out."""
    return {
        name: text
        for name, value in raw or ()
        if "\0" not in name and ((text := text_of(value)) or value == b"")
    }


def sequence_of(headers: Mapping[str, str]) -> int | None:
    """Return ``ce_sequence`` when it is a positive number of at most 12 digits.

    A key that got a thousand events a second would need 31 years for more.
    """
    text = headers.get("ce_sequence", "")
    return int(text) if re.fullmatch(SEQUENCE_PATTERN, text) else None


DIGEST_BYTES = 8


def digest_of(headers: Mapping[str, str], value: bytes | None) -> bytes:
    """Return ``DIGEST_BYTES`` bytes that identify an event by its id, type, time and data.

    They agree by chance once in 2⁶⁴; they cannot be forged in advance, because an id is not known
    before.
    """
    names = "\0".join(headers.get(name, "") for name in ("ce_id", "ce_type", "ce_time"))
    return hashlib.blake2b(
        names.encode() + b"\0" + (value or b""), digest_size=DIGEST_BYTES
    ).digest()


def trace_of(text: str | None) -> str | None:
    """Return a ``traceparent`` in the format of W3C's Trace Context; any other ends the trace."""
    return text if text and re.fullmatch(TRACE_PATTERN, text) else None


def _id_of(headers: Mapping[str, str], name: str) -> str | None:
    """Return the id that a record carries, if it is valid as an id."""
    text = headers.get(name, "")
    return text if _ID.fullmatch(text) else None


_STEMS = frozenset(kind.rpartition(".v")[0] for kind in CONTRACTS)


def is_known(kind: str) -> bool:
    """Return whether any version of this event type is in the contracts."""
    return kind.rpartition(".v")[0] in _STEMS


def decode(headers: Mapping[str, str], key: str, value: bytes | None) -> ReceivedEvent:
    """Read one record whose type is known.

    Raises:
        UnreadableEventError: a header is missing, the major version is unknown, the data breaks the
            contract, or key or store of data and envelope differ.
    """
    missing = [
        name for name in ("ce_id", "ce_type", "ce_storeid", "ce_time") if not headers.get(name)
    ]
    if missing:
        raise UnreadableEventError(f"header {missing[0]} is missing or unreadable")
    event_id = _id_of(headers, "ce_id")
    if event_id is None:
        raise UnreadableEventError(f"header ce_id is no id of at most {LONGEST_ID} characters")
    contract = CONTRACTS.get(headers["ce_type"])
    if contract is None:
        stem = headers["ce_type"].rpartition(".v")[0]
        raise UnreadableEventError(f"header ce_type: unknown version of {stem}")
    time = _time_of(headers["ce_time"])
    try:
        event = contract.model_validate_json(value or b"")
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "data"
        raise UnreadableEventError(f"{place}: {first['msg']}"[:_LONGEST_REASON]) from None
    if str(getattr(event, event.key_field)) != key:
        raise UnreadableEventError(f"{event.key_field} differs from the record's key")
    if event.store_id != headers["ce_storeid"]:
        raise UnreadableEventError("store_id differs from header ce_storeid")
    envelope = Envelope(
        event_id=event_id,
        type=headers["ce_type"],
        store_id=event.store_id,
        time=time,
        sequence=sequence_of(headers) or 0,
        correlation_id=_id_of(headers, "ce_correlationid") or event_id,
        causation_id=_id_of(headers, "ce_causationid"),
        traceparent=trace_of(headers.get("traceparent")),
    )
    return ReceivedEvent(envelope, event, value or b"")


def _time_of(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time
    except ValueError:
        pass
    raise UnreadableEventError("header ce_time is no time with an offset")
