"""Managers change rules at their desks: of the group, and of their own store (R40)."""

from datetime import UTC, date, datetime, timedelta

import httpx
import pytest_asyncio
from playwright.async_api import Locator, expect

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from tests.support.api import Api
from tests.support.desk import Colleague, Desk
from tests.support.polling import PATIENCE_S

NINE = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
TODAY = date(2026, 3, 4)
GROUP_MANAGER, OTHER_MANAGER = "group-manager-1", "group-manager-2"
MANAGER, TECHNICIAN, ADVISOR = "S01-manager-1", "S01-technician-1", "S01-advisor-1"
LOYALTY = "/stores/S01/master-data/rules/group/loyalty"
GROUP_MESSAGES = "/stores/S01/master-data/rules/group/messages"
GROUP_ACTIONS = "/stores/S01/master-data/rules/group/corrective_actions"
OWN_ACTIONS = "/stores/S01/master-data/rules/own/corrective_actions"
OWN_MESSAGES = "/stores/S01/master-data/rules/own/messages"
GROUP_SETTLEMENT = "/stores/S01/master-data/rules/group/settlement"
OWN_SETTLEMENT = "/stores/S01/master-data/rules/own/settlement"
OWN_WORKSHOP = "/stores/S01/master-data/rules/own/workshop"
OWN_STEPS = "/stores/S01/master-data/rules/own/delivery_checklist"
AREAS = "/stores/S01/master-data/rules/group/facility_checklist"


def _in(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


@pytest_asyncio.fixture(scope="module", autouse=True)
async def morning(platform: Platform, clock: SimulatedClock) -> None:
    """Set the clock to nine; the rules of the group folder hold."""
    clock.set(NINE)


async def _edit(colleague: Colleague, address: str) -> None:
    await colleague.go(f"{address}/change")
    await expect(colleague.at("save-record")).to_be_visible()


async def _save(colleague: Colleague, days: int, reason: str) -> None:
    await colleague.write(valid_from=_in(days), reason=reason)
    await colleague.press("save-record")


def _field(colleague: Colleague, name: str) -> Locator:
    """Return the field with its label and its error."""
    return colleague.page.locator("label.q-field").filter(has=colleague.at(name))


async def _decide(colleague: Colleague, button: str, reason: str, days: int | None = None) -> None:
    await colleague.open(button)
    if days is not None:
        await colleague.write(valid_from=_in(days))
    await colleague.write(reason=reason)
    await colleague.send()
    await expect(colleague.page.locator(".dialog")).to_have_count(0)


async def test_manager_changes_loyalty_from_future_day(desk: Desk) -> None:
    manager = await desk.sign_in(GROUP_MANAGER)
    await manager.press("menu-rule")
    await expect(manager.at("record-loyalty")).to_contain_text("忠诚度")
    await expect(manager.at("record-loyalty")).to_contain_text("2026-01-01")
    await manager.keep("rules")
    await manager.at("record-loyalty").get_by_role("link").click()
    await expect(manager.at("record-content")).to_contain_text("¥10,000.00")
    await manager.keep("rules-loyalty")
    await manager.press("change-record")
    await expect(manager.at("content.tiers.0.visits")).to_have_value("6")
    await manager.write(**{"content.tiers.0.spend_cents": "12000.50"})
    await manager.keep("rules-loyalty-change")
    await _save(manager, 10, "年度调整")
    await expect(manager.at("record-content")).to_contain_text("¥12,000.50")
    await expect(manager.at("record-content")).to_contain_text(f"自 {_in(10)} 起")
    await manager.keep("rules-loyalty-versions")
    await manager.press("tab-history")
    change = manager.at("change-2")
    await expect(change).to_contain_text("杨丽")
    await expect(change).to_contain_text("年度调整")
    await expect(change.get_by_role("row").nth(1)).to_contain_text("¥10,000.00")
    await expect(change.get_by_role("row").nth(1)).to_contain_text("¥12,000.50")
    await manager.keep("rules-loyalty-history")
    await manager.go("/stores/S01/master-data/rules")
    await expect(manager.at("record-loyalty")).to_contain_text(_in(10))
    await expect(manager.at("record-loyalty")).to_contain_text("年度调整")
    assert manager.faults == []


async def test_refused_value_shows_error_beside_field(desk: Desk) -> None:
    manager = await desk.sign_in(GROUP_MANAGER, language="en")
    await _edit(manager, LOYALTY)
    await manager.write(valid_from="")
    await manager.press("save-record")
    await expect(_field(manager, "valid_from")).to_contain_text("Please fill this in.")
    await manager.write(**{"content.tiers.1.visits": "9", "content.period_days": ""})
    await _save(manager, 20, "Stricter")
    await expect(_field(manager, "content.period_days")).to_contain_text("Please enter a number.")
    await manager.write(**{"content.period_days": "365"})
    await manager.press("save-record")
    refused = _field(manager, "content.tiers.1.visits")
    await expect(refused).to_contain_text("Silver asks for more than Gold before it.")
    await expect(manager.at("content.tiers.1.visits")).to_have_value("9")
    await expect(manager.at("reason")).to_have_value("Stricter")
    await manager.keep("rules-loyalty-refused")
    assert manager.faults == []


async def test_own_workshop_rules_begin_with_those_of_group(desk: Desk) -> None:
    manager = await desk.sign_in(MANAGER)
    await _edit(manager, OWN_WORKSHOP)
    await expect(manager.at("content.comeback_days")).to_have_value("30")
    await expect(manager.at("content.rework_share_bp")).to_have_value("50")
    await manager.write(**{"content.comeback_days": "45", "content.rework_share_bp": "62.5"})
    await manager.keep("rules-workshop-change")
    await _save(manager, 5, "厂家要求")
    await expect(manager.at("record-content")).to_contain_text("45 天")
    await expect(manager.at("record-content")).to_contain_text("62.5%")
    await manager.keep("rules-workshop")
    assert manager.faults == []


async def test_preview_compares_tiers_of_delivered_customers(
    desk: Desk, platform: Platform
) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        api = Api(platform, client)
        for number, plate in ((1, "沪A10001"), (2, "沪A10002")):
            order_id = await api.opened(number, plate)
            await api.worked(order_id)
            await api.delivered(order_id)
        await api.wait_until_idle()
    manager = await desk.sign_in(GROUP_MANAGER)
    await _edit(manager, LOYALTY)
    await manager.write(
        **{
            f"content.{tiers}.2.{name}": value
            for tiers in ("tiers", "brands.0")
            for name, value in (("visits", "0"), ("spend_cents", "0"))
        }
    )
    await manager.press("preview-rules")
    preview = manager.at("rules-preview")
    await expect(preview).to_contain_text("2 位客户中，2 位升级，0 位降级。")
    await expect(preview.locator("canvas")).to_be_visible()
    await manager.page.wait_for_timeout(500)
    await manager.keep("rules-loyalty-preview")
    assert manager.faults == []


async def test_store_manager_sets_own_discount_limit(desk: Desk) -> None:
    manager = await desk.sign_in(MANAGER)
    await manager.go(GROUP_SETTLEMENT)
    content = manager.at("record-content")
    await expect(content).to_contain_text("20%")
    await expect(content).to_contain_text("7、15、30 天")
    await manager.keep("rules-settlement")
    await _edit(manager, OWN_SETTLEMENT)
    await manager.write(
        **{"content.service_advisor_discount_bp": "2.5", "content.dunning_days": "5，3"}
    )
    await _save(manager, 0, "本店从严")
    await expect(_field(manager, "content.dunning_days")).to_contain_text("日期须从早到晚")
    await manager.write(**{"content.dunning_days": "3，5"})
    await manager.press("preview-rules")
    await expect(manager.at("rules-preview")).to_be_visible()
    await manager.keep("rules-own-settlement-change")
    await manager.press("save-record")
    await expect(content).to_contain_text("2.5%")
    await expect(content).to_contain_text("3、5 天")
    await expect(content).to_contain_text("同集团规定")
    await manager.keep("rules-own-settlement")
    assert manager.faults == []


async def test_day_of_other_version_is_told(desk: Desk) -> None:
    manager = await desk.sign_in(GROUP_MANAGER)
    await _edit(manager, LOYALTY)
    await manager.write(valid_from=_in(9))
    await expect(manager.at("other-version")).to_be_empty()
    await manager.write(valid_from=_in(11))
    await expect(manager.at("other-version")).to_contain_text(f"自 {_in(10)} 起的版本")
    await manager.keep("rules-other-version")
    await manager.at("other-version").get_by_role("link").click()
    await expect(manager.at("content.tiers.0.spend_cents")).to_have_value("12000.50")
    assert manager.faults == []


async def test_rows_and_brands_are_added_and_removed(desk: Desk) -> None:
    manager = await desk.sign_in(GROUP_MANAGER)
    await _edit(manager, LOYALTY)
    await manager.at("content.tiers.2").get_by_label("删除此行").click()
    await expect(manager.at("content.tiers.2")).to_have_count(0)
    await manager.press("content.brands.add")
    await manager.write(**{"content.brands.1.key": "云帆"})
    await manager.press("content.brands.1.add")
    await manager.pick("content.brands.1.0.tier", "金卡")
    await manager.write(
        **{
            "content.brands.1.0.visits": "3",
            "content.brands.1.0.spend_cents": "2000",
            "content.brands.1.0.max_days_since_last_visit": "0",
        }
    )
    await _save(manager, 30, "新品牌")
    refused = _field(manager, "content.brands.1.0.max_days_since_last_visit")
    await expect(refused).to_contain_text("数值太小")
    await manager.write(**{"content.brands.1.0.max_days_since_last_visit": "400"})
    await manager.press("save-record")
    await expect(manager.at("record-content")).to_contain_text("云帆")
    await expect(manager.at("record-content")).to_contain_text("¥2,000.00")
    assert manager.faults == []


async def test_second_editor_sees_change_and_keeps_input(desk: Desk) -> None:
    first, second = await desk.sign_in(GROUP_MANAGER), await desk.sign_in(OTHER_MANAGER)
    for each in (first, second):
        await _edit(each, GROUP_MESSAGES)
    await first.write(**{"content.templates.ready.zh.title": "{store}：爱车已完工"})
    await _save(first, 5, "用语统一")
    await expect(first.at("record-content")).to_contain_text("爱车已完工")
    typed = "{name}您好，您的爱车已于{ready_at}完工，欢迎取车。"
    await second.write(**{"content.templates.ready.zh.text": typed})
    await _save(second, 6, "更简短")
    conflict = second.at("conflict")
    await expect(conflict).to_contain_text("杨丽")
    await expect(conflict).to_contain_text("用语统一")
    await expect(conflict).to_contain_text("{store}：爱车已完工")
    await expect(second.at("content.templates.ready.zh.text")).to_have_value(typed)
    await expect(second.at("reason")).to_have_value("更简短")
    await second.keep("rules-conflict")
    await expect(second.at("save-record")).to_be_hidden()
    await expect(second.at("held-then")).to_contain_text(typed)
    await second.press("replace-record")
    await expect(second.at("record-content")).to_contain_text("完工，欢迎取车")
    assert first.faults == second.faults == []


async def test_store_manager_sets_and_ends_own_text(desk: Desk) -> None:
    manager = await desk.sign_in(MANAGER)
    await manager.go("/stores/S01/master-data/rules")
    await manager.at("record-messages.S01").get_by_role("link").click()
    await manager.press("change-record")
    await manager.press("content.templates.ready.zh.own")
    await manager.write(**{"content.templates.ready.zh.text": "{name}，请到{stor}取车。"})
    await expect(manager.at("record-form")).to_contain_text("王女士，请到{stor}取车。")
    await _save(manager, 0, "本店用语")
    refused = _field(manager, "content.templates.ready.zh.text")
    await expect(refused).to_contain_text("不能用占位符 {stor}")
    await manager.keep("rules-own-message-refused")
    await manager.write(**{"content.templates.ready.zh.text": "{name}，请到{store}取车。"})
    await manager.press("save-record")
    content = manager.at("record-content")
    await expect(content).to_contain_text("王女士，请到")
    await manager.keep("rules-own-message")
    await _decide(manager, "end-record", "试行结束", days=1)
    await manager.press(f"version-{_in(1)}")
    await expect(manager.page.get_by_text("本店适用集团规定。")).to_be_visible()
    await _decide(manager, "withdraw-version", "继续试行")
    await expect(manager.at(f"version-{_in(1)}")).to_have_count(0)
    await manager.press("tab-history")
    await expect(manager.at("change-3")).to_contain_text("撤回")
    await manager.keep("rules-own-history")
    assert manager.faults == []


async def test_own_checklist_begins_with_the_groups(desk: Desk) -> None:
    manager = await desk.sign_in(MANAGER)
    await _edit(manager, OWN_STEPS)
    await expect(manager.at("content.steps.0.step")).to_have_value("work_explained")
    await manager.at("content.steps.0").get_by_label("删除此行").click()
    await manager.press("content.steps.add")
    await manager.write(
        **{
            "content.steps.7.step": "vehicle_clean",
            "content.steps.7.zh": "取下座套",
            "content.steps.7.en": "Seat covers removed",
        }
    )
    await manager.pick("content.steps.7.repeat_after_work", "是")
    await _save(manager, 0, "本店要求")
    refused = _field(manager, "content.steps.7.repeat_after_invoice")
    await expect(refused).to_contain_text("请选择")
    await manager.pick("content.steps.7.repeat_after_invoice", "否")
    await manager.press("save-record")
    await expect(_field(manager, "content.steps.7.step")).to_contain_text("vehicle_clean重复出现")
    await manager.write(**{"content.steps.7.step": "seat_covers_removed"})
    await manager.keep("rules-own-steps-change")
    await manager.press("save-record")
    await expect(manager.at("record-content")).to_contain_text("取下座套")
    await manager.keep("rules-own-steps")
    assert manager.faults == []


async def test_changed_due_hour_reaches_facility_checks(desk: Desk) -> None:
    manager = await desk.sign_in(GROUP_MANAGER)
    await manager.go(AREAS)
    await expect(manager.at("record-content")).to_contain_text("通道畅通")
    await manager.keep("rules-areas")
    await _edit(manager, AREAS)
    await manager.write(**{"content.areas.1.due": "09:30"})
    await manager.keep("rules-areas-change")
    await _save(manager, 0, "早会延后")
    await expect(manager.at("record-content")).to_contain_text("09:30")
    advisor = await desk.sign_in(ADVISOR)
    await advisor.go("/stores/S01/facility-checks")
    await expect(advisor.at("area-service_drive")).to_contain_text("09:30")
    assert manager.faults == advisor.faults == []


async def test_corrective_action_rules_name_finding_and_role(desk: Desk) -> None:
    manager = await desk.sign_in(GROUP_MANAGER)
    await manager.go(GROUP_ACTIONS)
    content = manager.at("record-content")
    await expect(content).to_contain_text("质检员")
    await expect(content).to_contain_text("其他问题")
    await manager.keep("rules-corrective-actions")
    await _edit(manager, GROUP_ACTIONS)
    await manager.pick("content.rules.1.finding", "维修质量")
    await _save(manager, 3, "明确责任")
    refused = _field(manager, "content.rules.1.finding")
    await expect(refused).to_contain_text("客户评价的这个问题已有规定。")
    await manager.keep("rules-corrective-actions-refused")
    await manager.pick("content.rules.1.finding", "其他问题")
    await manager.write(**{"content.rules.1.days": "9"})
    await manager.press("save-record")
    await expect(content).to_contain_text("9 天")
    await manager.go(f"{GROUP_ACTIONS}?tab=history")
    await expect(manager.at("change-2")).to_contain_text("技术水平")
    assert manager.faults == []


async def test_store_names_its_own_owner_of_findings(desk: Desk) -> None:
    manager = await desk.sign_in(MANAGER)
    await manager.go(OWN_ACTIONS)
    await manager.press("change-record")
    await manager.press("content.rules.add")
    await manager.pick("content.rules.0.source", "日常检查")
    await manager.pick("content.rules.0.finding", "地面清洁")
    await manager.pick("content.rules.0.role", "服务顾问")
    await manager.write(**{"content.rules.0.days": "2"})
    await manager.keep("rules-own-corrective-actions-change")
    await _save(manager, 0, "大厅由顾问负责")
    await expect(manager.at("record-content")).to_contain_text("地面清洁")
    await expect(manager.at("record-content")).to_contain_text("服务顾问")
    assert manager.faults == []


async def test_older_content_is_put_back(desk: Desk) -> None:
    manager = await desk.sign_in(GROUP_MANAGER)
    await manager.go(f"{LOYALTY}?tab=history")
    await _decide(manager, "put-back-1", "改动有误", days=40)
    newest = manager.page.locator(".record-change").first
    await expect(newest).to_contain_text("恢复")
    await expect(newest).to_contain_text("改动有误")
    await expect(newest).to_contain_text("取自 #1 的内容")
    await manager.keep("rules-put-back")
    assert manager.faults == []


async def test_advisor_reads_rules_but_changes_none(desk: Desk) -> None:
    advisor = await desk.sign_in(ADVISOR)
    await advisor.go(LOYALTY)
    await expect(advisor.at("record-content")).to_contain_text("金卡")
    await expect(advisor.at("change-record")).to_have_count(0)
    await advisor.go(f"{LOYALTY}/change")
    await expect(advisor.at("save-record")).to_have_count(0)


async def test_technician_sees_no_menu_entry(desk: Desk) -> None:
    technician = await desk.sign_in(TECHNICIAN)
    await expect(technician.page.locator(".menu-item").first).to_be_visible()
    await expect(technician.at("menu-rule")).to_have_count(0)


async def test_rules_fit_each_screen_and_language(desk: Desk) -> None:
    pages = {
        "rules": "/stores/S01/master-data/rules",
        "loyalty": LOYALTY,
        "loyalty-change": f"{LOYALTY}/change",
        "loyalty-history": f"{LOYALTY}?tab=history",
        "settlement": GROUP_SETTLEMENT,
        "settlement-change": f"{GROUP_SETTLEMENT}/change",
        "areas": AREAS,
        "areas-change": f"{AREAS}/change",
        "steps-change": f"{OWN_STEPS}/change",
        "messages": GROUP_MESSAGES,
        "messages-change": f"{GROUP_MESSAGES}/change",
        "messages-history": f"{GROUP_MESSAGES}?tab=history",
        "actions": GROUP_ACTIONS,
        "actions-change": f"{GROUP_ACTIONS}/change",
    }
    for language in ("zh", "en"):
        manager = await desk.sign_in(GROUP_MANAGER, language=language)
        for name, address in pages.items():
            await manager.go(address)
            await expect(manager.page.locator(".page-title")).to_be_visible()
            await manager.connected()
            for size in ("phone", "desktop"):
                await manager.fits(size)
                await manager.keep(f"fit-{name}-{size}-{language}")
        assert manager.faults == []
