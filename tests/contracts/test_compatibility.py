"""Compatibility inside a major version: an event only gains optional fields (R39)."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from deploy.docs.schemas import breaking_changes, breaks, schema

REPOSITORY = Path(__file__).parents[2]
KIND = "aftersales.reception.OrderOpened.v1"


@pytest.fixture
def changed() -> dict[str, Any]:
    """Return the schema of an event, to be changed."""
    return deepcopy(schema(KIND))


def test_contracts_have_no_breaking_changes() -> None:
    assert list(breaking_changes(REPOSITORY)) == []


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
