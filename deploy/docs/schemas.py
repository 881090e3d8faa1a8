"""JSON schemas of the events, and the changes allowed inside a major version."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from shared.contracts import CONTRACTS

Schema = Mapping[str, Any]

FOLDER = Path("shared/contracts/schemas")
_WORDS = ("title", "description", "$id", "$schema", "x-requirements")


def schemas() -> dict[Path, str]:
    """Return one schema file per event type."""
    return {
        FOLDER / f"{kind}.json": json.dumps(schema(kind), indent=2, ensure_ascii=False) + "\n"
        for kind in CONTRACTS
    }


def schema(kind: str) -> dict[str, Any]:
    """Return the schema of one event's data.

    Its ``$id`` is the ``ce_dataschema`` of its records.
    """
    contract = CONTRACTS[kind]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"/schemas/{kind}.json",
        "x-requirements": list(contract.requirements),
        **contract.model_json_schema(),
    }


def breaking_changes(repository: Path) -> Iterator[str]:
    """Return the contracts' breaking changes for readers of the files of ``repository``."""
    for file in sorted((repository / FOLDER).glob("*.json")):
        known = json.loads(file.read_text())
        if file.stem not in CONTRACTS:
            yield f"{file.stem}: the event is gone"
            continue
        for change in breaks(known, schema(file.stem)):
            yield f"{file.stem}{change}; a new major version is needed"


def breaks(known: Schema, new: Schema) -> Iterator[str]:
    """Return changes from ``known`` to ``new`` other than additional optional fields."""
    for name, part in known.get("$defs", {}).items():
        yield from _object_breaks(f" {name}", part, new.get("$defs", {}).get(name, {}))
    yield from _object_breaks("", known, new)


def _object_breaks(where: str, known: Schema, new: Schema) -> Iterator[str]:
    fields, new_fields = known.get("properties", {}), new.get("properties", {})
    for name, field in fields.items():
        if name not in new_fields:
            yield f"{where}.{name}: the field is gone"
        elif _bare(field) != _bare(new_fields[name]):
            yield f"{where}.{name}: the field has another type or another range"
    required, now_required = set(known.get("required", ())), set(new.get("required", ()))
    for name in sorted((required - now_required) & set(new_fields)):
        yield f"{where}.{name}: the field is no longer always there"
    for name in sorted(now_required - required):
        yield f"{where}.{name}: the field was optional or absent and is required"
    if _bare({**known, "properties": {}, "required": []}) != _bare(
        {**new, "properties": {}, "required": []}
    ):
        yield f"{where}: it is another kind of value"


def _bare(schema: Any) -> Any:
    """Return a schema without its descriptions."""
    if isinstance(schema, Mapping):
        return {
            name: _bare(part)
            for name, part in schema.items()
            if name not in _WORDS and name != "$defs"
        }
    return [_bare(part) for part in schema] if isinstance(schema, list) else schema
