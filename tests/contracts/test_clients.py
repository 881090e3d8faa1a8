"""Generator of typed clients: from descriptions to Python."""

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any, get_args

import pytest

from deploy.clients.choices import with_named_choices
from deploy.clients.openapi import (
    ROUTERS,
    Description,
    UnsupportedError,
    as_reference,
    describe,
)
from deploy.clients.python import default_of, docstring, type_of
from shared.clients.access import roles_of
from shared.clients.bodies import RequestBody, ResponseBody
from shared.clients.reception.client import ReceptionApi
from shared.contracts.reception import PayType

OPEN = {
    "reception": {"show_offer", "decide_offer"},
    "crm": {"show_survey", "answer_by_link", "receive_message"},
    "platform": {"live", "ready", "event_schema"},
}
"""Operations that everybody may call, by service."""

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


@pytest.mark.parametrize("service", ROUTERS)
def test_operations_describe_every_path_parameter(service: str) -> None:
    for operation in describe(service).operations:
        described = {each["name"] for each in operation.parameters("path")}
        assert described == set(operation.path_parameters), operation.path


def test_coded_values_get_names_of_their_own() -> None:
    status = {"type": "string", "enum": ["open", "closed"]}
    kind = {"type": "string", "enum": ["a", "b"]}
    schemas: dict[str, dict[str, Any]] = {
        "JobView": {"properties": {"status": status, "part_kind": {"anyOf": [kind]}}},
        "LongerJobView": {"properties": {"status": status}},
        "Contract": {"properties": {"status": status}},
    }
    named = with_named_choices(Description("none", [], schemas), {"Contract"}).schemas
    assert named["JobStatus"] == {"enum": ["open", "closed"]}
    assert named["PartKind"] == {"enum": ["a", "b"]}
    assert named["LongerJobView"]["properties"]["status"] == as_reference("JobStatus")
    assert named["Contract"] == schemas["Contract"]


def test_coded_values_of_contracts_keep_their_name() -> None:
    pay_type = {"enum": list(get_args(PayType))}
    schemas = {"LineView": {"properties": {"payer": pay_type}}}
    named = with_named_choices(Description("reception", [], schemas), ()).schemas
    assert named["LineView"]["properties"]["payer"] == as_reference("PayType")
    assert "PayType" not in named


def test_operation_names_roles_that_may_call_it() -> None:
    assert roles_of(ReceptionApi.approve_waiver) == {"service_manager", "group_manager"}


@pytest.mark.parametrize("service", ROUTERS)
def test_only_open_operations_have_no_roles(service: str) -> None:
    opened = {operation.name for operation in describe(service).operations if not operation.roles}
    assert opened == OPEN.get(service, set())


@pytest.mark.parametrize("service", sorted(ROUTERS.keys() - {"platform"}))
def test_every_operation_is_described(service: str) -> None:
    operations = describe(service).operations
    assert [each.name for each in operations if not each.content.get("description")] == []
