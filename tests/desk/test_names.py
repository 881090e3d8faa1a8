"""Stores, people and bays at the desk, as management decides on them while it runs (R40)."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest_asyncio
from playwright.async_api import expect

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from shared.ids import new_id
from tests.support.desk import Desk
from tests.support.polling import PATIENCE_S, until

GROUP_MANAGER, RECEPTIONIST = "group-manager-1", "S01-manager-1"
TODAY = "2026-03-04"


@pytest_asyncio.fixture(scope="module", autouse=True)
async def morning(platform: Platform, clock: SimulatedClock) -> None:
    """Set the clock to nine."""
    clock.set(datetime(2026, 3, 4, 1, 0, tzinfo=UTC))


async def _send(platform: Platform, method: str, path: str, **body: Any) -> dict[str, Any]:
    """Decide as managers of the group and of store S01."""
    token = platform.issuer.token(
        "import", roles=["group_manager", "service_manager"], stores=["S01", "S91"]
    )
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(new_id())}
    async with httpx.AsyncClient(
        base_url=platform.url("management"), headers=headers, timeout=PATIENCE_S
    ) as client:
        response = await client.request(method, path, json=body or None)
    assert response.is_success, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def _define(platform: Platform, path: str, content: dict[str, Any]) -> None:
    seen = await _send(platform, "GET", path)
    await _send(
        platform,
        "PUT",
        path,
        valid_from=TODAY,
        reason="新增",
        version=seen["version"],
        content=content,
    )


def _person(zh: str, store: str) -> dict[str, Any]:
    post = {"role": "service_advisor", "in_store": store, "full_time": True}
    return {"kind": "person", "zh": zh, "en": "Newcomer", "posts": [post]}


async def test_new_person_and_store_appear_within_seconds(desk: Desk, platform: Platform) -> None:
    manager = await desk.sign_in(GROUP_MANAGER)
    shown = await _send(platform, "GET", "/group/stores/S01")
    store = shown["holds"]["content"] | {"zh": "苏州启岳园区店", "en": "Qiyue Suzhou Park"}
    await _define(platform, "/group/stores/S91", store)
    await _define(platform, "/stores/S01/staff/S01-advisor-91", _person("新来的", "S01"))
    await _define(platform, "/stores/S91/staff/S91-advisor-1", _person("苏小园", "S91"))
    visitor = await desk.open(f"{desk.url}/sign-in")
    await visitor.see("/sign-in", "as-S91-advisor-1")
    await expect(visitor.at("as-S01-advisor-91")).to_have_text("新来的")
    await expect(visitor.page.locator(".panel-title", has_text="苏州启岳园区店")).to_be_visible()
    await visitor.press("as-S91-advisor-1")
    await expect(visitor.page.locator(".store")).to_have_text("苏州启岳园区店")
    await expect(visitor.page.locator(".person-name")).to_have_text("苏小园")
    assert visitor.faults == manager.faults == []


async def test_manager_changes_store_by_its_name(desk: Desk) -> None:
    manager = await desk.sign_in(GROUP_MANAGER)
    await manager.page.locator(".store").click()
    offers = manager.page.locator(".q-menu .q-item")
    await expect(offers.filter(has_text="杭州启岳滨江店")).to_be_visible()
    await offers.filter(has_text="杭州启岳滨江店").click()
    await expect(manager.page.locator(".store")).to_contain_text("杭州启岳滨江店")
    assert manager.faults == []


async def test_names_stay_while_management_is_away(desk: Desk, platform: Platform) -> None:
    manager = await desk.sign_in(RECEPTIONIST)
    name = await manager.page.locator(".store").inner_text()
    await platform.process("management").stop()
    try:
        for page in ("reception", "workshop", "orders", "appointments", "today"):
            await manager.go(f"/stores/S01/{page}")
            await expect(manager.page.get_by_role("main")).to_be_visible()
            await expect(manager.page.locator(".store")).to_have_text(name)
            await expect(manager.page.locator(".notice")).to_have_count(0)
        await manager.page.goto("about:blank")
        await platform.restart("desk")
        await manager.go("/stores/S01/orders")
        await expect(manager.page.locator(".store")).to_have_text("S01")
        await expect(manager.page.locator(".notice")).to_have_count(0)
        visitor = await desk.open(f"{desk.url}/sign-in")
        await expect(visitor.page.locator(".notice")).to_be_visible()
    finally:
        await platform.restart("management")

    async def is_named() -> bool:
        await manager.go("/stores/S01/orders")
        return await manager.page.locator(".store").inner_text() == name

    assert await until(is_named)
