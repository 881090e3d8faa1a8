"""Definitions arrive in portions: each has a result, and a refused one stops none (R40)."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.embedded.platform import Platform
from services.management.app import create_app
from services.management.application import imports, sheets
from services.management.application.imports import LARGEST_PORTION
from services.management.clients.workbooks import write_workbook
from services.management.domain.sheet_import import KEPT_FOR
from services.management.domain.sheets import SheetKind
from shared.clock import SimulatedClock
from shared.contracts.management import BayDefined, CatalogItemDefined
from shared.ids import new_id
from shared.security import Role
from tests.support.decisions import LATER, TODAY, decide, define_stores, profile, states
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


async def test_stores_differ_by_more_than_case(management: InProcess) -> None:
    new = {"collection": "stores", "valid_from": FIRST_DAY, "content": profile("stores", "S03")}
    results = await imported(management, [new | {"code": code} for code in ("T-9", "t-9", "s01")])
    assert [each["rule"] for each in results] == [None, "store_exists", "store_exists"]


async def test_record_of_other_store_is_refused(management: InProcess) -> None:
    first, second = await imported(management, [bay("S01", "S01-same"), bay("S02", "S01-same")])
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


def sheet(kind: SheetKind, *rows: tuple[str, str | None, dict[str, Any]]) -> bytes:
    """Return a workbook with records: code, store that decides, content."""
    return write_workbook(kind, rows)


async def sent(
    management: InProcess, path: str, body: dict[str, Any], role: Role = "group_manager"
) -> httpx.Response:
    token = management.token(role, stores=["S01"])
    return await management.client.post(
        path,
        json=body,
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": str(new_id())},
        timeout=120,
    )


async def uploaded(
    management: InProcess,
    content: bytes,
    path: str = "/group",
    valid_from: str = TODAY,
    **more: Any,
) -> dict[str, Any]:
    """Upload a file, and return what was staged."""
    role: Role = "group_manager" if path == "/group" else "service_manager"
    file = base64.b64encode(content).decode()
    body = {"valid_from": valid_from, "reason": "目录导入", "content": file} | more
    response = await sent(management, f"{path}/sheet-imports", body, role)
    assert response.is_success, response.text
    address = f"{path}/sheet-imports/{response.json()['import_id']}"
    staged: dict[str, Any] = (await management.get(address, role)).json()
    return staged


async def applied(management: InProcess, staged: dict[str, Any], path: str = "/group") -> Any:
    """Apply what was staged, and return the import once it is done."""
    role: Role = "group_manager" if path == "/group" else "service_manager"
    address = f"{path}/sheet-imports/{staged['import_id']}"
    response = await sent(management, f"{address}/apply", {"version": staged["version"]}, role)
    assert response.is_success, response.text
    await management.wait_until_idle()
    return (await management.get(address, role)).json()


def counts(staged: dict[str, Any]) -> tuple[int, ...]:
    return tuple(staged[name] for name in ("new", "changed", "unchanged", "wrong"))


def parts(numbers: range, **changes: Any) -> list[tuple[str, str | None, dict[str, Any]]]:
    content = profile("catalog", "part:OIL-5W30", **changes)
    return [(f"part:X-{number}", None, content) for number in numbers]


async def test_staged_sheet_applies_in_portions(management: InProcess) -> None:
    content = sheet("part", *parts(range(LARGEST_PORTION + 20)))
    staged = await uploaded(management, content)
    assert counts(staged) == (LARGEST_PORTION + 20, 0, 0, 0)
    shown = (await management.get("/group/catalog/part:X-1", "service_advisor")).json()
    assert shown["version"] == "0"
    done = await applied(management, staged)
    assert (done["status"], done["defined"], done["refused"]) == (
        "applied",
        LARGEST_PORTION + 20,
        0,
    )
    shown = (await management.get("/group/catalog/part:X-519", "service_advisor")).json()
    assert (shown["version"], shown["changed_by"]) == ("1", "test-group_manager")


async def test_same_sheet_again_changes_nothing(management: InProcess) -> None:
    staged = await uploaded(management, sheet("part", *parts(range(20))))
    assert counts(staged) == (0, 0, 20, 0)
    assert (await applied(management, staged))["status"] == "applied"


async def test_preview_shows_differences_and_warnings(management: InProcess) -> None:
    dearer = parts(range(1), list_price_cents=0)
    staged = await uploaded(management, sheet("part", *dearer, *parts(range(1, 3))))
    assert counts(staged) == (0, 1, 2, 0)
    address = f"/group/sheet-imports/{staged['import_id']}/rows"
    [row] = (await management.get(address, "group_manager", outcome="changed")).json()
    [difference] = row["differences"]
    assert (row["row"], difference["field"], difference["new"]) == (2, "list_price_cents", 0)
    assert [each["rule"] for each in row["warnings"]] == ["price_zero"]


async def test_wrong_cells_leave_all_unchanged(management: InProcess) -> None:
    listed = await management.get("/group/catalog", "group_manager", starting="part:")
    known = {each["code"].removeprefix("part:") for each in listed.json()}
    wrong = profile("catalog", "operation:MNT-001", parts={"NONE": 1}, symptoms=[])
    right = profile("catalog", "operation:MNT-001", parts={}, symptoms=[])
    rows = [("operation:BAD", None, wrong), ("operation:GOOD", None, right)]
    staged = await uploaded(management, sheet("operation", *rows))
    assert counts(staged) == (1, 0, 0, 1)
    [error] = staged["errors"]
    assert (error["cell"], error["rule"]) == ("L2", "unknown_part")
    assert set(error["expected"].split(", ")) <= known
    address = f"/group/sheet-imports/{staged['import_id']}"
    refused = await sent(management, f"{address}/apply", {"version": staged["version"]})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/sheet_has_errors")
    discarded = await sent(management, f"{address}/discard", {"version": staged["version"]})
    assert discarded.json()["status"] == "discarded"
    assert (await management.get(f"{address}/rows", "group_manager")).json() == []


async def test_unknown_references_name_known_ones(management: InProcess) -> None:
    person = profile("staff", "S01-technician-1")
    post = {"role": "technician", "in_store": "S09", "full_time": True}
    rows = [
        ("S01-new-1", "S01", person | {"shift": "early_shift"}),
        ("new-2", None, person | {"posts": [post]}),
    ]
    staged = await uploaded(management, sheet("person", *rows))
    right = {error["rule"]: error["expected"].split(", ") for error in staged["errors"]}
    assert right["unknown_shift"][0] == "early"
    assert "S01" in right["unknown_store"]


async def test_stored_response_lacks_values(management: InProcess, empty_servers: Platform) -> None:
    wrong = profile("catalog", "operation:MNT-001", parts={"PRIVATE-VALUE": 1}, symptoms=[])
    staged = await uploaded(management, sheet("operation", ("operation:BAD", None, wrong)))
    assert staged["errors"][0]["value"] == "PRIVATE-VALUE"
    connection = await asyncpg.connect(empty_servers.admin_url)
    try:
        stored = await connection.fetch(
            "SELECT response::text FROM management.idempotency WHERE response ? 'import_id'"
        )
    finally:
        await connection.close()
    texts = [row["response"] for row in stored]
    assert any(staged["import_id"] in each for each in texts)
    assert not any("PRIVATE-VALUE" in each or staged["reason"] in each for each in texts)


async def test_unclear_kind_is_asked_for(management: InProcess) -> None:
    file = base64.b64encode(b"code,for_store,price_cents\nbody,S01,1").decode()
    body = {"valid_from": TODAY, "reason": "调价", "content": file}
    refused = await sent(management, "/group/sheet-imports", body)
    [error] = refused.json()["errors"]
    assert (refused.status_code, error["field"], error["rule"]) == (422, "kind", "kind_needed")


async def test_large_export_comes_in_parts(
    management: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    await imported(management, [bay("S01", f"S01-part-{number}") for number in range(5)])
    monkeypatch.setattr(sheets, "MOST_ROWS", 2)
    whole = await management.get("/group/sheets/bay", "group_manager")
    assert (whole.status_code, whole.json()["type"]) == (422, "/problems/too_many_records")
    divided = (await management.get("/group/sheets/bay/parts", "group_manager")).json()
    assert len(divided) > 1
    assert all(each["records"] <= 2 for each in divided)
    unchanged = 0
    for each in divided:
        asked = {"day": TODAY, "after": each["after"], "last": each["last"]}
        exported = await management.get("/group/sheets/bay", "group_manager", **asked)
        assert f'"bay-group-{TODAY}.xlsx"' in exported.headers["Content-Disposition"]
        unchanged += (await uploaded(management, exported.content))["unchanged"]
    assert unchanged == sum(each["records"] for each in divided)


async def test_record_changed_meanwhile_names_first(management: InProcess) -> None:
    staged = await uploaded(management, sheet("part", *parts(range(4, 6), cost_cents=7)))
    changed = await decide(
        management,
        "/group/catalog/part:X-4",
        subject="other-manager",
        content=profile("catalog", "part:OIL-5W30", cost_cents=8),
    )
    assert changed.is_success
    done = await applied(management, staged)
    assert (done["defined"], done["refused"]) == (1, 1)
    address = f"/group/sheet-imports/{staged['import_id']}/rows"
    [row] = (await management.get(address, "group_manager", refused=True)).json()
    assert (row["code"], row["rule"], row["first_by"]) == (
        "part:X-4",
        "version_conflict",
        "other-manager",
    )


async def test_interrupted_sheet_goes_on(
    management: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = imports.import_records, 0

    async def interrupted(*given: Any) -> Any:
        nonlocal calls
        calls += 1
        response = await original(*given)
        if calls == 2:
            raise ConnectionError("gone")
        return response

    staged = await uploaded(
        management, sheet("part", *parts(range(1000, 1000 + LARGEST_PORTION + 1)))
    )
    monkeypatch.setattr(imports, "import_records", interrupted)
    done = await applied(management, staged)
    assert (calls, done["status"], done["defined"]) == (3, "applied", LARGEST_PORTION + 1)
    shown = (await management.get("/group/catalog/part:X-1500", "service_advisor")).json()
    assert shown["version"] == "1"


async def test_store_manager_imports_own_bays_alone(
    management: InProcess, empty_servers: Platform
) -> None:
    content = profile("bays", "S01-lift-1")
    other = await uploaded(management, sheet("bay", ("B-1", "S02", content)), "/stores/S01")
    assert [each["rule"] for each in other["errors"]] == ["another_store"]
    await imported(management, [bay("S02", "S02-b-2")])
    taken = await uploaded(management, sheet("bay", ("S02-b-2", None, content)), "/stores/S01")
    assert [(each["cell"], each["rule"]) for each in taken["errors"]] == [("A2", "owned_elsewhere")]
    own = await uploaded(management, sheet("bay", ("S01-b-3", None, content)), "/stores/S01")
    done = await applied(management, own, "/stores/S01")
    assert (done["status"], done["defined"]) == ("applied", 1)
    [(_, state)] = await states(empty_servers, management, BayDefined, "S01-b-3")
    assert state.for_stores == ("S01",)
    token = management.token("service_manager", stores=["S01"])
    of_group = await management.client.get(
        f"/group/sheet-imports/{own['import_id']}", headers={"Authorization": f"Bearer {token}"}
    )
    refused = await management.get("/stores/S01/sheets/part", "service_manager")
    assert (of_group.status_code, refused.status_code) == (403, 404)


async def test_person_of_other_store_is_refused(management: InProcess) -> None:
    person = profile("staff", "S02-technician-1", shift=None)
    staged = await uploaded(management, sheet("person", ("N-1", None, person)), "/stores/S01")
    assert [(each["cell"], each["rule"]) for each in staged["errors"]] == [("C2", "post_elsewhere")]


async def test_sheet_of_store_has_people_moved_there(management: InProcess) -> None:
    person = profile("staff", "S02-technician-1", shift=None)
    here = [{"role": "technician", "in_store": "S01", "full_time": True}]
    there = [{"role": "technician", "in_store": "S02", "full_time": True}]
    moves = [("1", TODAY, here), ("2", LATER, there)]
    own = await decide(
        management, "/stores/S02/staff/S02-moved-1", "service_manager", store="S02", content=person
    )
    assert own.is_success, own.text
    for version, day, posts in moves:
        moved = await decide(
            management,
            "/group/staff/S02-moved-1",
            version=version,
            content=person | {"posts": posts},
            valid_from=day,
        )
        assert moved.is_success, moved.text

    exported = await management.get("/stores/S01/sheets/person", "service_manager", day=TODAY)
    again = await uploaded(management, exported.content, "/stores/S01")
    assert counts(again) == (0, 0, 1, 0), again["errors"]
    [part_of] = (await management.get("/stores/S01/sheets/person/parts", "service_manager")).json()
    assert (part_of["first"], part_of["records"]) == ("S02-moved-1", 1)
    later = await management.get("/stores/S01/sheets/person", "service_manager", day=LATER)
    nobody = await uploaded(management, later.content, "/stores/S01")
    assert [each["rule"] for each in nobody["errors"]] == ["no_rows"]

    row = sheet("person", ("S02-moved-1", None, person | {"posts": here, "time_factor": 1.1}))
    staged = await uploaded(management, row, "/stores/S01")
    assert counts(staged) == (0, 1, 0, 0), staged["errors"]
    done = await applied(management, staged, "/stores/S01")
    assert (done["status"], done["defined"]) == ("applied", 1)
    too_late = await uploaded(management, row, "/stores/S01", valid_from=LATER)
    assert [each["rule"] for each in too_late["errors"]] == ["owned_elsewhere"]


async def test_export_comes_back_unchanged(management: InProcess) -> None:
    exports = [("/group", "store"), ("/group", "bay"), ("/group", "part"), ("/stores/S01", "bay")]
    for path, kind in exports:
        role: Role = "group_manager" if path == "/group" else "service_manager"
        exported = await management.get(f"{path}/sheets/{kind}", role, day=TODAY)
        assert exported.is_success, exported.text
        staged = await uploaded(management, exported.content, path)
        assert staged["unchanged"] > 0
        assert counts(staged) == (0, 0, staged["unchanged"], 0)


async def test_template_has_no_record(management: InProcess) -> None:
    template = await management.get("/group/sheets/person/template", "group_manager")
    staged = await uploaded(management, template.content)
    assert [(each["cell"], each["rule"]) for each in staged["errors"]] == [("A2", "no_rows")]


async def test_staged_sheet_expires(management: InProcess, clock: SimulatedClock) -> None:
    staged = await uploaded(management, sheet("part", *parts(range(2000, 2001))))
    clock.set(clock.now() + KEPT_FOR)
    await management.wait_until_idle()
    address = f"/group/sheet-imports/{staged['import_id']}"
    shown = (await management.get(address, "group_manager")).json()
    assert shown["status"] == "expired"
    refused = await sent(management, f"{address}/apply", {"version": shown["version"]})
    assert refused.json()["type"] == "/problems/not_staged"
