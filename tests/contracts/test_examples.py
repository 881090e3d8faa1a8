"""Example messages: publishers write all fields, readers tolerate unknown ones (R39)."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.contracts import CONTRACTS
from shared.envelope import Causation, decode, headers_of
from tests.support.event_examples import EXAMPLES

NUMBERS_BY_CODE = {"skills", "labor_rate_cents"}
"""Fields with a number by code, which look like fields in JSON."""


def received(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return ``data`` as a reader of the event understands it."""
    event = CONTRACTS[kind].model_validate(EXAMPLES[kind])
    headers = headers_of(
        event,
        event_id="01a20c75-e2d9-73a5-998e-f00891d1473d",
        sequence=1,
        time=datetime(2026, 3, 4, tzinfo=UTC),
        causation=Causation("correlation", "causation"),
    )
    read = decode(headers, headers["ce_subject"], json.dumps(data).encode())
    return read.event.model_dump(mode="json")


def with_unknown_fields(value: Any) -> Any:
    """Return the same with an unknown field, on every level that has named fields."""
    if isinstance(value, dict):
        named = all(name.isidentifier() for name in value) and not _is_map(value)
        read = {
            name: with_unknown_fields(part) if _has_fields(name, part) else part
            for name, part in value.items()
        }
        return read | {"later": 1} if named else read
    return [with_unknown_fields(part) for part in value] if isinstance(value, list) else value


def _has_fields(name: str, part: Any) -> bool:
    return name not in NUMBERS_BY_CODE or isinstance(part, list)


def _is_map(value: dict[str, Any]) -> bool:
    """Return whether keys stand for the parts below them; every object with fields has a value."""
    return all(isinstance(part, dict | list) for part in value.values())


def test_every_event_has_an_example() -> None:
    assert EXAMPLES.keys() == CONTRACTS.keys()


@pytest.mark.parametrize("kind", CONTRACTS)
def test_publisher_writes_every_field(kind: str) -> None:
    published = CONTRACTS[kind].model_validate(EXAMPLES[kind]).model_dump_json()
    assert json.loads(published) == EXAMPLES[kind]


@pytest.mark.parametrize("kind", CONTRACTS)
def test_reader_ignores_unknown_fields(kind: str) -> None:
    assert received(kind, with_unknown_fields(EXAMPLES[kind])) == EXAMPLES[kind]


@pytest.mark.parametrize("kind", CONTRACTS)
def test_reader_accepts_message_without_optional_fields(kind: str) -> None:
    fields = CONTRACTS[kind].model_fields
    required = {name: EXAMPLES[kind][name] for name, each in fields.items() if each.is_required()}
    read = received(kind, required)
    assert {name: read[name] for name in required} == required
