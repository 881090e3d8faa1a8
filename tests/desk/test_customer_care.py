"""Customer care at the desk: the work list, the record sheet, agents and the report (R20, R21)."""

from datetime import UTC, datetime

import httpx
from playwright.async_api import expect

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from tests.support.api import ADVISOR, Api, customer
from tests.support.desk import Desk
from tests.support.polling import PATIENCE_S

WEDNESDAY = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
MONDAY = datetime(2026, 3, 9, 3, 0, tzinfo=UTC)
AGENT, MANAGER = "S01-agent-1", "S01-customer-care-manager-1"


async def test_agent_calls_new_customer_and_manager_reassigns(
    desk: Desk, platform: Platform, clock: SimulatedClock
) -> None:
    clock.set(WEDNESDAY)
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        api = Api(platform, client)
        for number in range(4):
            body = customer(7000 + number, f"沪A7C{number:03d}")
            await api.done("crm", "/customers", ADVISOR, body)
        await api.wait_until_idle()
        clock.set(MONDAY)
        await api.wait_until_idle()
    agent = await desk.sign_in(AGENT)
    await expect(agent.page).to_have_url(f"{desk.url}/stores/S01/follow-ups")
    await expect(agent.at("follow-up").first).to_contain_text("首次联系")
    calls = await agent.at("follow-up").count()
    await agent.keep("work-list")
    await agent.at("call").first.click()
    await expect(agent.page.locator(".dialog")).to_contain_text("专属客服专员")
    await agent.choose("needs", "轮胎")
    await agent.write(record="客户想换轮胎。")
    await agent.keep("record-sheet")
    await agent.send()
    await expect(agent.at("follow-up")).to_have_count(calls - 1)

    manager = await desk.sign_in(MANAGER)
    await manager.go("/stores/S01/customer-agents")
    await expect(manager.at("agent")).to_have_count(2)
    await manager.go(f"/stores/S01/customer-agents?agent={AGENT}")
    await expect(manager.at("customer").first).to_be_visible()
    customers = await manager.at("customer").count()
    await manager.keep("customer-agents")
    await manager.at("reassign").first.click()
    await manager.pick("agent_id", "")
    await manager.send()
    await expect(manager.at("customer")).to_have_count(customers - 1)
    await manager.go("/stores/S01/follow-up-report")
    await manager.keep("follow-up-report")
    first_contacts = manager.page.get_by_role("row").filter(has_text="首次联系")
    await expect(first_contacts.get_by_role("cell")).to_have_text(
        ["首次联系", "4", "0", "1", "0", "0", "3"]
    )
    assert agent.faults == manager.faults == []
