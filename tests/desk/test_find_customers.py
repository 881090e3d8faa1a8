"""Finding customers from every page, their card and their timeline (R2, R19)."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio
from playwright.async_api import expect

from deploy.embedded.platform import Platform
from tests.support.api import ADVISOR, Api, customer, vin
from tests.support.desk import Desk
from tests.support.polling import PATIENCE_S

ZENG = customer(9101, "沪A9F001") | {"name": "曾国藩"}
ZHANG = customer(9102, "沪A9F002") | {"name": "张国芳"}


@pytest_asyncio.fixture(scope="module")
async def api(platform: Platform) -> AsyncIterator[Api]:
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        yield Api(platform, client)


async def test_advisor_finds_customer_by_keyboard(desk: Desk, api: Api) -> None:
    known = [await api.done("crm", "/customers", ADVISOR, each) for each in (ZENG, ZHANG)]
    complaint = {
        "customer_ref": known[0]["customer_ref"],
        "source": "phone",
        "severity": "major",
        "words": "异响还在",
    }
    await api.done("crm", "/complaints", "S01-agent-1", complaint)
    await api.wait_until_idle()
    advisor = await desk.sign_in(ADVISOR)
    await advisor.page.keyboard.press("/")
    await expect(advisor.at("top-find")).to_be_focused()
    await advisor.page.keyboard.type("zgf")
    await advisor.page.keyboard.press("Enter")
    await expect(advisor.at("found-customer")).to_have_count(2)
    await advisor.keep("find-customers")
    await advisor.page.keyboard.press("ArrowDown")
    await advisor.page.keyboard.press("Enter")
    await expect(advisor.at("customer-card")).to_be_visible()
    await expect(advisor.at("passage-complaint").first).to_be_visible()

    await advisor.write(**{"top-find": vin(9101)[-6:]})
    await advisor.at("top-find").press("Enter")
    await expect(advisor.at("card-complaint")).to_contain_text("投诉未结")
    await advisor.keep("customer-card")
    await advisor.at("card-vehicle").get_by_role("link").click()
    await expect(advisor.at("vehicle-person")).to_contain_text("曾国藩")
    await advisor.keep("vehicle")
    for size in ("phone", "desktop"):
        await advisor.fits(size)
        await advisor.keep(f"vehicle-{size}")

    await advisor.go("/stores/S01/reception")
    await advisor.open("record-arrival")
    await advisor.write(plate="沪A9F001")
    await expect(advisor.at("card-complaint")).to_be_visible()
    await advisor.keep("arrival-card")
    await advisor.send()
    await advisor.press("greet-*")
    await expect(advisor.at("customer-card")).to_be_visible()
    await advisor.keep("write-up-card")
    assert advisor.faults == []


async def test_technician_cannot_find_customers(desk: Desk) -> None:
    technician = await desk.sign_in("S01-technician-1")
    await expect(technician.page.get_by_role("main")).to_be_visible()
    await expect(technician.at("top-find")).to_have_count(0)
