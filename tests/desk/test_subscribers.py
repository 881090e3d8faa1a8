"""The group's operator gives other systems access at the desk, and sees how far they read (R39)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest_asyncio
from playwright.async_api import expect

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from shared.settings import SUBSCRIBERS
from tests.support.desk import Colleague, Desk

NINE = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
ADDRESS = "/subscribers"


@pytest_asyncio.fixture(scope="module", autouse=True)
async def administration(platform: Platform, clock: SimulatedClock) -> AsyncIterator[None]:
    """Run the administration of subscribers."""
    clock.set(NINE)
    await platform.start_services((SUBSCRIBERS,))
    yield
    await platform.process(SUBSCRIBERS).stop()


async def operator_of(desk: Desk) -> Colleague:
    operator = await desk.sign_in("operator-1")
    await operator.press("menu-rss_feed")
    await expect(operator.page).to_have_url(f"{desk.url}{ADDRESS}")
    return operator


async def add(operator: Colleague, name: str, *stores: str) -> None:
    await operator.open("add-subscriber")
    await operator.write(name=name)
    await operator.choose("topics", "reception.order")
    for store in stores:
        await operator.choose("stores", store)
    await operator.send()


async def hand_over(operator: Colleague) -> str:
    """Return what is shown once, and close it."""
    shown = await operator.at("access").inner_text()
    await operator.press("access-close")
    await expect(operator.at("access")).to_have_count(0)
    return shown


async def test_operator_adds_rotates_and_removes(desk: Desk) -> None:
    operator = await operator_of(desk)
    await add(operator, "insurer-1", "S01", "S02")
    await expect(operator.at("access")).to_contain_text("subscriber.insurer-1")
    await operator.keep("subscriber-access")
    first = await hand_over(operator)
    assert "export KAFKA_TOPICS=aftersales.subscriber.insurer-1.reception.order.v1" in first
    assert "-----BEGIN CERTIFICATE-----" in first
    assert f"{desk.url}/contracts" in first
    line = operator.at("subscriber-insurer-1")
    await expect(line).to_contain_text("S01")
    await expect(line).to_contain_text("从未")
    await expect(line).to_contain_text("目前没有转发程序在转发")
    await operator.keep("subscribers")

    await operator.open("rotate")
    await operator.send()
    await expect(operator.at("access")).to_contain_text("subscriber.insurer-1")
    assert await hand_over(operator) != first

    await operator.open("remove")
    await operator.send()
    await expect(line).to_have_count(0)
    await expect(operator.at("change").first).to_contain_text("删除")
    await expect(operator.at("change").first).to_contain_text("宋刚")
    assert operator.faults == []


async def test_odd_name_is_explained_beside_the_field(desk: Desk) -> None:
    operator = await operator_of(desk)
    await add(operator, "Insurer 1", "S01")
    await expect(operator.page.locator(".q-field--error")).to_contain_text("小写字母")
    await operator.keep("subscriber-odd-name")
    await operator.press("dialog-cancel")
    await add(operator, "insurer-2")
    await expect(operator.page.locator(".q-field--error")).to_have_count(1)
    await operator.press("dialog-cancel")
    await expect(operator.at("subscriber-*")).to_have_count(0)


async def test_group_manager_sees_but_changes_nothing(desk: Desk) -> None:
    manager = await desk.sign_in("group-manager-1")
    await manager.go(ADDRESS)
    await expect(manager.page.locator(".page-title")).to_contain_text("订阅方")
    await expect(manager.page.locator(".notice")).to_have_count(0)
    await expect(manager.at("add-subscriber")).to_have_count(0)
