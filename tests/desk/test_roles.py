"""Each role finds its pages at the desk, and managers see who may do what (R41) and which events
tell of it (R39).
"""

from datetime import UTC, datetime

import pytest
import pytest_asyncio
from playwright.async_api import expect

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from tests.support.desk import Colleague, Desk

NINE = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
MANAGER = "S01-manager-1"

FIRST_PAGES = {
    "S01-front-desk-supervisor-1": "/stores/S01/reception",
    "S01-claims-clerk-1": "/stores/S01/claims",
    "S01-parts-clerk-1": "/stores/S01/workshop",
    "S01-cashier-1": "/stores/S01/orders",
    "S01-customer-care-manager-1": "/stores/S01/follow-ups",
    "S01-sales-manager-1": "/stores/S01/leads",
    "trainer-1": "/stores/S01/master-data",
    "group-service-manager-1": "/group",
    "group-parts-manager-1": "/group",
    "group-customer-care-manager-1": "/group",
    "group-finance-manager-1": "/group",
}


@pytest_asyncio.fixture(scope="module", autouse=True)
async def morning(platform: Platform, clock: SimulatedClock) -> None:
    """Set the clock to nine."""
    clock.set(NINE)


@pytest.fixture(scope="module")
def drawn() -> set[str]:
    """Return the pages that a browser has drawn, for any role."""
    return set()


async def _opens(colleague: Colleague, address: str) -> None:
    """Ask for the page as the browser would; it shows what was asked for, and nothing is away."""
    response = await colleague.page.request.get(colleague.url + address)
    content = await response.text()
    assert response.url == colleague.url + address
    assert response.ok
    assert '"page-title' in content
    assert '"notice"' not in content


@pytest.mark.parametrize("who", FIRST_PAGES)
async def test_every_page_of_menu_opens_for_role(desk: Desk, who: str, drawn: set[str]) -> None:
    colleague = await desk.sign_in(who)
    page = colleague.page
    await expect(page).to_have_url(f"{desk.url}{FIRST_PAGES[who]}")
    await expect(page.locator(".menu-item").first).to_be_visible()
    addresses = [
        await item.get_attribute("href") for item in await page.locator(".menu-item").all()
    ]
    assert FIRST_PAGES[who] in addresses
    for address in filter(None, addresses):
        if address in drawn:
            await _opens(colleague, address)
            continue
        drawn.add(address)
        await colleague.go(address)
        await expect(page).to_have_url(f"{desk.url}{address}")
        await expect(page.locator(".page-title")).to_be_visible()
        await colleague.connected()
        await expect(page.locator(".notice")).to_have_count(0)
    assert colleague.faults == []


async def test_manager_sees_what_each_role_may_do(desk: Desk) -> None:
    manager = await desk.sign_in(MANAGER)
    await manager.press("menu-badge")
    await expect(manager.at("role-cashier")).to_contain_text("收银员")
    await expect(manager.at("role-cashier")).to_contain_text("Cashier")
    invoicing = manager.at("area-invoicing")
    approvals = invoicing.get_by_role("row").filter(has_text="审批优惠")
    await expect(approvals).to_be_hidden()
    await invoicing.locator("summary").click()
    await expect(approvals).to_contain_text("服务经理、集团经理")
    await manager.pick("role", "收银员")
    await expect(manager.page).to_have_url(f"{desk.url}/stores/S01/roles?role=cashier")
    await expect(invoicing.get_by_text("收款").first).to_be_visible()
    await expect(invoicing).not_to_contain_text("审批优惠")
    await expect(manager.at("role-technician")).to_have_count(0)
    assert manager.faults == []


async def test_printed_roles_leave_the_menu_out(desk: Desk) -> None:
    manager = await desk.sign_in(MANAGER)
    await manager.go("/stores/S01/roles")
    await manager.page.emulate_media(media="print")
    await expect(manager.page.locator(".menu")).to_be_hidden()
    await expect(manager.at("print")).to_be_hidden()
    await expect(manager.at("role-cashier")).to_be_visible()


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_roles_fit_each_screen_and_language(desk: Desk, language: str) -> None:
    manager = await desk.sign_in(MANAGER, language=language)
    for name, query in {"all": "", "cashier": "?role=cashier"}.items():
        await manager.go(f"/stores/S01/roles{query}")
        await expect(manager.at("role-cashier")).to_be_visible()
        for size in ("phone", "desktop"):
            await manager.fits(size)
            await manager.keep(f"roles-{name}-{size}-{language}")
    assert manager.faults == []


async def test_manager_opens_event_from_flow(desk: Desk) -> None:
    manager = await desk.sign_in(MANAGER)
    await manager.press("menu-schema")
    flow = manager.at("event-flow")
    await expect(flow.locator("text", has_text="前台系统")).to_be_visible()
    await flow.locator("text").get_by_text("开单", exact=True).click()
    await expect(manager.page).to_have_url(f"{desk.url}/stores/S01/events?event=OrderOpened")
    await expect(manager.at("event")).to_contain_text("aftersales.reception.order.v1")
    await expect(manager.at("event")).to_contain_text("读取方：车间系统")
    promise = manager.at("event-fields").get_by_role("row").filter(has_text="promised_at")
    await expect(promise).to_contain_text("承诺交车时间")
    await expect(promise).to_contain_text("Promised time")
    await expect(manager.at("event-example")).to_contain_text('"promised_at": "2026-03-04')
    assert manager.faults == []


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_events_fit_each_screen_and_language(desk: Desk, language: str) -> None:
    manager = await desk.sign_in(MANAGER, language=language)
    shown = {"all": ("", "event-flow"), "one": ("?event=InvoiceIssued", "event-fields")}
    for name, (query, part) in shown.items():
        await manager.go(f"/stores/S01/events{query}")
        await expect(manager.at(part)).to_be_visible()
        for size in ("phone", "desktop"):
            await manager.fits(size)
            await manager.keep(f"events-{name}-{size}-{language}")
    assert manager.faults == []
