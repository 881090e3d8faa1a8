"""Contracts of the last tag, and changes since then that break readers.

Contracts freeze with the first tag: inside a major version an event only gains optional fields,
and a golden record stays as it is.
"""

import io
import json
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.docs.golden import Record
from deploy.docs.schemas import Schema

_CONTRACTS = "shared/contracts"
_WORDS = ("title", "description", "$id", "$schema", "x-requirements", "x-zh")


@dataclass(frozen=True)
class Contracts:
    """Schemas and golden records by event type."""

    schemas: Mapping[str, Schema]
    golden: Mapping[str, list[Record]]


def last_tag(repository: Path) -> str | None:
    """Return the newest tag below the present commit, if there is one."""
    found = _git(repository, "describe", "--tags", "--abbrev=0")
    return found.stdout.decode().strip() if found.returncode == 0 else None


def tagged_contracts(repository: Path, tag: str) -> Contracts:
    """Return the contracts as they were at ``tag``; none where it had none yet."""
    archive = _git(repository, "archive", "--format=tar", f"{tag}:{_CONTRACTS}")
    if archive.returncode:
        return Contracts({}, {})
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        return Contracts(_by_kind(files, "schemas"), _by_kind(files, "golden"))


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", "-C", str(repository), *arguments], check=False, capture_output=True
    )


def _by_kind(files: tarfile.TarFile, folder: str) -> dict[str, Any]:
    return {
        Path(name).stem: json.load(content)
        for name in files.getnames()
        if Path(name).match(f"{folder}/*.json") and (content := files.extractfile(name))
    }


def breaking_changes(known: Contracts, now: Contracts) -> Iterator[str]:
    """Yield each change from ``known`` that a reader or a stored record would not survive."""
    for kind, schema in known.schemas.items():
        if kind not in now.schemas:
            yield f"{kind}: the event is gone"
            continue
        for change in breaks(schema, now.schemas[kind]):
            yield f"{kind}{change}; a new major version is needed"
    for kind, records in known.golden.items():
        if now.golden.get(kind, [])[: len(records)] != records:
            yield f"{kind}: a golden record was changed; only add others behind it"


def breaks(known: Schema, new: Schema) -> Iterator[str]:
    """Yield changes from ``known`` to ``new`` other than additional optional fields."""
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
