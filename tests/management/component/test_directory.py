"""Names of a store's people, bays and check items in one answer (R40)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from deploy.embedded.platform import Platform
from services.management.app import create_app
from shared.clock import SimulatedClock
from shared.ids import new_id
from tests.support.harness import InProcess, in_process

TODAY, LATER = "2026-03-04", "2026-03-10"
STORE = {
    "kind": "store",
    "zh": "苏州启岳园区店",
    "en": "Qiyue Suzhou Park",
    "city": {"zh": "苏州", "en": "Suzhou"},
    "brand": {"zh": "启岳", "en": "Qiyue"},
    "opening": "08:00",
    "closing": "18:00",
    "labor_rate_cents": {"maintenance": 18000},
    "tax_rate_bp": 1300,
    "payment_days": 30,
}


@pytest.fixture(scope="module")
async def management(empty_servers: Platform, clock: SimulatedClock) -> AsyncIterator[InProcess]:
    async with in_process(empty_servers, "management", create_app) as running:
        await define(running, "/group/stores/S81", STORE)
        await define(running, "/group/stores/S82", STORE | {"zh": "南京启岳店"})
        yield running


async def define(
    management: InProcess, path: str, content: dict[str, Any], day: str = TODAY
) -> None:
    manager = management.token("group_manager", "service_manager", stores=["S81", "S82"])
    headers = {"Authorization": f"Bearer {manager}", "Idempotency-Key": str(new_id())}
    shown = await management.client.get(path, headers=headers)
    version = shown.json().get("version", "0")
    defined = await management.client.put(
        path,
        json={"valid_from": day, "reason": "新增", "version": version, "content": content},
        headers=headers,
    )
    assert defined.is_success, defined.text


async def directory(management: InProcess, seen: str = "") -> tuple[str, dict[str, Any] | None]:
    desk = management.token("system", stores=["S81"])
    response = await management.client.get(
        "/stores/S81/directory",
        params={"seen": seen},
        headers={"Authorization": f"Bearer {desk}"},
    )
    assert response.is_success, response.text
    return response.json()["revision"], response.json()["content"]


def person(zh: str, *posts: tuple[str, str | None]) -> dict[str, Any]:
    held = [{"role": role, "in_store": store, "full_time": False} for role, store in posts]
    return {"kind": "person", "zh": zh, "en": zh, "posts": held}


async def test_directory_names_people_and_bays(management: InProcess) -> None:
    adviser = person("何强", ("service_advisor", "S81"))
    await define(management, "/stores/S81/staff/S81-a", adviser)
    await define(management, "/group/staff/m1", person("杨丽", ("group_manager", None)))
    await define(management, "/group/staff/both", person("唐", ("dispatcher", "S81")))
    await define(management, "/group/staff/other", person("宋", ("dispatcher", "S82")))
    await define(
        management,
        "/stores/S81/bays/S81-b1",
        {"kind": "bay", "type": "lift", "number": 3, "capabilities": ["lift"]},
    )
    _, content = await directory(management)
    assert content
    assert content["store"]["zh"] == "苏州启岳园区店"
    assert {key: each["zh"] for key, each in content["people"].items()} == {
        "S81-a": "何强",
        "both": "唐",
        "m1": "杨丽",
    }
    assert content["people"]["m1"]["posts"][0]["in_store"] is None
    assert content["bays"]["S81-b1"]["number"] == 3


async def test_person_is_named_with_posts_everywhere(management: InProcess) -> None:
    held = person("孟", ("technician", "S82"), ("dispatcher", "S81"))
    await define(management, "/group/staff/both-2", held)
    known = await management.get("/group/directory/both-2", "system")
    assert {key: known.json()[key] for key in ("zh", "en")} == {"zh": "孟", "en": "孟"}
    assert {(post["role"], post["in_store"]) for post in known.json()["posts"]} == {
        ("technician", "S82"),
        ("dispatcher", "S81"),
    }
    unknown = await management.get("/group/directory/nobody", "system")
    assert (unknown.status_code, unknown.json()["type"]) == (404, "/problems/unknown_person")
    assert (await management.get("/group/directory/both-2", "service_manager")).status_code == 403


async def test_seen_directory_has_no_content(management: InProcess) -> None:
    revision, _ = await directory(management)
    assert await directory(management, revision) == (revision, None)
    await define(management, "/stores/S82/staff/S82-a", person("许", ("technician", "S82")))
    assert await directory(management, revision) == (revision, None)
    await define(management, "/stores/S81/staff/S81-b", person("许", ("technician", "S81")))
    newer, content = await directory(management, revision)
    assert newer != revision
    assert content
    assert "S81-b" in content["people"]


async def test_person_who_left_keeps_name(management: InProcess, clock: SimulatedClock) -> None:
    headers = {"Authorization": f"Bearer {management.token('service_manager', stores=['S81'])}"}
    ended = await management.client.post(
        "/stores/S81/staff/S81-a/end",
        json={"valid_from": TODAY, "reason": "离职", "version": "1"},
        headers=headers | {"Idempotency-Key": str(new_id())},
    )
    assert ended.is_success, ended.text
    _, content = await directory(management)
    assert content
    assert content["people"]["S81-a"] == {"zh": "何强", "en": "何强", "posts": []}


async def test_check_items_keep_their_names(management: InProcess) -> None:
    def checklist(item: str, zh: str) -> dict[str, Any]:
        items = [{"item": item, "zh": zh, "en": zh}]
        area = {"area": "lounge", "zh": "休息区", "en": "Lounge", "due": "10:00", "items": items}
        return {"kind": "facility_checklist", "areas": [area]}

    await define(management, "/group/rules/facility_checklist", checklist("tea", "茶水"))
    await define(management, "/stores/S81/rules/facility_checklist", checklist("sofa", "沙发"))
    await define(management, "/stores/S81/rules/facility_checklist", checklist("tv", "电视"), LATER)
    _, content = await directory(management)
    assert content
    assert {code: each["zh"] for code, each in content["check_items"].items()} == {
        "tea": "茶水",
        "sofa": "沙发",
        "tv": "电视",
    }


async def test_directory_is_for_the_desk_alone(management: InProcess) -> None:
    manager = management.token("service_manager", stores=["S81"])
    refused = await management.client.get(
        "/stores/S81/directory", headers={"Authorization": f"Bearer {manager}"}
    )
    assert refused.status_code == 403


async def test_stores_have_another_revision_after_change(management: InProcess) -> None:
    async def revision() -> str:
        response = await management.get("/group/stores-revision", "system")
        return str(response.json()["revision"])

    before = await revision()
    assert await revision() == before
    await define(management, "/group/stores/S82", STORE | {"zh": "南京启岳新店"}, LATER)
    assert await revision() != before


async def test_stores_are_listed_by_id(management: InProcess) -> None:
    desk = {"Authorization": f"Bearer {management.token('system')}"}
    listed = await management.client.get(
        "/group/stores", params={"ids": ["S82", "S99"]}, headers=desk
    )
    assert [entry["content"]["zh"] for entry in listed.json()] == ["南京启岳店"]


@pytest.mark.parametrize(
    ("search", "found"),
    [("启岳", ["S81", "S82"]), ("suzhou", ["S81", "S82"]), ("s82", ["S82"]), ("%", [])],
)
async def test_stores_are_found_by_code_or_name(
    management: InProcess, search: str, found: list[str]
) -> None:
    listed = await management.get("/group/stores", "group_manager", search=search)
    assert [entry["code"] for entry in listed.json()] == found
