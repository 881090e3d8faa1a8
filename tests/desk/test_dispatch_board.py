"""Workshop staff at their desks: dispatcher, technician, inspector and the big screen (R11, R12,
R13, R14).
"""

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest_asyncio
import socketio
from playwright.async_api import Locator, expect

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from tests.support.api import DISPATCHER, Api
from tests.support.desk import Colleague, Desk
from tests.support.polling import PATIENCE_S, until

NINE = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
MANAGER = "S01-manager-1"
PHONE_PX = 390
LOWEST_PX = 28
"""Smallest text size that can be read from five meters on the board."""

SMALLEST_TEXT_PX = """() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let smallest = Infinity;
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim() && element.checkVisibility() && element.closest(".screen"))
      smallest = Math.min(smallest, parseFloat(getComputedStyle(element).fontSize));
  }
  return smallest;
}"""


class WebSocketListener:
    """Attacker with a copied cookie and a bare socket instead of a browser."""

    def __init__(self, url: str, cookie: str) -> None:
        self.heard, self.gone = asyncio.Event(), asyncio.Event()
        self._url = url
        self._headers = {"Cookie": f"aftersales_desk={cookie}"}
        self._client = httpx.AsyncClient(base_url=url, headers=self._headers, timeout=PATIENCE_S)
        self._socket = self._new_socket()
        self._query = ""

    def _new_socket(self) -> socketio.AsyncClient:
        made = socketio.AsyncClient(reconnection=False)
        made.on("update", lambda _: self.heard.set())
        made.on("disconnect", self.gone.set)
        return made

    async def __aenter__(self) -> "WebSocketListener":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.shutdown()
        await self._client.aclose()

    async def get(self, path: str) -> httpx.Response:
        return await self._client.get(path)

    async def open(self, path: str) -> None:
        """Read a page and attach to its socket."""
        page = await self.get(path)
        found = re.search(r"client_id\W+([0-9a-f-]{36})", page.text)
        assert found
        self._query = urlencode(
            {
                "client_id": found[1],
                "document_id": "document",
                "tab_id": "tab",
                "next_message_id": "0",
                "implicit_handshake": "true",
            }
        )
        assert await self.connects()

    async def connects(self) -> bool:
        """Return whether the page's socket accepts the connection."""
        self._socket = self._new_socket()
        try:
            await self._socket.connect(
                f"{self._url}/?{self._query}",
                headers=self._headers,
                socketio_path="/_nicegui_ws/socket.io",
                transports=["websocket"],
            )
        except socketio.exceptions.ConnectionError:
            return False
        return True


@pytest_asyncio.fixture(scope="module")
async def api(platform: Platform, clock: SimulatedClock) -> AsyncIterator[Api]:
    """Yield the shop at nine with two vehicles whose work is planned."""
    clock.set(NINE)
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        api = Api(platform, client)
        for number in (1, 2):
            await api.opened(number, f"沪A100{number}0")
        await api.wait_until_idle()
        yield api


async def _jobs(api: Api) -> list[dict[str, Any]]:
    """Return the planned jobs, the earliest first."""
    return [
        job for job in await api.get("workshop", "/jobs", DISPATCHER) if job["status"] == "planned"
    ]


async def _job(api: Api, job_id: str) -> dict[str, Any]:
    return next(
        job for job in await api.get("workshop", "/jobs", DISPATCHER) if job["job_id"] == job_id
    )


async def _drag(colleague: Colleague, bar: Locator, onto: Locator, *, right_px: float = 0) -> None:
    """Drag with the mouse, from the bar's left edge to the same place in another row, or on a
    bar.
    """
    await bar.hover()
    source, target = await bar.bounding_box(), await onto.bounding_box()
    assert source
    assert target
    mouse = colleague.page.mouse
    x, y = source["x"] + 8, source["y"] + source["height"] / 2
    is_bar = "bar" in (await onto.get_attribute("class") or "").split()
    end_x = target["x"] + 8 if is_bar else x + right_px
    await mouse.move(x, y)
    await mouse.down()
    await mouse.move(x + 10, y, steps=2)
    await mouse.move(end_x, target["y"] + target["height"] / 2, steps=5)
    await expect(colleague.page.locator(".ghost-time")).to_be_visible()
    await mouse.up()
    await expect(colleague.page.locator(".ghost")).to_have_count(0)


async def _minute_px(colleague: Colleague) -> float:
    """Return the width of a minute on the chart."""
    width: float = await colleague.page.locator(".gantt-track").first.evaluate(
        "(track) => track.clientWidth / Number(track.closest('.gantt').dataset.minutes)"
    )
    return width


async def _send(colleague: Colleague, reason: str) -> None:
    await colleague.pick("reason", reason)
    await colleague.send()
    await expect(colleague.page.locator(".dialog")).to_have_count(0)


async def test_dragged_job_moves_to_technician_and_time(desk: Desk, api: Api) -> None:
    job = (await _jobs(api))[0]
    dispatcher = await desk.sign_in(DISPATCHER, size="screen")
    other = (
        "S01-technician-7"
        if "S01-technician-7" not in job["technician_ids"]
        else "S01-technician-9"
    )
    await _drag(
        dispatcher,
        dispatcher.at(f"bar-{job['job_id']}"),
        dispatcher.at(f"row-{other}"),
        right_px=120 * await _minute_px(dispatcher),
    )
    await expect(dispatcher.page.locator(".q-chip")).to_contain_text(
        "沈磊" if other.endswith("-7") else "董霞"
    )
    await dispatcher.send()
    await expect(dispatcher.page.get_by_text("请填写此项").first).to_be_visible()
    await dispatcher.keep("workshop-dragged")
    await _send(dispatcher, "带教")
    bar = dispatcher.at(f"row-{other}").locator(f"[data-testid='bar-{job['job_id']}']")
    await expect(bar).to_be_visible()
    moved = await _job(api, job["job_id"])
    assert moved["technician_ids"] == [other]
    assert moved["pinned"]
    begins = datetime.fromisoformat(moved["planned_start_at"])
    late = begins - datetime.fromisoformat(job["planned_start_at"])
    assert timedelta(minutes=110) <= late <= timedelta(minutes=130)
    await expect(dispatcher.at("overrides")).to_contain_text("带教")
    await dispatcher.keep("workshop-overrides")
    assert dispatcher.faults == []
    await dispatcher.page.context.close()


async def test_job_dropped_on_another_offers_swap(desk: Desk, api: Api) -> None:
    first, second = (await _jobs(api))[:2]
    dispatcher = await desk.sign_in(DISPATCHER, language="en", size="screen")
    await _drag(
        dispatcher,
        dispatcher.at(f"bar-{first['job_id']}"),
        dispatcher.at(f"bar-{second['job_id']}"),
    )
    await expect(dispatcher.at("dialog-send")).to_have_text("Swap")
    await _send(dispatcher, "Workload")
    now_first, now_second = await _job(api, first["job_id"]), await _job(api, second["job_id"])
    assert now_first["technician_ids"] == second["technician_ids"]
    assert now_second["technician_ids"] == first["technician_ids"]
    assert dispatcher.faults == []
    await dispatcher.page.context.close()


async def test_keyboard_excludes_technician_and_shows_version_conflict(
    desk: Desk, api: Api
) -> None:
    job = (await _jobs(api))[0]
    seen = {"reason": "skill", "version": job["version"]}
    await api.done("workshop", f"/jobs/{job['job_id']}/unpin", MANAGER, seen)
    await api.wait_until_idle(("workshop",))
    dispatcher = await desk.sign_in(DISPATCHER, size="screen")
    await dispatcher.at(f"bar-{job['job_id']}").focus()
    await dispatcher.page.keyboard.press("Enter")
    await dispatcher.press("forbid")
    await dispatcher.pick("technician_id", "唐子轩")
    await dispatcher.pick("reason", "客户要求")
    await dispatcher.write(note="客户不要此技师")
    seen = {"reason": "skill", "version": (await _job(api, job["job_id"]))["version"]}
    await api.done("workshop", f"/jobs/{job['job_id']}/pin", MANAGER, seen)
    await api.wait_until_idle(("workshop",))
    await dispatcher.send()
    await expect(dispatcher.page.get_by_text("刚被他人改动")).to_contain_text("宋桂英已于")
    await expect(dispatcher.at("conflict")).to_contain_text("最新状态")
    await expect(dispatcher.at("note")).to_have_value("客户不要此技师")
    await dispatcher.keep("workshop-conflict")
    await dispatcher.send()
    await expect(dispatcher.page.locator(".dialog")).to_have_count(0)
    assert (await _job(api, job["job_id"]))["forbidden_technicians"] == ["S01-technician-10"]
    await expect(dispatcher.at("overrides")).to_contain_text("客户不要此技师")
    assert dispatcher.faults == []
    await dispatcher.page.context.close()


async def test_absence_is_recorded_and_cancelled_on_board(desk: Desk, api: Api) -> None:
    dispatcher = await desk.sign_in(DISPATCHER, size="screen")
    job = (await _jobs(api))[0]
    await dispatcher.press("rows-bay")
    row = dispatcher.at(f"row-{job['bay_id']}")
    await expect(row.locator(".bar")).not_to_have_count(0)
    await dispatcher.keep("workshop-by-bay")
    await dispatcher.press("rows-technician")
    await dispatcher.press("name-S01-technician-5")
    await dispatcher.write(ends_at="2026-03-03T10:00")
    await dispatcher.send()
    await expect(dispatcher.page.locator(".dialog .q-field--error")).to_have_count(1)
    await dispatcher.write(ends_at="2026-03-04T17:00")
    await dispatcher.send()
    absent = dispatcher.at("row-S01-technician-5").locator(".gantt-absent")
    await expect(absent).to_have_text("病假")
    await api.wait_until_idle()
    await dispatcher.keep("workshop-absence")
    await dispatcher.press("name-S01-technician-5")
    await dispatcher.press("cancel")
    await expect(absent).to_have_count(0)
    await dispatcher.page.context.close()


async def test_failed_quality_inspection_creates_rework_job(desk: Desk, api: Api) -> None:
    job = (await _jobs(api))[0]
    technician = await desk.sign_in(job["technician_ids"][0], size="phone")
    shown = f"?job={job['job_id']}"
    await technician.go(f"/stores/S01/my-jobs{shown}")
    await technician.press("start")
    await technician.press("diagnosis")
    await technician.choose("symptoms", "机油")
    await technician.send()
    await expect(technician.page.locator(".dialog")).to_have_count(0)
    await technician.press("more-work")
    await technician.choose("op_codes", "空调")
    await technician.scan("part_numbers", "oil-5w30")
    await expect(technician.at("quantity-OIL-5W30")).to_be_visible()
    await expect(technician.at("part_numbers")).to_have_value("")
    await technician.page.keyboard.type("no such part")
    await expect(technician.page.get_by_text("没有找到。")).to_be_visible()
    await technician.page.keyboard.press("Escape")
    await technician.keep("my-jobs-more-work")
    await technician.send()
    await expect(technician.page.locator(".dialog")).to_have_count(0)
    assert (await _job(api, job["job_id"]))["diagnosis"]
    assert await technician.page.evaluate("document.documentElement.scrollWidth") <= PHONE_PX
    await technician.press("finish")
    inspector = await desk.sign_in("S01-inspector-1", size="phone")
    await inspector.press("inspect")
    items = inspector.page.locator(".inspection-item")
    await items.first.get_by_text("不合格", exact=True).click()
    await inspector.send()
    await expect(inspector.page.get_by_text("请逐项填写质检结果")).to_be_visible()
    await expect(inspector.page.locator(".inspection-item.missing")).not_to_have_count(0)
    for place in range(1, await items.count()):
        await items.nth(place).get_by_text("合格", exact=True).click()
    await inspector.keep("inspection-sheet")
    await inspector.send()
    await expect(inspector.page.get_by_text("没有待质检的项目")).to_be_visible()
    jobs = await api.get("workshop", f"/jobs?order_id={job['order_id']}", DISPATCHER)
    assert [each["rework_of"] for each in jobs if each["status"] == "planned"] == [job["job_id"]]
    for colleague in (technician, inspector):
        assert colleague.faults == []
        await colleague.page.context.close()


async def test_manager_corrects_time_of_finished_job(
    desk: Desk, api: Api, clock: SimulatedClock
) -> None:
    plan = await api.get("workshop", "/plan?day=2026-03-04", DISPATCHER)
    job = next(each for each in plan["jobs"] if each["status"] == "failed")
    clock.set(NINE + timedelta(minutes=50))
    manager = await desk.sign_in(MANAGER)
    await manager.go("/stores/S01/workshop")
    await manager.at(f"bar-{job['job_id']}").focus()
    await manager.page.keyboard.press("Enter")
    await manager.press("correct-clock")
    await manager.write(finished_at="2026-03-04T08:30")
    await manager.pick("reason", "忘记完工打卡")
    await manager.send()
    await expect(manager.page.get_by_text("结束时间早于开始时间")).to_be_visible()
    await manager.write(finished_at="2026-03-04T09:40")
    await manager.send()
    await expect(manager.page.locator(".dialog")).to_have_count(0)
    jobs = await api.get("workshop", f"/jobs?order_id={job['order_id']}", DISPATCHER)
    corrected = next(each for each in jobs if each["job_id"] == job["job_id"])
    assert (corrected["started_at"], corrected["clocked_s"]) == (job["started_at"], 40 * 60)
    await manager.at(f"bar-{job['job_id']}").click()
    await manager.press("correct-clock")
    await expect(manager.at("correction")).to_contain_text("00:00 → 40:00")
    assert manager.faults == []
    await manager.page.context.close()


async def test_board_reconnects_after_desk_restart(
    desk: Desk, api: Api, platform: Platform
) -> None:
    await api.wait_until_idle()
    job = (await _jobs(api))[0]
    screen = await desk.sign_in(DISPATCHER, size="screen")
    await screen.go("/board/S01")
    board = screen.page.frame_locator("iframe")
    bay = board.locator(f"[data-testid='bay-{job['bay_id']}']")
    await expect(bay).to_be_visible()
    frame = screen.page.frames[1]
    assert await frame.evaluate(SMALLEST_TEXT_PX) >= LOWEST_PX
    await screen.keep("board-zh")
    await screen.page.set_viewport_size({"width": 1280, "height": 720})
    await expect(board.locator(".screen-clock")).to_be_in_viewport(ratio=1)
    await screen.keep("board-small")
    wip = board.locator("[data-testid='count-wip'] .screen-figure")
    before = int(await wip.inner_text())
    await platform.process("desk").stop()
    await api.done("workshop", f"/jobs/{job['job_id']}/start", job["technician_ids"][0])
    await platform.restart("desk")
    await expect(bay.locator(".bay-number")).to_be_visible()
    await expect(wip).to_have_text(str(before + 1))
    await screen.keep("board-after")
    assert screen.faults == []
    await screen.page.context.close()


async def test_session_survives_desk_restart_until_sign_out(
    desk: Desk, api: Api, platform: Platform, clock: SimulatedClock
) -> None:
    dispatcher = await desk.sign_in(DISPATCHER)
    context = dispatcher.page.context
    (cookie,) = await context.cookies()
    await dispatcher.go("/stores/S01/workshop")
    await dispatcher.page.evaluate("document.body.dataset.before = 1")
    await platform.restart("desk")
    await expect(dispatcher.page.locator("body[data-before]")).to_have_count(0)
    await expect(dispatcher.page.locator(".gantt").first).to_be_visible()
    second = await context.new_page()
    await second.goto(f"{platform.url('desk')}/stores/S01/workshop")
    async with WebSocketListener(platform.url("desk"), cookie["value"]) as thief:
        await thief.open("/stores/S01/workshop")
        clock.set(clock.now() + timedelta(minutes=1))
        await asyncio.wait_for(thief.heard.wait(), PATIENCE_S)
        await dispatcher.press("sign-out")
        for page in (dispatcher.page, second):
            await expect(page.locator(f"[data-testid='as-{DISPATCHER}']")).to_be_visible()
        thief.heard.clear()
        clock.set(clock.now() + timedelta(minutes=1))
        answer = await thief.get("/stores/S01/workshop")
        assert answer.headers["location"].startswith("/sign-in")
        assert (await thief.get("/session")).status_code == 401
        await asyncio.wait_for(thief.gone.wait(), PATIENCE_S)
        assert not thief.heard.is_set()
        assert not await thief.connects()
    for left in await context.cookies():
        assert b"session" not in base64.b64decode(left["value"].split(".")[0])
    assert dispatcher.faults == []
    await context.close()


async def test_overrun_buffer_is_hatched(desk: Desk, api: Api) -> None:
    await api.wait_until_idle()
    plan = await api.get("workshop", "/plan?day=2026-03-04", DISPATCHER)
    (job,) = (each for each in plan["jobs"] if each["buffer_until"])
    begin, end = map(datetime.fromisoformat, (job["planned_finish_at"], job["buffer_until"]))
    minutes = (end - begin) / timedelta(minutes=1)
    dispatcher = await desk.sign_in(DISPATCHER, size="screen")
    for row in (*job["technician_ids"], job["bay_id"]):
        if row == job["bay_id"]:
            await dispatcher.press("rows-bay")
        shown = dispatcher.at(f"row-{row}")
        bar = shown.locator(f"[data-testid='bar-{job['job_id']}']")

        async def is_as_wide(shown: Locator = shown) -> bool:
            band = await shown.locator(".gantt-buffer").bounding_box()
            wanted = minutes * await _minute_px(dispatcher)
            return band is not None and abs(band["width"] - wanted) < 2

        assert await until(is_as_wide)
        await dispatcher.keep(f"workshop-buffer-{'bay' if row == job['bay_id'] else 'technician'}")
    await bar.hover()
    await expect(dispatcher.page.get_by_text("为防超时预留至")).to_be_visible()
    assert dispatcher.faults == []
    await dispatcher.page.context.close()
