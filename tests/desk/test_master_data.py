"""Managers define stores, bays, people and the catalog at their desks (R40)."""

import re
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import FilePayload, expect
from playwright.async_api import TimeoutError as BrowserTimeoutError

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from tests.support.desk import Colleague, Desk

TODAY = date(2026, 3, 4)
GROUP_MANAGER, OTHER_MANAGER, MANAGER = "group-manager-1", "group-manager-2", "S01-manager-1"
HERE = "/stores/S01/master-data"


@pytest_asyncio.fixture(scope="module", autouse=True)
async def morning(platform: Platform, clock: SimulatedClock) -> None:
    """Set the clock to nine."""
    clock.set(datetime(2026, 3, 4, 1, 0, tzinfo=UTC))


async def _save(colleague: Colleague, reason: str, days: int = 0) -> None:
    day = (TODAY + timedelta(days=days)).isoformat()
    await colleague.write(valid_from=day, reason=reason)
    await colleague.press("save-record")


async def _looks_well(colleague: Colleague, name: str) -> None:
    for size in ("phone", "desktop"):
        await colleague.fits(size)
        await colleague.keep(f"master-data-{name}-{size}")


async def test_store_manager_adds_and_ends_bay(desk: Desk) -> None:
    manager = await desk.sign_in(MANAGER)
    await manager.press("menu-rule")
    await manager.press("collection-bays")
    await expect(manager.page.locator('[data-testid^="record-S01-"]').first).to_be_visible()
    await _looks_well(manager, "bays")
    await manager.open("new-own")
    await manager.write(code="S01-lift-91")
    await manager.send()
    await manager.pick("content.type", "举升")
    await manager.write(**{"content.number": "91"})
    await manager.choose("content.capabilities", "举升")
    await _save(manager, "新增举升工位")
    await expect(manager.at("record-content")).to_contain_text("举升")
    await manager.go(f"{HERE}/bays?search=lift-91")
    row = manager.at("record-S01-lift-91")
    await expect(row).to_contain_text("举升 91")
    await row.get_by_role("link").click()
    await manager.open("end-record")
    await manager.write(valid_from=TODAY.isoformat(), reason="拆除")
    await manager.send()
    await expect(manager.page.get_by_text("目前没有生效的内容")).to_be_visible()
    await expect(manager.page.get_by_text(f"自 {TODAY} 起终止").first).to_be_visible()
    await expect(manager.at("outstanding")).to_contain_text("没有未完的业务")
    await manager.press("tab-history")
    await expect(manager.at("change-2")).to_contain_text("拆除")
    assert manager.faults == []


async def test_store_manager_changes_own_person(desk: Desk) -> None:
    manager = await desk.sign_in(MANAGER)
    await manager.go(f"{HERE}/staff")
    await expect(manager.at("record-S01-technician-1")).to_contain_text("技师（上海启岳闵行店）")
    await _looks_well(manager, "staff")
    await manager.go(f"{HERE}/staff/own/S01-technician-1/change")
    await expect(manager.at("content.zh")).to_have_value("刘洋")
    await manager.press("content.leave.add")
    await manager.write(
        **{
            "content.zh": "",
            "content.skills.0": "9",
            "content.leave.0.first_day": "2026-03-09",
            "content.leave.0.last_day": "2026-03-06",
        }
    )
    await _save(manager, "年假")
    level = manager.page.locator(".q-field", has=manager.at("content.skills.0"))
    name = manager.page.locator(".q-field", has=manager.at("content.zh"))
    await expect(level).to_have_class(re.compile("q-field--error"))
    await expect(name).to_contain_text("请填写此项。")
    await manager.write(**{"content.zh": "刘洋", "content.skills.0": "3"})
    await manager.press("save-record")
    await expect(manager.page.get_by_text("结束时间早于开始时间").first).to_be_visible()
    await manager.write(**{"content.leave.0.last_day": "2026-03-13"})
    await _looks_well(manager, "person-change")
    await manager.press("save-record")
    await expect(manager.at("record-content")).to_contain_text("2026-03-13")
    await _looks_well(manager, "person")
    await expect(manager.at("collection-staff")).to_have_count(0)
    await manager.go(f"{HERE}/staff/group/group-manager-1")
    await expect(manager.at("record-content")).to_contain_text("杨丽")
    await expect(manager.at("change-record")).to_have_count(0)
    assert manager.faults == []


async def test_week_shows_shifts_and_leave(desk: Desk) -> None:
    manager = await desk.sign_in(MANAGER)
    await manager.go(f"{HERE}/staff")
    await manager.press("staff-week")
    await expect(manager.at("week-S01-technician-1")).to_contain_text("–")
    await expect(manager.at("week-S01-technician-1")).not_to_contain_text("停业")
    await manager.press("week-after")
    await expect(manager.at("week-S01-technician-1")).to_contain_text("休假")
    await expect(manager.at("week-S01-technician-2")).not_to_contain_text("休假")
    await _looks_well(manager, "week")
    await manager.at("week-S01-technician-1").get_by_role("link").click()
    await expect(manager.at("record-content")).to_contain_text("刘洋")
    assert manager.faults == []


async def test_group_manager_finds_catalog_item(desk: Desk) -> None:
    manager = await desk.sign_in(GROUP_MANAGER)
    await manager.go(f"{HERE}/catalog")
    rows = manager.page.locator('[data-testid^="record-"]')
    await expect(rows).to_have_count(50)
    first = await rows.first.inner_text()
    await manager.press("next-page")
    await expect(manager.at("first-page")).to_be_visible()
    await expect(rows.first).not_to_have_text(first, use_inner_text=True)
    await manager.pick("kind", "维修项目")
    await expect(manager.page).to_have_url(re.compile("starting=operation"))
    await expect(rows.first).to_contain_text("operation:")
    await manager.write(search="常规保养")
    await manager.press("find")
    await expect(rows).to_have_count(2)
    await manager.write(search="mnt-003")
    await manager.press("find")
    await expect(rows).to_have_count(1)
    await expect(manager.at("record-operation:MNT-003")).to_contain_text("常规保养")
    await _looks_well(manager, "catalog")
    await manager.at("record-operation:MNT-003").get_by_role("link").click()
    await manager.press("change-record")
    await manager.write(**{"content.standard_hours": "1.3"})
    await _looks_well(manager, "operation-change")
    await _save(manager, "按实测调整", 5)
    await expect(manager.at("record-content")).to_contain_text("1.3")
    await manager.press("tab-history")
    await expect(manager.at("change-2")).to_contain_text("标准工时")
    await manager.go(f"{HERE}/catalog/group/part:OIL-5W30/change")
    await manager.write(**{"content.list_price_cents": "0"})
    await _save(manager, "促销", 5)
    await expect(manager.page.get_by_text("价格为 0。").first).to_be_visible()
    await expect(manager.page.get_by_text("尚未保存").first).to_be_visible()
    await _looks_well(manager, "warning")
    await manager.press("save-record")
    await expect(manager.at("record-content")).to_contain_text("¥0.00")
    assert manager.faults == []


async def test_group_manager_changes_store(desk: Desk) -> None:
    manager, other = await desk.sign_in(GROUP_MANAGER), await desk.sign_in(OTHER_MANAGER)
    for each in (manager, other):
        await each.go(f"{HERE}/stores/group/S02/change")
        await expect(each.at("content.zh")).to_have_value("杭州启岳滨江店")
    await manager.write(**{"content.labor_rate_cents.0": "188.00"})
    await _looks_well(manager, "store-change")
    await _save(manager, "调整工时单价")
    await expect(manager.at("record-content")).to_contain_text("¥188.00")
    await _looks_well(manager, "store")
    await other.write(**{"content.payment_days": "45"})
    await _save(other, "延长账期")
    await expect(other.at("conflict")).to_contain_text("调整工时单价")
    await expect(other.at("held-then")).to_contain_text("45")
    await expect(other.at("save-record")).to_be_hidden()
    await _looks_well(other, "conflict")
    await other.press("replace-record")
    await expect(other.at("record-content")).to_contain_text("45")
    await other.open("end-record")
    await manager.go(f"{HERE}/stores/group/S02/change")
    await manager.write(**{"content.payment_days": "77"})
    await _save(manager, "再缩短等待")
    await expect(manager.at("record-content")).to_contain_text("77")
    await other.write(valid_from="2026-03-20", reason="闭店")
    await other.send()
    await expect(other.at("conflict")).to_contain_text("再缩短等待")
    await expect(other.at("dialog-send")).to_be_hidden()
    await other.keep("master-data-end-conflict-desktop")
    await other.press("confirm-record")
    await expect(other.at("version-2026-03-20")).to_be_visible()
    assert manager.faults == other.faults == []


async def test_group_manager_opens_store_like_another(desk: Desk) -> None:
    manager = await desk.sign_in(GROUP_MANAGER)
    await manager.go(f"{HERE}/stores")
    await manager.press("new-store")
    await expect(manager.at("opening")).to_have_value("08:00")
    await manager.write(
        **{
            "code": "S02",
            "zh": "南京启岳江宁店",
            "en": "Qiyue Nanjing Jiangning",
            "city.zh": "南京",
            "city.en": "Nanjing",
            "first_day": "2026-03-16",
            "opening": "09:00",
            "staff.0.code": "S09-manager-1",
            "staff.0.zh": "周岚",
            "staff.0.en": "Lan Zhou",
            "reason": "新店开业",
        }
    )
    await _looks_well(manager, "new-store")
    await manager.press("open-store")
    await expect(manager.page.get_by_text("门店编号 S02 已被使用。")).to_be_visible()
    await expect(manager.at("opening")).to_have_value("09:00")
    await manager.write(code="S09")
    await manager.press("open-store")
    await expect(manager.at("record-content")).to_contain_text("09:00")
    await manager.go(f"{HERE}/stores?search=S09")
    await expect(manager.at("record-S09")).to_contain_text("南京启岳江宁店")
    await expect(manager.at("record-S09")).to_contain_text("2026-03-16")
    await manager.go("/group")
    await expect(manager.at("store-S09")).to_contain_text("开业日 2026-03-16")
    await _looks_well(manager, "group")
    visitor = await desk.open(f"{desk.url}/sign-in")
    await visitor.press("as-S09-manager-1")
    await expect(visitor.page.locator(".store")).to_have_text("南京启岳江宁店")
    await manager.go("/stores/S09/master-data/bays")
    await expect(manager.at("record-S09-lift-1")).to_be_visible()
    await manager.go("/stores/S09/board")
    await expect(manager.at("count-planned")).to_contain_text("0")
    await manager.go(f"{HERE}/stores/group/S09")
    await expect(manager.page.locator(".subtitle")).to_contain_text("南京启岳江宁店")
    await manager.press("to-store")
    await expect(manager.page.locator(".store")).to_contain_text("南京启岳江宁店")
    await manager.go(f"{HERE}/stores/group/S03")
    await manager.open("end-record")
    await manager.write(valid_from="2026-03-16", reason="闭店")
    await manager.send()
    await expect(manager.at("outstanding")).to_be_visible()
    await expect(manager.at("record-content")).to_contain_text("自 2026-03-16 起终止")
    await _looks_well(manager, "store-ends")
    assert manager.faults == visitor.faults == []


async def test_code_with_slash_opens_and_hides_cost(desk: Desk) -> None:
    manager, advisor = await desk.sign_in(GROUP_MANAGER), await desk.sign_in("S01-advisor-1")
    await manager.go(f"{HERE}/catalog/group/part:A%2FC-101/change")
    await manager.write(
        **{
            "content.zh": "空调滤芯",
            "content.en": "Cabin filter",
            "content.unit": "piece",
            "content.list_price_cents": "88.00",
            "content.cost_cents": "41.00",
        }
    )
    await manager.pick("content.skill_code", "机修")
    await _save(manager, "新备件")
    await expect(manager.at("record-content")).to_contain_text("¥41.00")
    await manager.go(f"{HERE}/catalog?search=A/C-101")
    await manager.at("record-part:A/C-101").get_by_role("link").click()
    await manager.press("change-record")
    await manager.write(**{"content.list_price_cents": "99.00"})
    await _save(manager, "调价")
    await expect(manager.at("record-content")).to_contain_text("¥99.00")
    await manager.press("tab-history")
    await expect(manager.at("change-2")).to_contain_text("¥99.00")
    await advisor.go(f"{HERE}/catalog/group/part:A%2FC-101")
    await expect(advisor.at("record-content")).to_contain_text("¥99.00")
    await expect(advisor.at("record-content")).not_to_contain_text("成本")
    await _looks_well(advisor, "part-without-cost")
    assert manager.faults == advisor.faults == []


async def test_group_manager_moves_person_to_another_store(desk: Desk) -> None:
    manager, other = await desk.sign_in(GROUP_MANAGER), await desk.sign_in("S02-manager-1")
    await manager.go(f"{HERE}/staff?search=S01-technician-9")
    await manager.at("record-S01-technician-9").get_by_role("link").click()
    await manager.press("change-record")
    await manager.pick("content.posts.0.in_store", "杭州启岳滨江店")
    await _save(manager, "调店", 5)
    await expect(manager.at("version-2026-03-09")).to_be_visible()
    await expect(manager.page.locator(".subtitle")).to_contain_text("上海启岳")
    await other.go("/stores/S02/staff-week?day=2026-03-09")
    await expect(other.at("week-S01-technician-9")).to_contain_text("08:00")
    await manager.go("/stores/S01/staff-week?day=2026-03-09")
    await expect(manager.at("week-S01-technician-8")).to_be_visible()
    await expect(manager.at("week-S01-technician-9")).to_have_count(0)
    await other.go("/stores/S02/master-data/staff?search=S01-technician-9")
    await other.at("record-S01-technician-9").get_by_role("link").click()
    await other.press("version-2026-03-09")
    await other.press("change-record")
    await other.write(**{"content.telephone": "13900139000"})
    await other.write(reason="登记电话")
    await _looks_well(other, "person-moved")
    await other.press("save-record")
    await expect(other.at("record-content")).to_contain_text("13900139000")
    assert manager.faults == other.faults == []


async def test_managers_set_prices_on_both_lists(desk: Desk) -> None:
    group, manager = await desk.sign_in(GROUP_MANAGER), await desk.sign_in(MANAGER)
    await group.go(f"{HERE}/stores/group/S01/change")
    await group.write(**{"content.price_list": "qiyue"})
    await _save(group, "采用品牌价目表")
    await expect(group.at("record-content")).to_contain_text("qiyue")
    await group.go(f"{HERE}/catalog")
    await group.press("collection-prices")
    await group.write(search="OIL-5W30")
    await group.press("find")
    priced = group.at("priced-OIL-5W30")
    await expect(priced).to_contain_text("¥")
    await expect(group.at("set-own-OIL-5W30")).to_have_count(0)
    await group.open("set-list-OIL-5W30")
    await group.write(price_cents="0.01", reason="促销")
    await _looks_well(group, "price-dialog")
    await group.send()
    await expect(group.page.get_by_text("价格低于成本。").first).to_be_visible()
    await expect(priced).not_to_contain_text("¥0.01")
    await group.send()
    await expect(priced).to_contain_text("¥0.01")
    await manager.go("/stores/S01/prices?starting=labor_rate")
    await expect(manager.at("set-list-body")).to_have_count(0)
    await manager.open("set-own-body")
    await manager.write(price_cents="288", valid_from="2026-03-09", reason="调价")
    await manager.send()
    await expect(manager.at("priced-body")).to_contain_text("2026-03-09 起变更")
    await _looks_well(manager, "prices")
    await manager.press("all-prices")
    await manager.at("record-labor_rate:body.S01").get_by_role("link").click()
    await expect(manager.at("record-content")).to_contain_text("¥288.00")
    assert group.faults == manager.faults == []


async def test_person_shows_description_of_post(desk: Desk) -> None:
    manager = await desk.sign_in(MANAGER)
    await manager.go(f"{HERE}/staff/own/S01-technician-1")
    description = manager.at("post-description-technician")
    await expect(description).to_contain_text("按派工单和维修规范作业")
    await _looks_well(manager, "post-description")
    await description.get_by_role("link").click()
    await expect(manager.at("record-content")).to_contain_text("高压作业须持高压证")
    await expect(manager.at("change-record")).to_have_count(0)
    await manager.go(f"{HERE}/rules/own/post_description:technician/change")
    await expect(manager.at("content.tasks.0.zh")).to_have_value("按派工单和维修规范作业")
    await manager.write(**{"content.tasks.0.zh": "先读派工单再作业"})
    await _save(manager, "本店要求")
    await expect(manager.at("record-content")).to_contain_text("先读派工单再作业")
    await manager.go(f"{HERE}/staff/own/S01-technician-1")
    await expect(description).to_contain_text("先读派工单再作业")
    assert manager.faults == []


@pytest.mark.parametrize("collection", ["rules", "stores", "bays", "staff", "catalog"])
async def test_office_reads_and_decides_nothing(desk: Desk, collection: str) -> None:
    advisor = await desk.sign_in("S01-advisor-1")
    await advisor.go(f"{HERE}/{collection}")
    await expect(advisor.page.locator('[data-testid^="record-"]').first).to_be_visible()
    for name in ("new-own", "new-group"):
        await expect(advisor.at(name)).to_have_count(0)
    assert advisor.faults == []


async def test_sheet_is_checked_then_applied(desk: Desk) -> None:
    manager = await desk.sign_in(GROUP_MANAGER)
    await manager.go(f"{HERE}/catalog")
    await manager.press("sheets")
    await expect(manager.at("upload-group")).to_be_visible()
    headings = "code,zh,en,skill_code,unit,list_price_cents,cost_cents"
    await _upload(manager, f"{headings}\nOIL-X1,机油,Engine oil,魔法,liter,128.505,60\n")
    await expect(manager.at("cell-D2")).to_contain_text("不在可选代码中")
    await expect(manager.at("cell-F2")).to_contain_text("小数超过两位")
    await _looks_well(manager, "sheet-errors")
    await manager.press("discard-sheet")
    await expect(manager.at("sheet-import")).to_contain_text("已放弃")
    await manager.go("/stores/S01/sheets")
    await _upload(manager, f"{headings}\nOIL-X1,机油,Engine oil,保养,liter,128.50,160\n")
    await expect(manager.at("sheet-import")).to_contain_text("新增")
    await expect(manager.page.get_by_text("低于成本").first).to_be_visible()
    await _looks_well(manager, "sheet-preview")
    await manager.press("apply-sheet")
    await expect(manager.at("sheet-progress")).to_contain_text("生效 1")
    await _looks_well(manager, "sheet-applied")
    await manager.go("/stores/S01/sheets")
    await _upload(manager, f"{headings}\nOIL-X1,机油,Engine oil,保养,liter,128.50,160\n")
    await expect(manager.at("sheet-without-change")).to_be_visible()
    await manager.go("/stores/S01/sheets")
    await expect(manager.page.get_by_text("已应用")).to_be_visible()
    await _looks_well(manager, "sheets")
    panel = manager.at("download-group")
    await panel.locator('[data-testid="kind"]').click()
    await manager.page.locator(".q-menu .q-item").filter(has_text="门店").first.click()
    async with manager.page.expect_download() as downloading:
        await panel.locator('[data-testid="export-sheet"]').click()
    downloaded = await downloading.value
    assert downloaded.suggested_filename == "store-group-2026-03-04.xlsx"
    assert manager.faults == []


async def _upload(manager: Colleague, content: str) -> None:
    """Upload a sheet of parts; once more where the file was sent before the reason had arrived."""
    panel = manager.at("upload-group")
    await panel.locator('[data-testid="reason"]').fill("目录导入")
    sheet: FilePayload = {
        "name": "parts.csv",
        "mimeType": "text/csv",
        "buffer": content.encode("gb18030"),
    }
    picker = manager.at("sheet-file-group").locator("input[type=file]")
    for _ in range(3):
        await picker.set_input_files(sheet)
        with suppress(BrowserTimeoutError):
            await manager.page.wait_for_url("**/sheets/*/*", timeout=10_000)
            return
