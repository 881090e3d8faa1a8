"""Loyal, lost and interested customers at the desk (R25, R26, R47)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from tests.support.api import ADVISOR, Api, customer
from tests.support.desk import Desk
from tests.support.finished_visits import delivery, invoice
from tests.support.harness import publisher

NINE = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
CARE, SALES = "S01-customer-care-manager-1", "S01-sales-manager-1"
LOST, LOYAL = "沪A30010", "沪A30020"


@pytest_asyncio.fixture(scope="module")
async def api(platform: Platform, clock: SimulatedClock) -> AsyncIterator[Api]:
    clock.set(NINE)
    async with httpx.AsyncClient(timeout=10) as client:
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
    await care.press("issue-voucher")
    await care.write(value_cents="50")
    await care.pick("campaign_id", "春季保养")
    await care.keep("voucher-dialog")
    await care.send()
    await care.go("/stores/S01/vouchers")
    await expect(care.at("voucher").first).to_contain_text("¥50.00")
    await expect(care.at("voucher").first).to_contain_text("营销活动")
    await expect(care.at("voucher-months")).to_contain_text("2026-03")
    await care.keep("vouchers")
    assert care.faults == []


async def test_person_is_erased_at_the_desk(desk: Desk, customers: dict[str, str]) -> None:
    care = await desk.sign_in(CARE)
    await care.go(f"/stores/S01/customers/{customers[LOST]}/data")
    await expect(care.at("kept-class").first).to_be_visible()
    await expect(care.at("kept-text")).to_contain_text("隔壁便宜")
    await expect(care.at("contact-read").first).to_contain_text("查")
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
