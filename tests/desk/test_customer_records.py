"""New customers, insurance and service reminders at the desk (R19, R26, R27)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest_asyncio
from playwright.async_api import expect

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from tests.support.api import ADVISOR, Api, customer, vin
from tests.support.desk import Colleague, Desk
from tests.support.polling import PATIENCE_S

NINE = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
SELLER, BUYER = (
    customer(51, "沪A51000"),
    customer(51, "沪A51000") | {"name": "欧阳𬭎", "phone": "13900000052"},
)
AGENT = "S01-agent-1"


@pytest_asyncio.fixture(scope="module")
async def seller(platform: Platform, clock: SimulatedClock) -> AsyncIterator[dict[str, Any]]:
    """Yield the references of a registered customer, who sells the vehicle later."""
    clock.set(NINE)
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        api = Api(platform, client)
        yield await api.done("crm", "/customers", ADVISOR, SELLER)


async def _type(colleague: Colleague, details: dict[str, Any]) -> None:
    await colleague.go("/stores/S01/new-customer")
    await expect(colleague.at("name")).to_be_visible()
    await colleague.write(**details)


async def test_known_vehicle_asks_who_comes(desk: Desk, seller: dict[str, Any]) -> None:
    advisor = await desk.sign_in(ADVISOR)
    await _type(advisor, BUYER)
    await advisor.press("register-customer")
    await expect(advisor.at("who-comes")).to_contain_text("王小明")
    await advisor.keep("new-customer-asked")
    await advisor.press("new-owner")
    await expect(advisor.page).not_to_have_url(f"{desk.url}/stores/S01/new-customer")
    people = advisor.page.locator(".panel").filter(has_text="名下车辆")
    await expect(people).to_contain_text("欧阳𬭎")
    await expect(people).to_contain_text("王小明")
    await advisor.keep("new-customer")
    assert advisor.faults == []


async def test_renewal_is_quoted_and_won(desk: Desk, seller: dict[str, Any]) -> None:
    agent = await desk.sign_in(AGENT)
    await agent.go("/stores/S01/insurance")
    await agent.open("record-policy")
    await agent.write(vehicle_ref=str(SELLER["vin"]))
    await agent.pick("insurer", "平安产险")
    await agent.write(begins_on="2025-03-20", ends_on="2026-03-19", premium_cents="4800")
    await agent.keep("policy-dialog")
    await agent.send()
    await expect(agent.at("policy")).to_contain_text("平安产险")
    await agent.keep("insurance")
    await agent.at("policy").get_by_role("link").click()
    await agent.open("add-quote")
    await agent.pick("insurer", "人保财险")
    await agent.write(premium_cents="4500")
    await agent.send()
    await expect(agent.at("quote")).to_contain_text("−¥300.00")
    await agent.keep("policy-quoted")
    await agent.open("accept-quote")
    await agent.send()
    await expect(agent.at("win")).to_have_count(0)
    await agent.keep("policy-won")
    manager = await desk.sign_in("S01-manager-1")
    await manager.go("/stores/S01/insurance?view=rates")
    await expect(manager.at("renewal-rates")).to_contain_text("2026-03")
    await manager.keep("renewal-rates")
    await agent.fits("phone")
    assert agent.faults == []


async def test_first_registration_plans_invitations(
    desk: Desk, platform: Platform, seller: dict[str, Any]
) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        path = f"/registered-vehicles/{seller['vehicle_ref']}/first-registration"
        day = {"first_registered_on": "2025-10-01"}
        await Api(platform, client).done("crm", path, AGENT, day, method="PUT")
    agent = await desk.sign_in(AGENT)
    await agent.go("/stores/S01/service-reminders?state=planned")
    await expect(agent.at("reminder").first).to_be_visible()
    await agent.keep("service-reminders")
    await agent.at("reminder").first.get_by_role("link").click()
    await agent.open("record-odometer")
    await agent.write(odometer_km="4321")
    await agent.send()
    await expect(agent.at("odometer-chart").locator("canvas")).to_be_visible()
    await agent.keep("service-reminder")
    await agent.open("answer-reminder")
    await agent.pick("answer", "不需要")
    await agent.send()
    await expect(agent.at("answer-reminder")).to_have_count(0)
    assert agent.faults == []


async def test_wrong_vin_is_corrected_at_desk(desk: Desk, seller: dict[str, Any]) -> None:
    advisor = await desk.sign_in(ADVISOR)
    await advisor.go(f"/stores/S01/customers/{seller['customer_ref']}")
    await advisor.open("correct-vin")
    right = vin(9_001)
    await advisor.write(vin=right[:8] + ("1" if right[8] == "0" else "0") + right[9:])
    await expect(advisor.at("vin-confirmed")).to_be_visible()
    await advisor.write(vin=right)
    await expect(advisor.at("vin-confirmed")).to_be_hidden()
    await advisor.keep("vin-correction")
    await advisor.send()
    await expect(advisor.at("vehicle")).to_contain_text(right)
    await expect(advisor.at("earlier-vin")).to_contain_text(str(SELLER["vin"]))
    await advisor.keep("vin-corrected")
    assert advisor.faults == []
