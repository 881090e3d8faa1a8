"""Attendance at the desk: a technician signs in on a phone, the manager corrects (R13, R18)."""

from datetime import UTC, datetime, timedelta

import pytest_asyncio
from playwright.async_api import expect

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from tests.support.desk import Colleague, Desk
from tests.support.polling import until

TECHNICIAN, MANAGER = "S01-technician-1", "S01-manager-1"
NINE = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
ATTENDANCE = "/stores/S01/attendance"


@pytest_asyncio.fixture(scope="module", autouse=True)
async def morning(platform: Platform, clock: SimulatedClock) -> None:
    """Set the clock to nine, when the early shift has begun."""
    clock.set(NINE)


async def test_attendance_flow(desk: Desk, clock: SimulatedClock) -> None:
    technician = await desk.sign_in(TECHNICIAN, size="phone")
    await technician.go(ATTENDANCE)
    await technician.press("sign")
    await expect(technician.at("signed-in")).to_contain_text("09:00")
    await expect(technician.at("day-2026-03-04")).to_contain_text("在岗")
    await expect(technician.at("day-2026-03-04")).to_contain_text("迟到 60")
    await technician.fits("phone")
    await technician.keep("attendance-own-phone")

    await technician.open("ask-leave")
    await technician.pick("kind", "年假")
    await technician.write(first_day="2026-03-16", last_day="2026-03-13", reason="回老家")
    await technician.send()
    await expect(technician.page.get_by_text("结束时间早于开始时间").first).to_be_visible()
    await technician.write(last_day="2026-03-18")
    await technician.send()
    await expect(technician.at("leave-2026-03-16")).to_contain_text("待批准")

    manager = await desk.sign_in(MANAGER)
    await manager.go(ATTENDANCE)
    await expect(manager.at(f"decide-{TECHNICIAN}")).to_contain_text("回老家")
    await manager.keep("attendance-leave-desktop")
    await manager.fits("phone")
    approve = manager.at("approve-leave")

    async def is_within() -> bool:
        right = await approve.evaluate("button => button.getBoundingClientRect().right")
        return bool(right <= 390)

    assert await until(is_within)
    await manager.fits("desktop")
    await expect(manager.at("waiting")).to_have_text("1")
    await manager.press("approve-leave")
    await expect(manager.at("leave-to-decide")).to_contain_text("没有待批的申请")
    await expect(technician.at("leave-2026-03-16")).to_contain_text("已批准")
    await technician.keep("attendance-leave-phone")
    row = manager.at(f"attendance-{TECHNICIAN}")
    await expect(row).to_contain_text("在岗")
    await expect(manager.at("attendance-S01-technician-3")).to_contain_text("缺勤")
    clock.set(NINE + timedelta(hours=12))
    await expect(row).to_contain_text("忘签退")
    await manager.open(f"correct-{TECHNICIAN}")
    await manager.write(**{"presences.0.signed_out_at": "2026-03-04T18:30", "reason": "手机没电"})
    await manager.keep("attendance-correct-desktop")
    await manager.send()
    await expect(row).to_contain_text("已更正")
    await expect(row).to_contain_text("09:00–18:30")

    await manager.open("upload-attendance")
    await _choose(manager, "工号,日期,时间\nS01-technician-5,2026-03-04,8点\n")
    await expect(manager.at("row-2")).to_contain_text("不是时间")
    await manager.keep("attendance-file-desktop")
    right = "S01-technician-5,2026-03-04,08:00\nS01-technician-5,2026-03-04,17:00\n"
    await _choose(manager, f"工号,日期,时间\n{right}")
    await expect(manager.at("file-result")).to_contain_text("已导入")
    await manager.press("dialog-cancel")
    await expect(manager.page.locator(".dialog")).to_have_count(0)
    await expect(manager.at("attendance-S01-technician-5")).to_contain_text("08:00–17:00")
    for size in ("desktop", "phone"):
        await manager.fits(size)
        await manager.keep(f"attendance-store-{size}")
    assert technician.faults == manager.faults == []


async def _choose(manager: Colleague, content: str) -> None:
    """Choose a file of the machine, which writes GBK."""
    chooser = manager.at("attendance-file").locator("input[type=file]")
    await chooser.set_input_files(
        {"name": "kq.csv", "mimeType": "text/csv", "buffer": content.encode("gbk")}
    )
