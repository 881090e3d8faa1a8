"""Satisfaction surveys on a customer's phone and at the desk (R24)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import pytest_asyncio
from playwright.async_api import Page, expect

from deploy.embedded.platform import Platform
from services.crm.domain.survey import is_sampled
from shared.clock import SimulatedClock
from shared.contracts.management import SurveyRules
from tests.support.api import ADVISOR, MANAGER, Api, customer
from tests.support.desk import Desk
from tests.support.fake_servers import gateway
from tests.support.finished_visits import delivery
from tests.support.harness import publisher
from tests.support.polling import PATIENCE_S

NINE = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
AGENT = "S01-agent-1"
QUESTIONS = (
    "work_done",
    "price_explained",
    "premises",
    "on_time",
    "explained",
    "attention",
    "greeting",
)
LARGEST_PAGE = 100_000


@pytest_asyncio.fixture(scope="module")
async def api(platform: Platform, clock: SimulatedClock) -> AsyncIterator[Api]:
    clock.set(NINE)
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        yield Api(platform, client)


@pytest_asyncio.fixture(scope="module")
async def links(api: Api, platform: Platform, clock: SimulatedClock) -> AsyncIterator[list[str]]:
    """Yield the links that two customers were sent three days after their visits."""
    orders = (name for number in count() if is_sampled(name := f"asked-{number}", _share_bp()))
    async with gateway() as sms, publisher(platform) as outside:
        await platform.restart("crm", **sms.settings("sms"))
        for number in (1, 2):
            registered = await api.done(
                "crm", "/customers", ADVISOR, customer(2400 + number, f"沪A2400{number}")
            )
            leaves = delivery(next(orders), registered["customer_ref"], NINE)
            await outside.publish(leaves, at=NINE)
        await api.wait_until_idle()
        clock.set(NINE + timedelta(days=3, hours=2))
        await api.wait_until_idle()
        texts = [message["text"] for message in sms.taken.values()]
        yield [text.partition("/survey/")[2].split()[0] for text in texts]


def _share_bp() -> int:
    return SurveyRules().share_bp


async def _rate(page: Page, scores: dict[str, int]) -> None:
    for question in QUESTIONS:
        await page.check(f'input[name="{question}"][value="{scores.get(question, 9)}"]')


async def test_customer_answers_on_phone_once(desk: Desk, links: list[str]) -> None:
    phone = await desk.open("about:blank")
    page = phone.page
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    await page.goto(f"{desk.url}/survey/{links[0]}")
    await expect(page.locator("h1")).to_have_text("本次服务您满意吗？")
    await phone.fits("phone")
    await phone.keep("survey-phone")
    assert len(await page.content()) < LARGEST_PAGE
    assert sockets == []
    unanswered = await page.request.post(page.url, form={"attempt": "without-script"})
    assert "请为这一项打分" in await unanswered.text()
    await phone.press("language")
    await expect(page.locator("h1")).to_have_text("How was our service?")
    await page.check('input[name="on_time"][value="2"]')
    await phone.press("send")
    await expect(page.locator("input:invalid").first).to_be_attached()
    await _rate(page, {"on_time": 2, "explained": 3})
    await page.fill("textarea", "等了很久")
    await phone.press("send")
    await expect(phone.at("says-answered")).to_contain_text("Thank you")
    await page.goto(f"{desk.url}/survey/{links[0]}")
    await expect(phone.at("says-survey_answered")).to_contain_text("您已经评价过这次服务")
    await phone.fits("phone")
    await page.goto(f"{desk.url}/survey/S01.incomplete-link?lang=en")
    await expect(phone.at("says-unknown_survey_link")).to_contain_text("leads nowhere")
    assert phone.faults == []


async def test_expired_link_is_explained_on_phone(
    desk: Desk, links: list[str], clock: SimulatedClock
) -> None:
    phone = await desk.open("about:blank")
    clock.set(NINE + timedelta(days=30))
    await phone.page.goto(f"{desk.url}/survey/{links[1]}")
    await expect(phone.at("says-survey_expired")).to_contain_text("这次调查已经结束")
    clock.set(NINE + timedelta(days=4))


async def test_colleague_cannot_answer_for_customer(desk: Desk, links: list[str]) -> None:
    advisor = await desk.sign_in(ADVISOR)
    await advisor.go(f"/survey/{links[1]}")
    await _rate(advisor.page, {})
    await advisor.press("send")
    await expect(advisor.at("says-colleague_at_survey")).to_be_visible()


async def test_agent_records_answers_of_call(desk: Desk, links: list[str]) -> None:
    agent = await desk.sign_in(AGENT)
    page = agent.page
    await agent.go("/stores/S01/surveys")
    listed = page.locator('[data-testid="survey"]')
    await expect(listed).to_have_count(2)
    await listed.filter(has_text="待答").get_by_text("详情").click()
    await expect(agent.at("survey-form")).to_be_visible()
    await agent.press("save-survey")
    await expect(page.locator(".form-message")).to_contain_text("还有问题没有打分")
    for question in QUESTIONS:
        await agent.at(f"score-{question}").get_by_text("8", exact=True).click()
    await agent.write(words="服务不错")
    await agent.press("save-survey")
    await expect(agent.at("survey-answers")).to_contain_text("服务不错")
    await expect(agent.at("survey-head")).to_contain_text("800")
    await agent.keep("survey-answers")
    assert agent.faults == []


async def test_low_answer_becomes_complaint_in_two_clicks(desk: Desk, links: list[str]) -> None:
    agent = await desk.sign_in(AGENT)
    await agent.go("/stores/S01/surveys")
    listed = agent.page.locator('[data-testid="survey"]')
    await expect(listed).to_have_count(2)
    for number in range(2):
        await agent.go("/stores/S01/surveys")
        await listed.nth(number).get_by_text("详情").click()
        await expect(agent.at("survey-answers")).to_be_visible()
        if await agent.at("open-complaint").count():
            break
    await agent.at("open-complaint").click()
    await expect(agent.page.locator(".dialog textarea").first).to_have_value("等了很久")
    await agent.send()
    await expect(agent.at("complaint-contact")).to_be_visible()
    assert agent.faults == []


async def test_manager_sees_results_with_confidence(desk: Desk, links: list[str]) -> None:
    manager = await desk.sign_in(MANAGER)
    await manager.go("/stores/S01/surveys")
    await expect(manager.at("survey-head")).to_contain_text("95% 置信区间")
    await expect(manager.at("factor-delivery")).to_contain_text("交车")
    await expect(manager.at(f"part-{ADVISOR}").first).to_contain_text("答卷少")
    await expect(manager.at("survey-months").locator("canvas")).to_be_visible()
    for size in ("desktop", "phone"):
        await manager.fits(size)
    await manager.fits("desktop")
    await manager.keep("survey-results")
    assert manager.faults == []
