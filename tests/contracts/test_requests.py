"""Input checks: every field of every operation refuses, by its name, values that cannot be stored
or computed (R39, R40).

The fields are those that the services describe; no service runs, as no request here is let in.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, get_args
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from httpx import ASGITransport

from shared.issuer import DevelopmentIssuer
from shared.security import Role
from tests.support.idle_services import Idle

LONG, MANY = 220_000, 5_000
"""Size above the limit of every field without a limit of its own."""

LONG_IN_AN_ADDRESS = 1_000
MOMENTS = (
    "0001-01-01T00:00:00+14:00",
    "1989-12-31T12:00:00Z",
    "2101-01-02T12:00:00Z",
    "9999-12-31T23:59:59-12:00",
)
DAYS = ("0001-01-01", "1989-12-31", "2101-01-02", "9999-12-31")
NUMBERS = (2**63, -(2**63) - 1, float("nan"), float("inf"))

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Input:
    """Field of an operation, by its place there; ``beside`` names which of several bodies."""

    service: str
    method: str
    path: str
    place: str
    name: tuple[str, ...]
    schema: Schema
    media_type: str = ""
    beside: dict[str, Any] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """Return the first part of field error names where there are several bodies."""
        return "".join(f"{kind}." for kind in self.beside.values())


def inputs(service: str, app: FastAPI) -> Iterator[Input]:
    description = app.openapi()
    parts = description["components"]["schemas"]
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            body = operation.get("requestBody", {}).get("content", {})
            media_type = next(iter(body), "")
            for each in operation.get("parameters", ()):
                for name, schema in fields(each["schema"], parts, (each["name"],)):
                    yield Input(service, method, path, each["in"], name, schema, media_type)
            if media_type == "application/json":
                for beside, schema in bodies(body[media_type]["schema"], parts):
                    for name, leaf in fields(schema, parts, ()):
                        yield Input(service, method, path, "body", name, leaf, media_type, beside)


def bodies(schema: Schema, parts: Schema) -> Iterator[tuple[dict[str, Any], Schema]]:
    """Yield the kinds of a body, each with the value that tells it from the others."""
    by = schema.get("discriminator")
    if by is None:
        yield {}, schema
        return
    for value, reference in by["mapping"].items():
        yield {by["propertyName"]: value}, {"$ref": reference}


def fields(
    schema: Schema, parts: Schema, name: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """Yield every value inside ``schema``: lists and objects too, their content, and their keys."""
    if "$ref" in schema:
        yield from fields(parts[schema["$ref"].rsplit("/", 1)[1]], parts, name)
        return
    for kind in schema.get("anyOf", ()):
        yield from fields(kind, parts, name)
    if "anyOf" in schema or schema.get("type") == "null":
        return
    if name or schema.get("type") == "object":
        yield name, schema
    for key, value in schema.get("properties", {}).items():
        yield from fields(value, parts, (*name, key))
    for value in maps(schema):
        yield from fields(value, parts, (*name, "key"))
    if "items" in schema:
        yield from fields(schema["items"], parts, (*name, "0"))


def maps(schema: Schema) -> list[Schema]:
    """Return the value schemas of an object with keys of the caller's choice."""
    others = schema.get("additionalProperties")
    return [
        *schema.get("patternProperties", {}).values(),
        *([others] if isinstance(others, Mapping) else []),
    ]


def hostile(each: Input) -> Iterator[Any]:
    """Yield values that the field must refuse, whatever its meaning, as far as they can be written
    there: only JSON has lone surrogates, and addresses and headers are short.
    """
    schema, in_body = each.schema, each.place == "body"
    match schema.get("type"):
        case "string":
            longest = schema.get("maxLength", LONG if in_body else LONG_IN_AN_ADDRESS)
            yield from ("a\0b", "x" * (longest + 1), *["\ud800"] * in_body)
            yield from {"date": DAYS, "date-time": MOMENTS}.get(schema.get("format", ""), ())
        case "integer" | "number":
            yield from NUMBERS
        case "array":
            yield ["x"] * (schema.get("maxItems", MANY if in_body else LONG_IN_AN_ADDRESS) + 1)
        case "object":
            yield {"\ud800": 1}
            if maps(schema):
                yield {
                    f"key{number}": None for number in range(schema.get("maxProperties", MANY) + 1)
                }


def named(each: Input, value: Any, faults: Sequence[Mapping[str, str]]) -> bool:
    """Return whether one of ``faults`` names the field, or the invalid key in it."""
    found = {fault["field"].removeprefix(each.prefix) for fault in faults}
    name = ".".join(each.name)
    keys = value if isinstance(value, dict) else ()
    inside = {".".join(filter(None, (name, key.replace("\ud800", r"\ud800")))) for key in keys}
    return not found.isdisjoint({name, name.removesuffix(".0")} | inside)


class Interfaces:
    """Applications of the four services, none of them started."""

    def __init__(self, apps: Mapping[str, FastAPI], issuer: DevelopmentIssuer) -> None:
        self.apps = apps
        self._issuer = issuer
        token = self._token(*get_args(Role))
        self._clients = {
            service: httpx.AsyncClient(
                transport=ASGITransport(app, raise_app_exceptions=False),
                base_url="http://service",
                headers={"Authorization": f"Bearer {token}"},
            )
            for service, app in apps.items()
        }

    def _token(self, *roles: Role) -> str:
        return self._issuer.token("S01-test-1", roles=roles, stores=["S01"])

    async def readers(self, service: str, path: str) -> set[Role]:
        """Return the roles that may read."""
        address = re.sub(r"{\w+}", "1", path.replace("{store_id}", "S01"))
        readers: set[Role] = set()
        for role in get_args(Role):
            headers = {"Authorization": f"Bearer {self._token(role)}"}
            response = await self._clients[service].get(address, headers=headers)
            if response.status_code != HTTPStatus.FORBIDDEN:
                readers.add(role)
        return readers

    def inputs(self) -> list[Input]:
        return [each for service, app in self.apps.items() for each in inputs(service, app)]

    async def call(self, each: Input, value: Any) -> httpx.Response:
        headers = {"Idempotency-Key": "test-key-1", "Content-Type": each.media_type}
        path, content = each.path, b"{}"
        query: dict[str, str | list[str]] = {}
        match each.place:
            case "path":
                path = path.replace(f"{{{each.name[0]}}}", quote(str(value), safe=""))
            case "query":
                query = (
                    {each.name[0]: [str(part) for part in value]}
                    if isinstance(value, list)
                    else {each.name[0]: str(value)}
                )
            case "header":
                headers[each.name[0]] = str(value)
            case "body":
                content = json.dumps(each.beside | around(each.name, value)).encode()
        path = path.replace("{store_id}", "S01")
        return await self._clients[each.service].request(
            each.method, path, params=query, headers=headers, content=content
        )


def around(name: tuple[str, ...], value: Any) -> Any:
    """Return a body that has ``value`` at ``name``, and nothing else."""
    for key in reversed(name):
        value = [value] if key == "0" else {key: value}
    return value


@pytest.fixture(scope="module")
def interfaces(idle: Idle) -> Interfaces:
    return Interfaces(idle.apps, idle.issuer)


ADVISORS = ("service_advisor", "front_desk_supervisor", "service_manager")
FRONT_OFFICE = (*ADVISORS, "customer_care_agent", "customer_care_manager")
GROUP = (
    "group_service_manager",
    "group_parts_manager",
    "group_customer_care_manager",
    "group_finance_manager",
    "group_manager",
)
OFFICE = (
    *FRONT_OFFICE,
    "dispatcher",
    "quality_inspector",
    "claims_clerk",
    "parts_clerk",
    "cashier",
    *GROUP,
)
PLAN = (
    *FRONT_OFFICE,
    "dispatcher",
    "technician",
    "quality_inspector",
    "parts_clerk",
    "group_service_manager",
    "group_parts_manager",
    "group_manager",
)

READS = {
    "all": (*OFFICE, "technician"),
    "technical": (*OFFICE, "technician", "trainer"),
    "catalog": (*OFFICE, "technician", "trainer", "sales_manager"),
    "corrective_actions": (*OFFICE, "technician", "sales_manager"),
    "leads": (*FRONT_OFFICE, "sales_manager"),
    "plan": PLAN,
    "money": (*FRONT_OFFICE, "claims_clerk", "cashier", *GROUP),
    "receivables": (
        *ADVISORS,
        "cashier",
        "group_service_manager",
        "group_finance_manager",
        "group_manager",
    ),
    "claims": (
        *ADVISORS,
        "claims_clerk",
        "group_service_manager",
        "group_finance_manager",
        "group_manager",
    ),
    "arrivals": (
        *FRONT_OFFICE,
        "dispatcher",
        "group_service_manager",
        "group_customer_care_manager",
        "group_manager",
    ),
    "appointments": (
        *FRONT_OFFICE,
        "dispatcher",
        "parts_clerk",
        "group_service_manager",
        "group_parts_manager",
        "group_customer_care_manager",
        "group_manager",
    ),
    "persons": FRONT_OFFICE,
    "vehicles": (*FRONT_OFFICE, "claims_clerk"),
    "daily_kpis": OFFICE,
    "profit": ("service_manager", "customer_care_manager", *GROUP),
    "master_data": (*OFFICE, "trainer"),
    "listed_for_desk": (*OFFICE, "trainer", "system"),
    "desk": ("system",),
    "oversight": ("dispatcher", "service_manager", "group_service_manager", "group_manager"),
    "load": (*FRONT_OFFICE, "dispatcher", "system"),
    "letters": (*FRONT_OFFICE, "system"),
    "calls": ("customer_care_agent", "customer_care_manager", "service_manager"),
    "customer_agents": ("customer_care_manager", "service_manager"),
    "complaints": (*FRONT_OFFICE, "group_customer_care_manager", "group_manager"),
    "escalated_complaints": ("group_customer_care_manager", "group_manager"),
    "department_requests": (
        *FRONT_OFFICE,
        *("cashier", "claims_clerk", "dispatcher", "parts_clerk"),
        *("quality_inspector", "technician"),
    ),
    "own_roles": (*OFFICE, "technician", "trainer", "operator", "system"),
    "surveys": (
        *("customer_care_agent", "customer_care_manager", "service_manager"),
        *("group_customer_care_manager", "group_service_manager", "group_manager"),
    ),
    "group_surveys": ("group_customer_care_manager", "group_manager"),
    "personal_data": (
        "customer_care_manager",
        "group_customer_care_manager",
        "group_manager",
    ),
    "erasures": (
        "customer_care_manager",
        "group_customer_care_manager",
        "group_finance_manager",
        "group_manager",
    ),
    "kept_by_law": ("group_finance_manager", "group_manager"),
    "signature": ADVISORS,
    "own_attendance": (
        *FRONT_OFFICE,
        "dispatcher",
        "technician",
        "quality_inspector",
        "claims_clerk",
        "parts_clerk",
        "cashier",
        "sales_manager",
    ),
    "attendance": ("service_manager", "group_service_manager", "group_manager"),
    "group_sheets": ("group_manager",),
    "store_sheets": ("service_manager",),
    "leave": (
        *FRONT_OFFICE,
        "dispatcher",
        "technician",
        "quality_inspector",
        "claims_clerk",
        "parts_clerk",
        "cashier",
        "sales_manager",
        "group_manager",
    ),
    "group": GROUP,
    "operators": ("operator",),
    "status": ("operator", "system"),
    "anybody": (),
}
"""Groups of roles that read the same."""

SHEETS = (
    "/sheets/{kind}",
    "/sheets/{kind}/template",
    "/sheets/{kind}/parts",
    "/sheet-imports",
    "/sheet-imports/{import_id}",
    "/sheet-imports/{import_id}/rows",
)
"""Reads of sheets, of the group or of a store."""

WHO_READS = {
    "money": (
        "/orders/{order_id}/estimates",
        "/orders/{order_id}/estimates/{version}/offer",
        "/orders/{order_id}/work-to-reoffer",
        "/orders/{order_id}/invoice",
        "/orders/{order_id}/star",
        "/orders/{order_id}/feedback",
        "/voucher-months",
        "/orders/{order_id}/vouchers",
        "/vouchers",
        "/vouchers/{voucher_id}",
    ),
    "catalog": ("/catalog", "/parts", "/parts/named", "/checklists"),
    "corrective_actions": (
        "/corrective-actions",
        "/corrective-actions/{corrective_action_id}",
    ),
    "leads": ("/leads", "/lead-counts", "/lead-models"),
    "technical": (
        "/jobs",
        "/jobs/{job_id}",
        "/inspection-checklists",
    ),
    "plan": ("/plan", "/board", "/absences", "/jobs/{job_id}/time-corrections"),
    "receivables": ("/receivables", "/held-money"),
    "claims": ("/claims", "/claims/{claim_id}"),
    "arrivals": ("/arrivals",),
    "appointments": (
        "/appointments",
        "/appointments/{appointment_id}",
        "/appointments/{appointment_id}/cancellation",
        "/outstanding",
    ),
    "persons": (
        "/orders/{order_id}/links",
        "/vehicles/{plate}",
        "/customers",
        "/customers/{customer_ref}",
        "/inquiries",
        "/inquiries/summary",
        "/conversations",
        "/conversations/{conversation_id}",
        "/customers/{customer_ref}/conversations",
        "/customers/{customer_ref}/completeness",
        "/customers/{customer_ref}/contact-preferences",
        "/customers/{customer_ref}/consents",
        "/customers/{customer_ref}/birthday",
        "/record-gaps",
        "/customers/{customer_ref}/standing",
        "/vehicle-records/{vehicle_ref}",
        "/vehicle-records/{vehicle_ref}/timeline",
        "/customers/{customer_ref}/card",
        "/customers/{customer_ref}/timeline",
        "/follow-ups",
        "/loyalty/customers",
        "/loyalty/trend",
        "/messages",
        "/orders/{order_id}/entitlements",
    ),
    "vehicles": ("/registered-vehicles/{vehicle_ref}",),
    "personal_data": ("/customers/{customer_ref}/kept-data", "/kept-data"),
    "erasures": ("/erasures",),
    "kept_by_law": ("/erasures/{customer_ref}/blocked-record",),
    "daily_kpis": (
        "/daily-kpis",
        "/daily-reports",
        "/monthly-retention",
        "/monthly-renewals",
    ),
    "profit": ("/lifetime-value", "/costs", "/costs/{code}", "/costs/{code}/history"),
    "master_data": (
        *(
            f"{collection}{path}"
            for collection in (
                "/group/rules",
                "/group/stores",
                "/group/staff",
                "/group/catalog",
                "/group/prices",
                "/rules",
                "/bays",
                "/staff",
                "/prices",
            )
            for path in ("", "/{code}", "/{code}/history")
            if (collection, path) not in {("/group/rules", ""), ("/group/stores", "")}
        ),
    ),
    "group_sheets": tuple(f"/group{path}" for path in SHEETS),
    "store_sheets": SHEETS,
    "listed_for_desk": ("/group/rules", "/group/stores"),
    "desk": ("/directory", "/group/directory/{person_id}", "/group/stores-revision"),
    "oversight": ("/overrides", "/staffing"),
    "own_attendance": ("/attendance/mine",),
    "attendance": ("/attendance", "/attendance/{person_id}/{day}"),
    "leave": ("/leave-requests", "/leave-requests/{leave_request_id}"),
    "load": ("/load",),
    "letters": ("/messages/{message_id}", "/registered-customers/{customer_ref}"),
    "surveys": ("/surveys", "/surveys/{survey_id}", "/survey-results"),
    "group_surveys": ("/group/survey-results",),
    "calls": (
        "/call-tasks",
        "/campaign-invitations/{invitation_id}",
        "/campaigns",
        "/campaigns/{campaign_id}",
        "/campaigns/{campaign_id}/invitations",
        "/campaigns/{campaign_id}/price-breaches",
        "/customers-at-risk",
        "/defection-summary",
        "/due-calls",
        "/follow-up-reports/{month}",
        "/insurance/insurers",
        "/insurance/policies",
        "/insurance/policies/{policy_id}",
        "/lapses",
        "/service-reminders",
        "/service-reminders/{reminder_id}",
    ),
    "customer_agents": (
        "/customer-agents",
        "/customer-agents/{agent_id}/customers",
        "/customer-imports",
        "/customer-imports/{import_id}",
        "/customer-imports/{import_id}/errors",
        "/customer-imports/{import_id}/rows",
        "/duplicates",
    ),
    "complaints": ("/complaints", "/complaints/{complaint_id}", "/public-posts"),
    "escalated_complaints": ("/group/escalated-complaints",),
    "department_requests": ("/department-requests",),
    "own_roles": ("/own-roles",),
    "signature": ("/orders/{order_id}/signature",),
    "group": ("/group/daily-reports",),
    "operators": ("/dead-letters", "/dead-letters/{letter_id}"),
    "status": ("/status",),
    "anybody": (
        "/authorizations/{token}",
        "/survey-links/{token}",
        "/health/live",
        "/health/ready",
        "/metrics",
        "/schemas/{kind}.json",
    ),
}
"""Reads that are not for all roles, by their readers."""


async def test_each_role_reads_only_its_paths(interfaces: Interfaces) -> None:
    expected = {path: READS[group] for group, paths in WHO_READS.items() for path in paths}
    seen, wrong = set(), []
    for service, app in interfaces.apps.items():
        for path, operations in app.openapi()["paths"].items():
            short = path.removeprefix("/stores/{store_id}")
            allowed = expected.get(short, READS["all"])
            if "get" in operations and allowed:
                seen.add(short)
                readers = await interfaces.readers(service, path)
                wrong += [(path, readers)] if readers != set(allowed) else []
    assert wrong == []
    assert {path for path, roles in expected.items() if roles} <= seen


CONFIDENTIAL = re.compile(
    r"_cents$|^(feedback|discount|credit(?!s$)|collected|effective_labor_rate|output_per)"
)


PRICE_LIST = {f"/stores/{{store_id}}/{each}" for each in ("catalog", "parts", "parts/named")}
"""List prices and labor rates, which each store displays in its lounge (价格公示)."""


def test_money_fields_are_optional_for_all_roles(interfaces: Interfaces) -> None:
    """Check that money and opinions are optional in reads of roles without access to money."""
    readers = {path: READS[group] for group, paths in WHO_READS.items() for path in paths}
    told, found = [], 0
    for app in interfaces.apps.values():
        description = app.openapi()
        parts = description["components"]["schemas"]
        for path, operations in description["paths"].items():
            allowed = readers.get(path.removeprefix("/stores/{store_id}"), READS["all"])
            sees_money = set(allowed) <= {*READS["money"], "operator", "system"}
            if "get" not in operations or sees_money or path in PRICE_LIST:
                continue
            content = operations["get"]["responses"]["200"].get("content", {})
            response = content.get("application/json", {}).get("schema", {})
            for name, schema in properties(response, parts):
                if CONFIDENTIAL.search(name):
                    found += 1
                    told += [] if may_be_absent(schema) else [(path, name)]
    assert told == []
    assert found


def properties(schema: Schema, parts: Schema) -> Iterator[tuple[str, Schema]]:
    """Yield every named value inside ``schema``, but for content of optional ones."""
    if "$ref" in schema:
        schema = parts[schema["$ref"].rsplit("/", 1)[1]]
    for kind in (*schema.get("anyOf", ()), *filter(None, [schema.get("items")]), *maps(schema)):
        yield from properties(kind, parts)
    for name, value in schema.get("properties", {}).items():
        yield name, value
        if not may_be_absent(value):
            yield from properties(value, parts)


def may_be_absent(schema: Schema) -> bool:
    return {"type": "null"} in schema.get("anyOf", ())


async def test_hostile_value_is_rejected_by_field_name(interfaces: Interfaces) -> None:
    tried, accepted = 0, []
    for each in interfaces.inputs():
        for value in hostile(each):
            tried += 1
            response = await interfaces.call(each, value)
            if not (response.is_client_error and named(each, value, response.json()["errors"])):
                accepted.append((each, repr(value)[:40], response.status_code, response.text[:200]))
    assert tried > 1000
    assert not accepted, "\n".join(map(repr, accepted))
