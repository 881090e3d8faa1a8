"""A complaint from the customer's page to the archive, at the desk (R22, R23, R44)."""

import httpx
from playwright.async_api import expect

from deploy.embedded.platform import Platform
from tests.support.desk import Desk
from tests.support.persons import person
from tests.support.polling import PATIENCE_S

AGENT, DISPATCHER = "S01-agent-1", "S01-dispatcher-1"
GROUP_MANAGER = "group-customer-care-manager-1"


async def registered(platform: Platform) -> str:
    token = platform.issuer.token(AGENT, roles=["customer_care_agent"], stores=["S01"])
    async with httpx.AsyncClient(base_url=platform.url("crm"), timeout=PATIENCE_S) as client:
        response = await client.post(
            "/stores/S01/customers",
            json=person(1),
            headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "desk-complaints"},
        )
    return str(response.json()["customer_ref"])


async def test_complaint_from_customer_to_archive(desk: Desk, platform: Platform) -> None:
    customer_ref = await registered(platform)
    agent = await desk.sign_in(AGENT)
    await agent.go(f"/stores/S01/customers/{customer_ref}")
    await agent.open("record-inquiry")
    await agent.pick("subject", "维修进度")
    await agent.write(words="车什么时候好")
    await agent.pick("role", "车间调度")
    await agent.send()

    await agent.open("open-complaint")
    await agent.pick("severity", "严重")
    await agent.write(words="空调修了三次还是不冷")
    await agent.send()
    await expect(agent.at("entry-opened")).to_contain_text("空调修了三次还是不冷")
    await expect(agent.at("deadline")).to_contain_text("剩余")
    await agent.open("complaint-contact")
    await agent.write(words="已致歉")
    await agent.send()
    await agent.open("complaint-task")
    await agent.pick("role", "车间调度")
    await agent.write(words="核实维修记录")
    await agent.send()
    await expect(agent.at("complaint-task-row")).to_contain_text("车间调度")
    await agent.open("complaint-escalate")
    await agent.pick("to", "集团客服经理")
    await agent.write(reason="客户要求集团处理")
    await agent.send()
    await agent.keep("complaint-desktop")
    await agent.fits("phone")
    await agent.keep("complaint-phone")
    await agent.fits("desktop")
    address = agent.page.url

    manager = await desk.sign_in(GROUP_MANAGER)
    await manager.go("/group/complaints")
    await expect(manager.at("escalated-complaint")).to_contain_text("严重")
    await manager.keep("complaints-escalated")

    dispatcher = await desk.sign_in(DISPATCHER)
    await dispatcher.go("/stores/S01/department-requests")
    await expect(dispatcher.at("department-request")).to_have_count(2)
    await dispatcher.keep("department-requests")
    for _ in range(2):
        await dispatcher.open("answer-request*")
        await dispatcher.write(words="已查明")
        await dispatcher.send()
        await expect(dispatcher.page.locator(".dialog")).to_have_count(0)
    await expect(dispatcher.at("department-request")).to_have_count(0)

    await agent.page.goto(address)
    await agent.open("complaint-resolve")
    await agent.pick("cause", "维修质量")
    await agent.write(words="免费更换压缩机")
    await agent.send()
    await agent.open("complaint-revisit")
    await agent.write(words="客户满意")
    await agent.send()
    await expect(agent.at("entry-revisited")).to_contain_text("客户满意")
    await agent.go("/stores/S01/complaints?view=closed")
    await expect(agent.at("complaint")).to_contain_text("维修质量")
    await agent.keep("complaints-closed")
    await agent.go("/stores/S01/inquiries?view=answered")
    await expect(agent.at("inquiry")).to_contain_text("已查明")
    await expect(agent.at("subject-repair_progress")).to_contain_text("1")
    await agent.keep("inquiries")

    await agent.go("/stores/S01/public-posts")
    await agent.open("log-post")
    await agent.pick("platform", "微博")
    await agent.write(summary="车主发帖吐槽")
    await agent.send()
    await expect(agent.at("public-post")).to_contain_text("车主发帖吐槽")
    await agent.keep("public-posts")
    assert agent.faults + dispatcher.faults + manager.faults == []
