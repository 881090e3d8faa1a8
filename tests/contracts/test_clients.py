"""Generator of typed clients: from descriptions to Python."""

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pytest

from deploy.clients.openapi import ROUTERS, UnsupportedError, describe
from deploy.clients.python import default_of, docstring, type_of
from shared.clients.bodies import RequestBody, ResponseBody

NULLABLE_TEXT = {"anyOf": [{"type": "string", "maxLength": 40}, {"type": "null"}]}


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        ({"$ref": "#/components/schemas/JobView"}, "JobView"),
        (NULLABLE_TEXT, "str | None"),
        ({"type": "string", "format": "date-time"}, "AwareDatetime"),
        ({"type": "string", "enum": ["ok", "failed"]}, "Literal['ok', 'failed']"),
        ({"type": "string", "const": "ready"}, "Literal['ready']"),
        ({"type": "array", "items": {"type": "integer"}}, "list[int]"),
        (
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "number"}]},
            "tuple[int, float]",
        ),
        ({"type": "object", "additionalProperties": {"type": "boolean"}}, "dict[str, bool]"),
        ({"type": "object", "patternProperties": {"^a": NULLABLE_TEXT}}, "dict[str, str | None]"),
        ({"type": "object", "additionalProperties": True}, "dict[str, Any]"),
        ({}, "Any"),
    ],
)
def test_schema_becomes_type(schema: Mapping[str, Any], written: str) -> None:
    assert type_of(schema) == written


@pytest.mark.parametrize("schema", [{"type": "object", "properties": {}}, {"type": "decimal"}])
def test_schema_of_unknown_kind_is_refused(schema: Mapping[str, Any]) -> None:
    with pytest.raises(UnsupportedError):
        type_of(schema)


def test_default_time_is_read_when_loaded() -> None:
    schema = {"type": "string", "format": "date-time", "default": "2100-12-31T23:59:59Z"}
    assert default_of(schema) == "datetime.fromisoformat('2100-12-31T23:59:59Z')"


def test_docstring_is_wrapped_and_leaves_out_errors() -> None:
    written = docstring(f"{'车间 ' * 20}opens.\n\nRaises:\n    Problem: 409.", 4)
    assert "Raises" not in written
    assert written.count("\n") == 2


@pytest.mark.parametrize("service", ROUTERS)
def test_models_of_service_can_be_built(service: str) -> None:
    module = import_module(f"shared.clients.{service}.models")
    models = [each for each in vars(module).values() if inspect.isclass(each)]
    generated = [each for each in models if issubclass(each, RequestBody | ResponseBody)]
    assert all(each.model_rebuild(force=True) for each in generated)
    assert len(generated) > len((RequestBody, ResponseBody))


@pytest.mark.parametrize("service", ROUTERS)
def test_operations_of_service_have_names_of_their_own(service: str) -> None:
    names = [operation.name for operation in describe(service).operations]
    assert sorted(set(names)) == sorted(names)
