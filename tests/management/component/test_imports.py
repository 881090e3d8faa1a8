"""Definitions arrive in portions: each has a result, and a refused one stops none (R40)."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from deploy.embedded.platform import Platform
from services.management.app import create_app
from services.management.application.imports import LARGEST_PORTION
from shared.clock import SimulatedClock
from shared.contracts.management import BayDefined, CatalogItemDefined
from shared.ids import new_id
from tests.support.decisions import LATER, TODAY, define_stores, profile, states
from tests.support.harness import InProcess, in_process

FIRST_DAY = "2026-01-01"


@pytest.fixture(scope="module")
async def management(empty_servers: Platform, clock: SimulatedClock) -> AsyncIterator[InProcess]:
    async with in_process(empty_servers, "management", create_app) as running:
        await define_stores(running, ("S01", "S02"))
        yield running


def part(code: str, valid_from: str = FIRST_DAY, **changes: Any) -> dict[str, Any]:
    content = profile("catalog", "part:OIL-5W30", **changes)
    return {
        "collection": "catalog",
        "code": f"part:{code}",
        "valid_from": valid_from,
        "content": content,
    }


def bay(store: str, code: str) -> dict[str, Any]:
    return {
        "collection": "bays",
        "for_store": store,
        "code": code,
        "valid_from": FIRST_DAY,
        "content": profile("bays", "S01-lift-1"),
    }


async def imported(
    management: InProcess, definitions: list[dict[str, Any]], *, only_new: bool = False
) -> list[dict[str, Any]]:
    token = management.token("group_manager", stores=[])
    response = await management.client.post(
        "/group/imports",
        json={"reason": "目录导入", "only_new": only_new, "definitions": definitions},
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": str(new_id())},
        timeout=60,
    )
    assert response.is_success, response.text
    results: list[dict[str, Any]] = response.json()["results"]
    return results


def results_of(results: list[dict[str, Any]]) -> list[str]:
    return [result["result"] for result in results]


async def test_refused_definitions_stop_no_others(
    management: InProcess, empty_servers: Platform
) -> None:
    definitions = [
        part(f"P-{number}", skill_code="magic" if number % 100 == 7 else "maintenance")
        for number in range(LARGEST_PORTION)
    ]
    results = await imported(management, definitions)
    expected = ["defined"] * LARGEST_PORTION
    expected[7::100] = ["refused"] * 5
    assert results_of(results) == expected
    assert (results[7]["field"], results[7]["rule"]) == ("content.skill_code", "unknown_skill")
    announced = await states(empty_servers, management, CatalogItemDefined, "part:P-8")
    assert [received.envelope.sequence for received, _ in announced] == [1]
    connection = await asyncpg.connect(empty_servers.admin_url)
    try:
        rows = await connection.fetch("SELECT record_id FROM management.record WHERE version = 0")
    finally:
        await connection.close()
    assert rows == []


async def test_larger_portion_is_refused(management: InProcess) -> None:
    token = management.token("group_manager", stores=[])
    definitions = [part(f"P-{number}") for number in range(LARGEST_PORTION + 1)]
    response = await management.client.post(
        "/group/imports",
        json={"reason": "目录导入", "definitions": definitions},
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": str(new_id())},
    )
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "definitions"


async def test_known_record_is_kept_where_only_new(management: InProcess) -> None:
    changed = part("P-1", TODAY, cost_cents=1)
    assert results_of(await imported(management, [changed, part("NEW")], only_new=True)) == [
        "kept",
        "defined",
    ]
    assert results_of(await imported(management, [changed, part("NEW")])) == [
        "defined",
        "unchanged",
    ]


async def test_version_is_replaced_by_later_begun_one(management: InProcess) -> None:
    versions = [
        part("V", "2026-02-01", cost_cents=1),
        part("V", "2026-03-01", cost_cents=2),
        part("V", LATER, cost_cents=3),
    ]
    assert results_of(await imported(management, versions)) == ["replaced", "defined", "defined"]
    shown = (await management.get("/group/catalog/part:V", "service_advisor")).json()
    assert [each["valid_from"] for each in shown["versions"]] == ["2026-03-01", LATER]


async def test_definition_may_name_an_earlier_one(management: InProcess) -> None:
    package = {
        "collection": "catalog",
        "code": "package:OIL",
        "valid_from": FIRST_DAY,
        "content": {
            "kind": "package",
            "zh": "套餐",
            "en": "Package",
            "op_codes": ["OIL-1"],
            "parts": {"FRESH": 1},
            "price_cents": 0,
        },
    }
    operation = {
        "collection": "catalog",
        "code": "operation:OIL-1",
        "valid_from": FIRST_DAY,
        "content": profile("catalog", "operation:MNT-001", parts={"FRESH": 1}, symptoms=[]),
    }
    refused, *defined = await imported(management, [package, part("FRESH"), operation, package])
    assert (refused["rule"], refused["field"]) == ("unknown_operation", "content.op_codes.0")
    assert results_of(defined) == ["defined"] * 3
    assert [warning["rule"] for warning in defined[-1]["warnings"]] == ["price_zero"]


async def test_store_and_its_bay_come_together(
    management: InProcess, empty_servers: Platform
) -> None:
    store = {
        "collection": "stores",
        "code": "S03",
        "valid_from": FIRST_DAY,
        "content": profile("stores", "S03"),
    }
    first, last, unknown = await imported(
        management, [bay("S03", "S03-new-1"), store, bay("S99", "S99-1")]
    )
    assert results_of([first, last]) == ["defined"] * 2
    assert (unknown["rule"], unknown["field"]) == ("unknown_store", "for_store")
    [(_, state)] = await states(empty_servers, management, BayDefined, "S03-new-1")
    assert state.for_stores == ("S03",)


async def test_record_of_other_store_is_refused(management: InProcess) -> None:
    first, second = await imported(management, [bay("S01", "same"), bay("S02", "same")])
    assert (first["result"], second["rule"]) == ("defined", "owned_elsewhere")


@pytest.mark.parametrize(
    ("definition", "rule"),
    [
        (bay("S01", "x") | {"for_store": None}, "decided_by_others"),
        (part("x") | {"for_store": "S01"}, "decided_by_others"),
        (part("x") | {"code": "lunch:1"}, "unknown_kind"),
        (part("x") | {"code": "operation:x"}, "another_kind"),
    ],
)
async def test_impossible_record_is_refused(
    management: InProcess, definition: dict[str, Any], rule: str
) -> None:
    [result] = await imported(management, [definition])
    assert (result["result"], result["rule"]) == ("refused", rule)
