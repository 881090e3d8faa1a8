"""Customer care at the desk: the work list, the record sheet, agents and the report (R20, R21)."""

import json
from datetime import UTC, datetime

import httpx
from playwright.async_api import expect
from python_calamine import CalamineWorkbook

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from tests.support.api import ADVISOR, Api, customer
from tests.support.desk import Desk
from tests.support.fake_servers import Gateway, gateway
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
    async with manager.page.expect_download() as downloading:
        await manager.press("download-xlsx")
    book = CalamineWorkbook.from_path(str(await (await downloading.value).path()))
    assert ["首次联系", 4, 0, 1, 0, 0, 3] in book.get_sheet_by_index(0).to_python()
    await manager.go("/stores/S01/follow-ups")
    await manager.open("plan-round")
    await manager.keep("follow-up-round")
    await manager.send()
    await expect(manager.page.get_by_text("已安排回访")).to_be_visible()
    assert agent.faults == manager.faults == []


async def test_agent_answers_what_customer_has_written(
    desk: Desk, platform: Platform, clock: SimulatedClock
) -> None:
    clock.set(MONDAY)
    async with gateway() as sms, httpx.AsyncClient(timeout=PATIENCE_S, trust_env=False) as client:
        await platform.restart("crm", **sms.settings("sms"))
        known = customer(7100, "沪A7C100")
        await Api(platform, client).done("crm", "/customers", ADVISOR, known)
        for number, text in (("13800007100", "我的车今天能取吗？"), ("13700007101", "几点关门？")):
            body = json.dumps({"sender": number, "store_id": "S01", "text": text}).encode()
            received = await client.post(
                f"{platform.url('crm')}/gateways/sms/messages",
                content=body,
                headers=Gateway.headers(body, f"provider-{number}"),
            )
            assert received.status_code == 202, received.text
        agent = await desk.sign_in(AGENT)
        await agent.go("/stores/S01/conversations?view=waiting")
        await expect(agent.at("conversation")).to_have_count(2)
        await agent.keep("conversations")
        await agent.at("conversation").filter(has_text="王小明").get_by_role("link").click()
        await agent.open("answer")
        await agent.write(words="可以，下午五点前来取。")
        await agent.send()
        await expect(agent.at("written-sent")).to_contain_text("已发送")
        await agent.keep("conversation")
        assert [each["to"] for each in sms.taken.values()] == ["+8613800007100"]
        await agent.go("/stores/S01/conversations?view=waiting")
        await agent.at("conversation").get_by_role("link").click()
        await agent.open("link-sender")
        await agent.write(known="沪A7C100")
        await agent.at("find").click()
        await expect(agent.page.locator(".dialog")).to_contain_text("王小明")
        await agent.send()
        await expect(agent.at("answer")).to_be_visible()
        assert agent.faults == []
