"""Golden records: for each event type, records that every reader understands for ever.

A file holds the records of one type in binary mode. None of them is ever changed; when the event
gains a field, a record with it is added at the end.
"""

import json
from functools import cache
from typing import Any, TypedDict

import orjson

from deploy.docs.descriptions import IncompleteContractError
from deploy.generated import REPOSITORY
from shared.contracts import CONTRACTS

FOLDER = REPOSITORY / "shared/contracts/golden"


class Record(TypedDict):
    """Record on a topic: key, headers, and the data that its value holds as JSON."""

    key: str
    headers: dict[str, str]
    value: dict[str, Any]


@cache
def golden_records() -> dict[str, list[Record]]:
    """Return the records by event type, the oldest first; each type has one.

    Raises:
        IncompleteContractError: a type has none.
    """
    return {kind: _read(kind) for kind in CONTRACTS}


def _read(kind: str) -> list[Record]:
    file = FOLDER / f"{kind}.json"
    records: list[Record] = json.loads(file.read_text()) if file.exists() else []
    if not records:
        raise IncompleteContractError(f"{kind} has no golden record: write {file.name}")
    return records


def value_of(record: Record) -> bytes:
    """Return the value as it stands on the topic."""
    return orjson.dumps(record["value"])
