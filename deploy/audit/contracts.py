"""Readability of records, judged by the published JSON Schemas of their events."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from jsonschema_rs import Draft202012Validator

_SCHEMAS = Path(__file__).parents[2] / "shared/contracts/schemas"
_HIDDEN = "the value"


def fault(kind: str, data: Any) -> str:
    """Return why no consumer can apply ``data`` as an event of type ``kind``.

    Empty if one can, or if the platform does not have the type, for such events are passed over.
    """
    schemas = _schemas()
    if kind not in schemas:
        known = kind.rpartition(".v")[0] in {each.rpartition(".v")[0] for each in schemas}
        return "unknown version of its type" if known else ""
    error = next(_validator(kind).iter_errors(data), None)
    if error is None:
        return ""
    return f"{'.'.join(map(str, error.instance_path)) or 'data'}: {error.message}"


def is_known(kind: str) -> bool:
    """Return whether events of type ``kind`` have a schema."""
    return kind in _schemas()


def completed(kind: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the data with the schema's default for each field that is left out."""
    return {**_defaults(kind), **data}


@cache
def _schemas() -> dict[str, dict[str, Any]]:
    return {file.stem: orjson.loads(file.read_bytes()) for file in _SCHEMAS.glob("*.json")}


@cache
def _validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(_schemas()[kind], validate_formats=True, mask=_HIDDEN)


@cache
def _defaults(kind: str) -> Mapping[str, Any]:
    fields = _schemas()[kind]["properties"]
    return {name: field["default"] for name, field in fields.items() if "default" in field}
