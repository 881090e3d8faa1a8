"""The advisor's morning at the desk (R1, R2, R3, R4, R5, R9, R19, R43)."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import WebSocketRoute, expect

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from tests.support.api import ADVISOR, DISPATCHER, MANAGER, Api, customer
from tests.support.desk import Colleague, Desk
from tests.support.finished_visits import delivery, invoice
from tests.support.harness import publisher
from tests.support.pictures import flat_png, picture
from tests.support.polling import PATIENCE_S

NINE = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
COLLEAGUE = "S01-advisor-2"
BOOKED, WALK_IN, KNOWN, WATCHED = "沪A20010", "沪A20020", "沪A20030", "沪A20040"
LEAST_INTERACTIONS = 12
HOSTILE = '"><img src=x onerror=window.ran=1>.png'


class InteractionCounter:
    """Counter of an advisor's actions with mouse and keyboard: a click, a run of keys into the
    field that has the focus, and Enter are one each.
    """

    def __init__(self, colleague: Colleague) -> None:
        self.colleague = colleague
        self.count = 0

    async def click(self, name: str) -> None:
        self.count += 1
        await self.colleague.at(name).first.click()

    async def type(self, name: str, keys: str) -> None:
        """Type where the focus is, which has to be the field of that name."""
        self.count += 1
        await expect(self.colleague.at(name)).to_be_focused()
        await self.colleague.page.keyboard.type(keys)

    async def enter(self) -> None:
        self.count += 1
        await self.colleague.page.keyboard.press("Enter")


@pytest_asyncio.fixture(scope="module")
async def api(platform: Platform, clock: SimulatedClock) -> AsyncIterator[Api]:
    clock.set(NINE)
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        yield Api(platform, client)


async def test_arrival_board_updates_and_suggests_advisor(
    desk: Desk, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    await _record_two_visits(api, (await api.write_up(2001, BOOKED))["customer_ref"])
    booking = {
        "plate": BOOKED,
        "appointment_at": (NINE + timedelta(minutes=30)).isoformat(),
        "op_codes": ["MNT-001"],
    }
    await api.done("reception", "/appointments", ADVISOR, booking)
    advisor, dispatcher = await desk.sign_in(ADVISOR), await desk.sign_in(DISPATCHER)
    await dispatcher.go("/stores/S01/reception")
    await expect(advisor.at("expected")).to_contain_text(BOOKED)
    await expect(advisor.at("expected")).to_contain_text("铜卡")
    await api.done("reception", "/arrivals", ADVISOR, {"plate": WALK_IN})
    begun = time.perf_counter()
    await advisor.at("arrival-1").wait_for()
    took_s = time.perf_counter() - begun
    with capsys.disabled():
        sys.stdout.write(f"\nthe board showed an arrival after {took_s:.2f} s\n")
    await advisor.press("expected-arrived")
    await expect(advisor.at("expected")).to_have_count(0)
    numbers = advisor.page.locator(".card .queue-number")
    await expect(numbers).to_have_text(["002", "001"])
    await expect(advisor.at("arrival-2")).to_contain_text("铜卡")
    await advisor.keep("board-morning")
    await dispatcher.press("assign-other-1")
    await dispatcher.pick("advisor_id", "何军")
    await dispatcher.send()
    await expect(dispatcher.at("arrival-1")).to_contain_text("已指派给何军")
    assert advisor.faults == dispatcher.faults == []


async def _record_two_visits(api: Api, customer_ref: str) -> None:
    """Record the customer's earlier visits, as other systems hear of them."""
    async with publisher(api.platform) as outside:
        for order_id in ("earlier-1", "earlier-2"):
            issued = invoice(order_id, 30_000, NINE)
            leaves = delivery(order_id, customer_ref, NINE)
            await outside.publish(issued, leaves, at=NINE)
    await api.wait_until_idle()


async def test_known_customer_order_needs_few_interactions(desk: Desk, api: Api) -> None:
    await api.done("crm", "/customers", ADVISOR, customer(2003, KNOWN))
    await _record_visit_in_other_store(api, customer(2003, KNOWN))
    advisor = await desk.sign_in(ADVISOR)
    interactions = InteractionCounter(advisor)
    await interactions.click("record-arrival")
    await interactions.type("plate", KNOWN)
    await interactions.enter()
    await interactions.click("greet-3")
    await interactions.type("odometer_km", "15200")
    await interactions.enter()
    await interactions.type("customer_concern", "里程到了，来做保养")
    await interactions.click("suggested-symptom")
    await interactions.click("suggested-operation")
    await expect(advisor.at("promised-at")).to_be_visible()
    await expect(advisor.at("earlier-visit")).to_contain_text("杭州启岳滨江店")
    await advisor.keep("write-up-known")
    await interactions.click("open-order")
    await expect(advisor.page.locator(".way-step.here")).to_have_text("已开单")
    assert interactions.count <= LEAST_INTERACTIONS
    assert advisor.faults == []


async def _record_visit_in_other_store(api: Api, person: Mapping[str, Any]) -> None:
    """Record a visit of the vehicle at another store of the group."""
    caller, token = "S02-advisor-1", api.token("S02-advisor-1", ("S02",))
    arrived = await api.done(
        "reception", "/arrivals", caller, {"plate": person["plate"]}, token=token, store="S02"
    )
    path = f"/orders/{arrived['order_id']}"
    await api.done("reception", f"{path}/greet", caller, token=token, store="S02")
    known = await api.done("crm", "/customers", caller, person, token=token, store="S02")
    body = {
        "customer_ref": known["customer_ref"],
        "vehicle_ref": known["vehicle_ref"],
        "odometer_km": 15_000,
        "customer_concern": "保养",
        "op_codes": ["MNT-001"],
    }
    await api.done("reception", f"{path}/open", caller, body, token=token, store="S02")
    ended = {"reason": "other"}
    await api.done("reception", f"{path}/cancellation", caller, ended, token=token, store="S02")


async def test_write_up_keeps_typed_values_after_conflict(desk: Desk, api: Api) -> None:
    await api.done("crm", "/customers", ADVISOR, customer(2004, WATCHED) | {"model": "E5"})
    order_id = await api.greeted(WATCHED)
    advisor = await desk.sign_in(ADVISOR)
    await advisor.go(f"/stores/S01/reception/{order_id}")
    await advisor.at("recall").locator('[data-testid="take-in"]').click()
    await expect(advisor.at("payer-HVE-001")).to_have_value("保修")
    await advisor.write(odometer_km="8000", fuel_or_charge_percent="65", belongings="雨伞、充电线")
    await advisor.at("position-left").click()
    await advisor.at("damage-scratch").locator("visible=true").click()
    await expect(advisor.at("position-left")).to_contain_text("划痕")
    await advisor.page.keyboard.press("Escape")
    await (
        advisor.at("photos")
        .locator("input[type=file]")
        .set_input_files({"name": HOSTILE, "mimeType": "image/png", "buffer": picture("PNG")})
    )
    await expect(advisor.page.locator(".photo")).to_have_count(1)
    assert await advisor.page.evaluate("window.ran") is None
    await advisor.write(customer_concern="召回检查")
    await expect(advisor.at("promise-reason")).not_to_be_empty()
    await advisor.keep("write-up-whole")
    await advisor.page.set_viewport_size({"width": 1024, "height": 768})
    assert await advisor.page.evaluate("document.documentElement.scrollWidth") <= 1024
    await advisor.keep("write-up-tablet")
    path = f"/orders/{order_id}"
    await api.done("reception", f"{path}/advisor", MANAGER, {"advisor_id": COLLEAGUE})
    await advisor.press("open-order")
    await expect(advisor.at("conflict")).to_contain_text("本单现由何军负责")
    await api.done("reception", f"{path}/estimates", ADVISOR, {"op_codes": ["MNT-001"]})
    await api.done("reception", f"{path}/estimates/1/decline", COLLEAGUE, {"channel": "phone"})
    await advisor.press("open-order")
    await expect(advisor.at("conflict")).to_contain_text("客户已拒绝第 1 版估价")
    await advisor.keep("write-up-conflict")
    await api.done("reception", f"{path}/open", COLLEAGUE, await _taken_by(api))
    await advisor.press("open-order")
    await expect(advisor.at("conflict")).to_contain_text("本单现为：已开单")
    await expect(advisor.at("conflict")).to_contain_text("何军")
    await expect(advisor.at("customer_concern")).to_have_value("召回检查")
    await expect(advisor.at("odometer_km")).to_have_value("8000")
    assert advisor.faults == []


async def _taken_by(api: Api) -> dict[str, object]:
    return await api.write_up(2004, WATCHED)


async def test_off_peak_slots_are_offered_until_taken(desk: Desk) -> None:
    advisor = await desk.sign_in(ADVISOR)
    await advisor.go("/stores/S01/appointments")
    await advisor.press("book")
    await advisor.at("plate").fill(KNOWN)
    await advisor.choose("op_codes", "常规保养")
    offers = advisor.at("offer")
    await expect(offers.first).to_contain_text("可交车")
    await expect(advisor.at("load-curve").locator(".curve-bar.offered").first).to_be_visible()
    await advisor.at("appointment_at").fill("2026-03-04T23:30")
    await advisor.send()
    await expect(advisor.page.get_by_text("该时间门店不营业")).to_be_visible()
    await expect(advisor.at("plate")).to_have_value(KNOWN)
    await advisor.keep("booking")
    await offers.first.click()
    await advisor.send()
    booked = advisor.at("appointment").filter(has_text=KNOWN)
    await expect(booked).to_contain_text("已预约")
    await booked.locator('[data-testid="move"]').click()
    await offers.nth(1).click()
    await advisor.send()
    await expect(advisor.page.get_by_text("预约已改期")).to_be_visible()
    await advisor.page.set_viewport_size({"width": 390, "height": 844})
    await expect(booked.locator('[data-testid="cancel-appointment"]')).to_be_in_viewport()
    await booked.locator('[data-testid="cancel-appointment"]').click()
    await advisor.pick("reason", "客户要求")
    await advisor.write(note="客户出差")
    await advisor.send()
    await expect(booked).to_contain_text("已取消")
    await advisor.open("why")
    await expect(advisor.page.locator(".dialog")).to_contain_text("客户出差")
    await advisor.keep("appointments")
    assert advisor.faults == []


async def test_failed_facility_check_item_gets_owner(desk: Desk) -> None:
    advisor = await desk.sign_in(ADVISOR, size="phone")
    await advisor.go("/stores/S01/facility-checks")
    await expect(advisor.page.locator(".menu-item.current")).to_be_in_viewport()
    await advisor.press("check-customer_lounge")
    items = advisor.page.locator(".inspection-item")
    await expect(items.first).to_be_visible()
    for place in range(await items.count()):
        answer = "不合格" if place == 0 else "合格"
        await items.nth(place).get_by_text(answer, exact=True).click()
    chooser = advisor.at("photos").locator("input[type=file]")
    tall = flat_png(1, 1_000_000)
    await chooser.set_input_files({"name": "tall.png", "mimeType": "image/png", "buffer": tall})
    await expect(advisor.at("photos-say")).to_contain_text("tall.png: 图片有一边过长")
    await chooser.set_input_files(
        {"name": "hall.jpg", "mimeType": "image/jpeg", "buffer": picture()}
    )
    await expect(advisor.page.locator(".dialog .photo")).to_have_count(1)
    await advisor.send()
    await expect(advisor.at("area-customer_lounge")).to_contain_text("地面清洁")
    manager = await desk.sign_in("S01-manager-1")
    await manager.go("/stores/S01/facility-checks")
    await manager.open("answer-corrective-action")
    await manager.write(cause="保洁缺岗", measure="调整保洁排班")
    await manager.keep("corrective-action-answer")
    await manager.send()
    await expect(manager.at("corrective_action")).to_contain_text("已回复")
    await manager.open("close-corrective-action")
    await expect(manager.page.locator(".dialog")).to_contain_text("调整保洁排班")
    await manager.write(note="已重新清洁")
    await manager.send()
    await expect(manager.at("corrective_action")).to_contain_text("已整改")
    await expect(manager.at("assess-corrective-action")).to_have_count(0)
    await manager.keep("facility-checks")
    await _find_no_effect(advisor)
    await manager.go("/stores/S01/corrective-actions")
    await expect(manager.at("corrective_action")).to_have_count(2)
    await expect(manager.at("corrective_action").first).to_contain_text("整改中")
    await manager.open("corrective-action-details")
    await expect(manager.page.locator(".dialog")).to_contain_text("地面仍有水渍")
    await manager.keep("corrective-actions")
    assert advisor.faults == manager.faults == []


async def _find_no_effect(advisor: Colleague) -> None:
    """Say, as the person who found it, that a corrective action had no effect."""
    await advisor.go("/stores/S01/corrective-actions")
    await expect(advisor.at("answer-corrective-action")).to_have_count(0)
    await advisor.open("assess-corrective-action")
    await expect(advisor.page.locator(".dialog")).to_contain_text("已重新清洁")
    await advisor.pick("is_effective", "无效")
    await advisor.send()
    await expect(advisor.page.get_by_text("请填写此项")).to_be_visible()
    await advisor.write(comment="地面仍有水渍")
    await advisor.keep("corrective-action-assessment")
    await advisor.send()
    await expect(advisor.at("corrective_action").last).to_contain_text("无效")
    await advisor.keep("corrective-actions-phone")


async def test_contact_preferences_are_saved(desk: Desk, api: Api) -> None:
    known = await api.done("crm", "/customers", ADVISOR, customer(2003, KNOWN))
    advisor = await desk.sign_in(ADVISOR)
    await advisor.go("/stores/S01/customers")
    await advisor.write(**{"page-find": customer(2003, KNOWN)["vin"]})
    await advisor.press("find-customer")
    await advisor.page.locator('.form-fields [data-testid="language"]').click()
    await advisor.page.locator(".q-menu .q-item").filter(has_text="English").click()
    await advisor.press("declined-sms")
    await advisor.write(email="not an address")
    await advisor.press("save-preferences")
    await expect(advisor.page.get_by_text("电子邮箱格式不对")).to_be_visible()
    await advisor.write(email="wang@example.com")
    await advisor.press("save-preferences")
    await expect(advisor.page.get_by_text("已保存")).to_be_visible()
    await advisor.keep("customer")
    path = f"/customers/{known['customer_ref']}/contact-preferences"
    kept = await api.get("crm", path, ADVISOR)
    assert (kept["language"], kept["declined_channels"]) == ("en", ["sms"])
    assert kept["email"] == "wang@example.com"
    assert advisor.faults == []


async def test_click_during_board_update_takes_effect(desk: Desk, api: Api) -> None:
    own = await api.done("reception", "/arrivals", ADVISOR, {"plate": "沪A20060"})
    advisor = await desk.sign_in(ADVISOR)
    await advisor.at(f"greet-{own['queue_number']}").hover()
    mouse = advisor.page.mouse
    await mouse.down()
    other = await api.done("reception", "/arrivals", ADVISOR, {"plate": "沪A20070"})
    await advisor.at(f"arrival-{other['queue_number']}").wait_for()
    await mouse.up()
    write_up = f"{advisor.url}/stores/S01/reception/{own['order_id']}"
    await expect(advisor.page).to_have_url(write_up)


async def test_input_before_connection_arrives_in_order(
    desk: Desk,
) -> None:
    advisor = await desk.sign_in(ADVISOR)

    async def connect_late(socket: WebSocketRoute) -> None:
        await asyncio.sleep(1)
        socket.connect_to_server()

    await advisor.page.route_web_socket("**/socket.io/**", connect_late)
    for _ in range(5):
        await advisor.go("/stores/S01/customers")
        await advisor.write(**{"page-find": "沪A20099"})
        await advisor.press("find-customer")
        await expect(advisor.page.get_by_text("档案中没有")).to_be_visible()
    assert advisor.faults == []
