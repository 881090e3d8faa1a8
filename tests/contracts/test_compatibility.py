"""Compatibility inside a major version: an event only gains optional fields (R39)."""

import json
import subprocess
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from deploy.docs.__main__ import broken_since_last_tag
from deploy.docs.compatibility import breaks
from deploy.docs.golden import golden_records
from deploy.docs.schemas import schema

KIND = "aftersales.reception.OrderOpened.v1"


@pytest.fixture
def changed() -> dict[str, Any]:
    """Return the schema of an event, to be changed."""
    return deepcopy(schema(KIND))


def test_optional_field_may_be_added(changed: dict[str, Any]) -> None:
    changed["properties"]["fuel_percent"] = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    changed["$defs"]["EstimateLine"]["properties"]["unit"] = {"type": "string", "default": "pc"}
    assert list(breaks(schema(KIND), changed)) == []


def test_description_may_change(changed: dict[str, Any]) -> None:
    changed["description"] = "Other words."
    changed["properties"]["estimate_cents"]["description"] = "other words"
    assert list(breaks(schema(KIND), changed)) == []


def test_removed_field_is_breaking(changed: dict[str, Any]) -> None:
    del changed["properties"]["odometer_km"]
    changed["required"].remove("odometer_km")
    assert list(breaks(schema(KIND), changed)) == [".odometer_km: the field is gone"]


def test_changed_field_type_is_breaking(changed: dict[str, Any]) -> None:
    changed["properties"]["odometer_km"]["type"] = "string"
    assert list(breaks(schema(KIND), changed)) == [
        ".odometer_km: the field has another type or another range"
    ]


def test_new_required_field_is_breaking(changed: dict[str, Any]) -> None:
    changed["properties"]["fuel_percent"] = {"type": "integer"}
    changed["required"].append("fuel_percent")
    assert list(breaks(schema(KIND), changed)) == [
        ".fuel_percent: the field was optional or absent and is required"
    ]


def test_required_field_made_optional_is_breaking(changed: dict[str, Any]) -> None:
    changed["required"].remove("opened_at")
    assert list(breaks(schema(KIND), changed)) == [
        ".opened_at: the field is no longer always there"
    ]


def test_changed_nested_enum_is_breaking(changed: dict[str, Any]) -> None:
    line = changed["$defs"]["EstimateLine"]
    line["properties"]["pay_type"]["enum"].append("insurance")
    assert list(breaks(schema(KIND), changed)) == [
        " EstimateLine.pay_type: the field has another type or another range"
    ]


Tag = Callable[[dict[str, Any], list[Any]], None]


@pytest.fixture
def tag(tmp_path: Path) -> Tag:
    """Return a function that tags one event's schema and golden records in a repository."""

    def git(*arguments: str) -> None:
        who = ("-c", "user.name=test", "-c", "user.email=test@example.com")
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True)

    def commit_and_tag(known: dict[str, Any], records: list[Any]) -> None:
        for folder, content in {"schemas": known, "golden": records}.items():
            file = tmp_path / f"shared/contracts/{folder}/{KIND}.json"
            file.parent.mkdir(parents=True)
            file.write_text(json.dumps(content))
        git("add", ".")
        git("commit", "-qm", "contracts")
        git("tag", "v1.0.0")

    git("init", "-q")
    return commit_and_tag


def test_tagged_contracts_may_stay(tag: Tag, tmp_path: Path) -> None:
    tag(schema(KIND), golden_records()[KIND])
    assert broken_since_last_tag(tmp_path) == []


def test_field_of_last_tag_must_stay(tag: Tag, changed: dict[str, Any], tmp_path: Path) -> None:
    changed["properties"]["color"] = {"type": "string"}
    tag(changed, golden_records()[KIND])
    assert broken_since_last_tag(tmp_path) == [
        f"{KIND}.color: the field is gone; a new major version is needed"
    ]


def test_golden_record_of_last_tag_must_stay(tag: Tag, tmp_path: Path) -> None:
    older = deepcopy(golden_records()[KIND])
    older[0]["value"]["rush"] = True
    tag(schema(KIND), older)
    assert broken_since_last_tag(tmp_path) == [
        f"{KIND}: a golden record was changed; only add others behind it"
    ]


def test_repository_without_tag_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert broken_since_last_tag(tmp_path) == []
    assert capsys.readouterr().err == (
        "There is no tag yet: the contracts are compared with nothing.\n"
    )
