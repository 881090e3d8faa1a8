"""Loyal, lost and interested customers, and what they are worth (R25, R26, R29, R47)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from shared.contracts.crm import CustomerRegistered
from tests.support.api import ADVISOR, Api, customer
from tests.support.desk import Desk
from tests.support.finished_visits import delivery, invoice
from tests.support.harness import publisher
from tests.support.polling import PATIENCE_S

NINE = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
CARE, SALES = "S01-customer-care-manager-1", "S01-sales-manager-1"
MANAGER = "S01-manager-1"
LOST, LOYAL = "沪A30010", "沪A30020"


@pytest_asyncio.fixture(scope="module")
async def api(platform: Platform, clock: SimulatedClock) -> AsyncIterator[Api]:
    clock.set(NINE)
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        yield Api(platform, client)


@pytest_asyncio.fixture(scope="module", autouse=True)
async def customers(api: Api, platform: Platform) -> dict[str, str]:
    """Return two customers with regular visits, of whom one has stayed away since."""
    refs = {}
    for number, plate in enumerate((LOST, LOYAL), 31):
        known = await api.done("crm", "/customers", ADVISOR, customer(number, plate))
        refs[plate] = str(known["customer_ref"])
    days = {LOST: (155, 115, 75), LOYAL: (155, 115, 75, 35, 1)}
    async with publisher(platform) as outside:
        for plate, ref in refs.items():
            for ago in days[plate]:
                at = NINE - timedelta(days=ago)
                order = f"{ref}-{ago}"
                await outside.publish(invoice(order, 40_000, at), delivery(order, ref, at), at=at)
    await api.wait_until_idle()
    return refs


async def test_lost_customer_gets_cause_and_result(desk: Desk, customers: dict[str, str]) -> None:
    care = await desk.sign_in(CARE)
    await care.go("/stores/S01/defection?view=lost")
    row = care.at("lapse")
    await expect(row).to_contain_text("铜卡")
    await expect(row).to_contain_text("自身规律")
    await care.press("record-cause")
    await care.pick("cause", "价格")
    await care.write(note="隔壁便宜")
    await care.send()
    await expect(row).to_contain_text("隔壁便宜")
    await care.press("record-result")
    await care.pick("result", "答应回店")
    await care.send()
    await expect(row).to_contain_text("答应回店")
    await expect(care.at("record-result")).to_have_count(0)
    await care.keep("lost-customers")

    await care.go("/stores/S01/defection?view=months")
    await expect(care.at("defection-months").locator("canvas")).to_be_visible()
    await expect(care.at("retention-kpis")).to_contain_text("流失率")
    await care.keep("defection-months")
    await care.fits("phone")
    assert care.faults == []


@pytest_asyncio.fixture
async def owners(api: Api, platform: Platform) -> None:
    """Return thirty owners of May 2022, two of 2024 and one of 2025, who came each year since."""
    async with publisher(platform) as outside:
        for year, count, visits in ((2022, 30, 3), (2024, 2, 1), (2025, 1, 0)):
            for number in range(count):
                since = datetime(year, 5, 10, 1, tzinfo=UTC)
                ref = f"owner-{year}-{number}"
                owner = CustomerRegistered(
                    store_id="S01",
                    customer_ref=ref,
                    vehicle_ref=f"v-{ref}",
                    registered_at=since,
                )
                await outside.enqueue(owner, since)
                for visit in range(visits):
                    at = since + timedelta(days=100 + 365 * visit)
                    order = f"{ref}-{visit}"
                    for event in (invoice(order, 60_000, at), delivery(order, ref, at)):
                        await outside.enqueue(event, at)
    for month in ("2022-05", "2025-05"):
        content = {
            "kind": "monthly_costs",
            "building_cents": 3_000_000,
            "staff_cents": 6_000_000,
            "working_capital_cents": 500_000,
            "advertising_cents": 1_500_000,
            "vehicles_sold": 30,
            "vehicle_profit_cents": 2_000_000,
        }
        body = {"valid_from": "2026-03-04", "reason": "财务月报", "content": content}
        await api.done("management", f"/costs/{month}", MANAGER, body, method="PUT")
    await api.wait_until_idle()


@pytest.mark.usefixtures("owners")
async def test_lifetime_value_waits_for_missing_costs(desk: Desk, api: Api) -> None:
    manager = await desk.sign_in(MANAGER)
    await manager.go("/stores/S01/lifetime-value")
    await expect(manager.at("missing-months")).to_contain_text("2024-05")
    await expect(manager.at("cohort-2022")).to_contain_text("第 2 年")
    await expect(manager.at("cohort-2024")).to_contain_text("缺少成本")
    await expect(manager.at("cohort-2025")).to_contain_text("1 例")
    await expect(manager.at("lifetime-chart").locator("canvas")).to_be_visible()

    await manager.press("monthly-costs")
    await expect(manager.at("record-2025-05.S01")).to_be_visible()
    await manager.open("new-own")
    await manager.write(code="2024-05")
    await manager.send()
    amounts = {
        "building_cents": "30000",
        "staff_cents": "64000",
        "working_capital_cents": "5000",
        "advertising_cents": "12000.50",
        "vehicles_sold": "28",
        "vehicle_profit_cents": "-3000",
    }
    await manager.write(**{f"content.{name}": typed for name, typed in amounts.items()})
    await manager.write(reason="财务月报")
    await manager.keep("monthly-costs-form")
    await manager.press("save-record")
    await expect(manager.at("record-content")).to_contain_text("¥12,000.50")
    await api.wait_until_idle()

    await manager.go("/stores/S01/lifetime-value")
    await expect(manager.at("missing-months")).to_have_count(0)
    await expect(manager.at("cohort-2024")).to_contain_text("尚未")
    await manager.keep("lifetime-value")
    async with manager.page.expect_download() as downloading:
        await manager.press("download")
    downloaded = await downloading.value
    lines = (await downloaded.path()).read_text("utf-8-sig").splitlines()
    assert lines[2].startswith("2024,2,114000.5,3200.0,0.0")
    await manager.fits("phone")
    assert manager.faults == []


async def test_loyalty_lists_and_trend_are_shown(desk: Desk) -> None:
    care = await desk.sign_in(CARE)
    await care.go("/stores/S01/loyalty")
    await expect(care.at("tier-entry").first).to_contain_text("铜卡")
    await care.keep("loyalty")
    await care.press("tab-trend")
    await expect(care.at("tier-trend").locator("canvas")).to_be_visible()
    await care.keep("loyalty-trend")
    await care.press("tab-near_rise")
    await expect(care.page.locator(".page-title")).to_be_visible()
    assert care.faults == []


async def test_lead_goes_from_customer_to_sales(desk: Desk, customers: dict[str, str]) -> None:
    advisor = await desk.sign_in(ADVISOR)
    await advisor.go(f"/stores/S01/customers/{customers[LOYAL]}")
    await advisor.press("hand-over-lead")
    await advisor.pick("model_code", "启岳 SUV")
    await advisor.send()
    await expect(advisor.page.locator(".dialog")).to_contain_text("未同意")
    await advisor.press("consent")
    await advisor.keep("lead-dialog")
    await advisor.send()
    await expect(advisor.page.locator(".dialog")).to_have_count(0)

    sales = await desk.sign_in(SALES)
    await expect(sales.page).to_have_url(f"{desk.url}/stores/S01/leads")
    row = sales.at("lead")
    await expect(row).to_contain_text("王小明")
    await sales.press("answer-lead")
    await sales.pick("answer", "拒收")
    await sales.pick("reason", "无意向")
    await sales.send()
    await expect(sales.at("lead-counts")).to_contain_text("置换")
    await sales.press("tab-refused")
    await expect(row).to_contain_text("无意向")
    await sales.keep("leads")
    assert sales.faults == []


@pytest.mark.usefixtures("customers")
async def test_gift_is_given_at_reception_once(desk: Desk, api: Api) -> None:
    await api.done("reception", "/arrivals", ADVISOR, {"plate": LOYAL})
    advisor = await desk.sign_in(ADVISOR)
    await advisor.go("/stores/S01/reception")
    await advisor.press("entitlements-*")
    await advisor.press("give-gift")
    await expect(advisor.at("entitlement-gift")).to_contain_text("已发放")
    await expect(advisor.at("give-gift")).to_have_count(0)
    await advisor.keep("entitlements")
    assert advisor.faults == []


async def test_campaign_is_planned_started_and_measured(
    desk: Desk, api: Api, customers: dict[str, str]
) -> None:
    care = await desk.sign_in(CARE)
    for ref in customers.values():
        await care.go(f"/stores/S01/customers/{ref}")
        await care.press("change-marketing")
        await expect(care.at("consent-marketing")).to_contain_text("已同意")
    await care.keep("consents")
    await care.go("/stores/S01/campaigns")
    await care.press("plan-campaign")
    await care.write(title="春季保养", control_bp="50")
    await care.pick("origin", "厂家统一促销")
    await care.pick("reason", "季节保养")
    await care.press("add-price-limit")
    await care.press("preview-segment")
    await expect(care.at("segment-size")).to_contain_text("客户过少")
    await care.keep("campaign-form")
    await care.pick("origin", "本店活动")
    await care.send()
    await expect(care.at("campaign")).to_contain_text("草稿")
    await care.keep("campaigns")
    await care.at("campaign").locator("a").click()
    await care.open("edit-campaign")
    await expect(care.at("title")).to_have_value("春季保养")
    await expect(care.at("control_bp")).to_have_value("50")
    await care.pick("origin", "厂家统一促销")
    await care.press("add-price-limit")
    await expect(care.page.locator(".q-menu")).to_have_count(0)
    await care.page.locator(".limits .field input").first.click()
    await care.page.locator(".q-menu .q-item").first.click()
    await care.page.locator(".limits .field input").last.fill("500")
    await care.keep("campaign-edit")
    await care.send()
    await expect(care.at("price-breaches")).to_contain_text("0个价格")
    await care.press("start-campaign")
    await care.send()
    await api.wait_until_idle()
    await expect(care.at("campaign")).to_contain_text("进行中")
    await expect(care.at("campaign-chart").locator("canvas").first).to_be_visible()
    await expect(care.at("campaign-effect")).to_contain_text("样本过小")
    await expect(care.at("invitation")).to_contain_text("近期已联系")
    await care.press("add-cost")
    await care.pick("kind", "礼品")
    await care.write(amount_cents="300")
    await care.send()
    await expect(care.at("campaign")).to_contain_text("¥300.00")
    await care.keep("campaign")
    await care.fits("phone")
    await care.fits("desktop")
    await care.go(f"/stores/S01/customers/{customers[LOYAL]}")
    await care.page.locator("a[href*='/vehicles/']").first.click()
    await care.open("issue-voucher")
    await expect(care.page.locator(".dialog")).to_contain_text("仅限本车使用")
    await care.write(value_cents="80")
    await care.send()
    await expect(care.page.locator(".dialog")).to_have_count(0)
    await care.go(f"/stores/S01/customers/{customers[LOYAL]}")
    await care.press("issue-voucher")
    await care.write(value_cents="50")
    await care.pick("campaign_id", "春季保养")
    await care.keep("voucher-dialog")
    await care.send()
    await care.go("/stores/S01/vouchers")
    await expect(care.at("voucher").first).to_contain_text("¥50.00")
    await expect(care.at("voucher").first).to_contain_text("营销活动")
    await expect(care.at("voucher").first).to_contain_text("长期有效")
    await expect(care.at("voucher").nth(1).get_by_role("link", name="车辆")).to_be_visible()
    await expect(care.at("voucher-months")).to_contain_text("2026-03")
    await care.keep("vouchers")
    assert care.faults == []


async def test_person_is_erased_at_the_desk(desk: Desk, customers: dict[str, str]) -> None:
    care = await desk.sign_in(CARE)
    await care.go(f"/stores/S01/customers/{customers[LOST]}/data")
    await expect(care.at("kept-class").first).to_be_visible()
    await expect(care.at("kept-text")).to_contain_text("隔壁便宜")
    await expect(care.at("contact-read").first).to_contain_text("查")
    await expect(care.at("kept-reception")).to_contain_text("前台系统")
    await care.keep("kept-data")
    await care.fits("phone")
    await care.press("erase")
    await care.pick("reason", "本人要求")
    await care.keep("erase-dialog")
    await care.send()
    await expect(care.at("erasure")).to_contain_text("本人要求")
    assert care.faults == []

    finance = await desk.sign_in("group-finance-manager-1")
    await finance.go("/stores/S01/erasures")
    await finance.press("read-blocked")
    await expect(finance.page.locator(".dialog")).to_contain_text("王小明")
    await finance.keep("kept-by-law")
    assert finance.faults == []
