"""Satisfaction surveys on real Kafka and PostgreSQL, with a real gateway outside (R24)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.crm import SurveyAnswered, SurveyMonthEvaluated, SurveySent
from shared.contracts.management import FollowUpReasonRule, FollowUpReasonRules, SurveyRules
from shared.contracts.reception import DeliveryStep, OrderOpened, VehicleDelivered
from shared.contracts.workshop import JobFinished
from shared.ids import new_id
from tests.support.fake_servers import Gateway, gateway
from tests.support.harness import InProcess, Publisher, in_process, published
from tests.support.persons import person
from tests.support.rules import rule_set

CUSTOMERS, STORE = "aftersales.crm.customer.v1", "aftersales.crm.store.v1"
SURVEYS = "/stores/S01/surveys"
MARCH = {"first_day": "2026-03-01", "last_day": "2026-04-30"}
QUESTIONS = (
    "work_done",
    "price_explained",
    "premises",
    "on_time",
    "explained",
    "attention",
    "greeting",
)
GOOD = dict.fromkeys(QUESTIONS, 9)
_days, _numbers = count(), count(700)


@pytest_asyncio.fixture(scope="module")
async def sms() -> AsyncIterator[Gateway]:
    async with gateway() as server:
        yield server


@pytest_asyncio.fixture(scope="module")
async def crm(servers: Platform, outside: Publisher, sms: Gateway) -> AsyncIterator[InProcess]:
    """Run customer relations; S01 asks about every visit, calls for surveys alone, and judges by
    two answers.
    """
    rules = SurveyRules(share_bp=10_000, least_answers=2, weak_below=800, rest_days=10)
    everyone = rule_set("survey.S01", (date(2026, 1, 1), rules))
    calls = FollowUpReasonRules(reasons=(FollowUpReasonRule(reason="survey", if_crowded="drop"),))
    surveys_alone = rule_set("follow_up_reasons.S01", (date(2026, 1, 1), calls))
    nobody = rule_set("survey.S02", (date(2026, 1, 1), SurveyRules(share_bp=0)))
    await outside.publish(everyone, surveys_alone, nobody, at=datetime(2026, 3, 4, tzinfo=UTC))
    async with in_process(servers, "crm", create_app, **sms.settings("sms")) as running:
        await running.wait_until_idle()
        yield running


@pytest.fixture
def noon(clock: SimulatedClock) -> datetime:
    """Return noon in Shanghai of a day of its own."""
    moment = datetime(2026, 3, 5, 4, tzinfo=UTC) + timedelta(days=next(_days))
    clock.set(moment)
    return moment


class Visits:
    """Visits of customers of S01, and the links that they are sent."""

    def __init__(
        self, crm: InProcess, outside: Publisher, sms: Gateway, clock: SimulatedClock
    ) -> None:
        self.crm, self.outside, self.sms, self.clock = crm, outside, sms, clock

    async def customer(self, store: str = "S01", **changes: str) -> str:
        """Register a customer and return their reference."""
        details = person(next(_numbers), **changes)
        registered = await self.crm.post(f"/stores/{store}/customers", "service_advisor", details)
        assert registered.status_code == 201, registered.text
        reference: str = registered.json()["customer_ref"]
        return reference

    async def deliver(self, order: str, customer: str | None, at: datetime) -> None:
        finished = JobFinished(
            store_id="S01",
            order_id=order,
            job_id=f"j-{order}",
            technician_ids=("S01-tech-1",),
            standard_hours=1.0,
            clocked_s=3600,
            finished_at=at,
        )
        delivered = VehicleDelivered(
            store_id="S01",
            order_id=order,
            advisor_id="S01-advisor-1",
            customer_ref=customer,
            delivered_at=at,
            steps=(DeliveryStep(step="explain_invoice", done_by="a", done_at=at),),
        )
        await self.outside.publish(finished, delivered, at=at)
        await self.crm.wait_until_idle()

    async def ask(self, order: str, at: datetime, customer: str | None = None) -> None:
        """Let three days pass after a delivery, to a new customer unless one is given."""
        await self.deliver(order, customer or await self.customer(), at)
        self.clock.set(at + timedelta(days=3))
        await self.crm.wait_until_idle()

    async def link(self, order: str, at: datetime) -> str:
        """Return the token of the link that a customer is sent after a visit."""
        before = len(self.sms.taken)
        await self.ask(order, at)
        assert len(self.sms.taken) == before + 1
        text = list(self.sms.taken.values())[-1]["text"]
        return text.partition("/survey/")[2].split()[0]

    async def answer(self, token: str, scores: Any, **more: Any) -> httpx.Response:
        return await self.crm.client.post(
            f"/survey-links/{token}",
            json={"scores": scores, **more},
            headers={"Idempotency-Key": str(new_id())},
        )

    async def surveys(self, order: str) -> list[dict[str, Any]]:
        found = await self.crm.get(
            SURVEYS, "customer_care_agent", order_id=order, status=["open", "answered", "expired"]
        )
        listed: list[dict[str, Any]] = found.json()
        return listed

    async def calls(self) -> list[tuple[str, str]]:
        """Return surveys and orders of the calls that agents have to make for surveys."""
        found = await self.crm.get(
            "/stores/S01/follow-ups", "customer_care_agent", status=["due", "scheduled"]
        )
        return [
            (each["about"], each["order_id"]) for each in found.json() if each["reason"] == "survey"
        ]


@pytest.fixture
def visits(crm: InProcess, outside: Publisher, sms: Gateway, clock: SimulatedClock) -> Visits:
    return Visits(crm, outside, sms, clock)


def rule(response: httpx.Response) -> tuple[int, str, str]:
    error = response.json()["errors"][0]
    return response.status_code, error["rule"], error["field"]


async def test_link_is_answered_once_without_words(
    visits: Visits, noon: datetime, servers: Platform
) -> None:
    token = await visits.link("o-1", noon)
    form = (await visits.crm.client.get(f"/survey-links/{token}")).json()
    assert [each["question"] for factor in form["factors"] for each in factor["questions"]] == list(
        QUESTIONS
    )
    answered = await visits.answer(token, GOOD | {"on_time": 3, "explained": 4}, words="等了很久")
    assert answered.status_code == 200, answered.text
    again = await visits.answer(token, GOOD)
    assert rule(again) == (409, "survey_answered", "survey_id")
    await visits.crm.wait_until_idle()
    received = [
        each
        for each in await published(servers, [CUSTOMERS])
        if isinstance(each.event, (SurveySent, SurveyAnswered)) and each.event.order_id == "o-1"
    ]
    _, event = (each.event for each in received)
    assert isinstance(event, SurveyAnswered)
    assert (event.channel, event.low_factors) == ("link", ("delivery",))
    assert {(each.role, each.person_id) for each in event.staff} == {
        ("service_advisor", "S01-advisor-1"),
        ("technician", "S01-tech-1"),
    }
    assert not any("等了很久".encode() in each.value for each in received)
    (survey,) = await visits.surveys("o-1")
    shown = await visits.crm.get(f"{SURVEYS}/{survey['survey_id']}", "customer_care_agent")
    assert (shown.json()["words"], shown.json()["scores"]["on_time"]) == ("等了很久", 3)
    connection = await asyncpg.connect(servers.admin_url)
    rows = await connection.fetch("SELECT survey::text FROM crm.survey")
    await connection.close()
    assert rows
    assert not any(token.partition(".")[2] in row["survey"] for row in rows)


async def test_two_answers_at_once_count_once(visits: Visits, noon: datetime) -> None:
    token = await visits.link("o-2", noon)
    both = await asyncio.gather(visits.answer(token, GOOD), visits.answer(token, GOOD))
    assert sorted(each.status_code for each in both) == [200, 409]


async def test_signed_in_colleague_cannot_answer(visits: Visits, noon: datetime) -> None:
    token = await visits.link("o-8", noon)
    headers = {
        "Authorization": f"Bearer {visits.crm.token('service_advisor')}",
        "Idempotency-Key": str(new_id()),
    }
    refused = await visits.crm.client.post(
        f"/survey-links/{token}", json={"scores": GOOD}, headers=headers
    )
    assert rule(refused) == (403, "colleague_at_survey", "token")


async def test_expired_link_is_explained(
    visits: Visits, noon: datetime, clock: SimulatedClock
) -> None:
    token = await visits.link("o-3", noon)
    clock.set(noon + timedelta(days=18))
    shown = await visits.crm.client.get(f"/survey-links/{token}")
    assert rule(shown) == rule(await visits.answer(token, GOOD))
    assert rule(shown) == (409, "survey_expired", "survey_id")


@pytest.mark.parametrize("token", ["S01.unknownunknown", "S99.unknownunknown", "nothing-at-all"])
async def test_unknown_link_leads_nowhere(crm: InProcess, token: str) -> None:
    shown = await crm.client.get(f"/survey-links/{token}")
    assert rule(shown) == (404, "unknown_survey_link", "token")


@pytest.mark.parametrize(
    ("scores", "status", "code", "field"),
    [
        (GOOD | {"on_time": 11}, 422, "less_than_equal", "scores.on_time"),
        (GOOD | {"on_time": 0}, 422, "greater_than_equal", "scores.on_time"),
        (GOOD | {"other": 5}, 422, "question_of_another_version", "scores.other"),
        ({"on_time": 5}, 422, "question_unanswered", "scores.work_done"),
    ],
)
async def test_wrong_scores_are_rejected(
    visits: Visits, noon: datetime, scores: Any, status: int, code: str, field: str
) -> None:
    order = f"o-bad-{noon.isoformat()}"
    token = await visits.link(order, noon)
    assert rule(await visits.answer(token, scores)) == (status, code, field)
    (survey,) = await visits.surveys(order)
    assert survey["status"] == "open"


async def test_person_is_asked_once_across_stores(
    visits: Visits, noon: datetime, clock: SimulatedClock
) -> None:
    phone = "+8613911112222"
    first = await visits.customer(phone=phone)
    await visits.ask("o-4", noon, first)
    await visits.ask("o-5", noon + timedelta(days=4), first)
    assert len(await visits.surveys("o-4")) == 1
    assert await visits.surveys("o-5") == []
    clock.set(noon + timedelta(days=7))
    body = {"order_id": "o-5"}
    early = await visits.crm.post(SURVEYS, "customer_care_agent", body)
    assert rule(early) == (409, "asked_lately", "order_id")


async def test_complaining_customer_is_not_asked(
    visits: Visits, noon: datetime, clock: SimulatedClock
) -> None:
    complaining = await visits.customer(phone="+8613911113333")
    complaint = {"severity": "major", "source": "phone", "words": "空调不冷"}
    opened = await visits.crm.post(
        "/stores/S01/complaints",
        "customer_care_agent",
        complaint | {"customer_ref": complaining},
    )
    assert opened.status_code == 201, opened.text
    await visits.ask("o-complaining", noon, complaining)
    assert await visits.surveys("o-complaining") == []
    body = {"order_id": "o-complaining"}
    refused = await visits.crm.post(SURVEYS, "customer_care_agent", body)
    assert rule(refused) == (409, "complaint_under_way", "order_id")


async def test_opted_out_customer_is_not_asked(visits: Visits, noon: datetime) -> None:
    customer = await visits.customer()
    wishes = {"declined_channels": ["sms", "phone", "email", "wecom"]}
    path = f"/stores/S01/customers/{customer}/contact-preferences"
    stored = await visits.crm.post(path, "service_advisor", wishes, method="PUT")
    assert stored.status_code == 200, stored.text
    await visits.ask("o-6", noon, customer)
    assert await visits.surveys("o-6") == []


async def test_agent_records_answers_on_phone(visits: Visits, noon: datetime) -> None:
    customer = await visits.customer()
    path = f"/stores/S01/customers/{customer}/contact-preferences"
    await visits.crm.post(path, "service_advisor", {"declined_channels": ["sms"]}, method="PUT")
    await visits.ask("o-7", noon, customer)
    (survey,) = await visits.surveys("o-7")
    assert (survey["channel"], survey["status"]) == ("phone", "open")
    assert await visits.calls() == [(survey["survey_id"], "o-7")]
    answers = f"{SURVEYS}/{survey['survey_id']}/answers"
    body = {"scores": GOOD, "words": "很好"}
    answered = await visits.crm.post(answers, "customer_care_agent", body, subject="S01-agent-1")
    assert answered.status_code == 200, answered.text
    assert (answered.json()["answered_by"], answered.json()["csi"]) == ("S01-agent-1", 900)
    assert await visits.calls() == []
    refused = await visits.crm.post(answers, "technician", body)
    assert refused.status_code == 403


async def test_order_of_another_store_is_unknown(
    visits: Visits, noon: datetime, outside: Publisher
) -> None:
    opened = OrderOpened(
        store_id="S02",
        order_id="o-elsewhere",
        advisor_id="S02-advisor-1",
        customer_ref="c-elsewhere",
        vehicle_ref="v-elsewhere",
        odometer_km=1000,
        symptoms=(),
        labor_operations=(),
        lines=(),
        estimate_cents=0,
        promised_at=noon,
        promise_confidence=0.9,
        hold_id=None,
        opened_at=noon,
    )
    await outside.publish(opened, at=noon)
    await visits.crm.wait_until_idle()
    asked = await visits.crm.post(SURVEYS, "customer_care_agent", {"order_id": "o-elsewhere"})
    assert rule(asked) == (404, "unknown_order", "order_id")


async def test_results_have_intervals_by_person(visits: Visits, noon: datetime) -> None:
    found = await visits.crm.get("/stores/S01/survey-results", "service_manager", **MARCH)
    results = found.json()
    (store,) = results["store"]
    csi, (advisor,) = store["csi"], results["advisors"]
    assert csi["answers"] >= 3
    assert csi["low"] < csi["mean"] < csi["high"] <= 1000
    assert advisor == {"part": "S01-advisor-1", "csi": csi, "factors": []}
    assert {each["part"]: each["csi"]["enough"] for each in results["channels"]} == {
        "link": True,
        "phone": False,
    }
    assert {each["factor"] for each in store["factors"]} == {
        "quality",
        "facility",
        "delivery",
        "advisor",
        "start",
    }
    refused = await visits.crm.get("/stores/S01/survey-results", "service_advisor", **MARCH)
    backwards = {"first_day": "2026-04-01", "last_day": "2026-03-01"}
    wrong = await visits.crm.get("/stores/S01/survey-results", "service_manager", **backwards)
    assert (refused.status_code, rule(wrong)) == (403, (422, "days_out_of_order", "last_day"))


async def test_group_compares_stores_with_answers(crm: InProcess) -> None:
    token = crm.token("group_customer_care_manager", stores=["*"])
    found = await crm.client.get(
        "/group/survey-results", params=MARCH, headers={"Authorization": f"Bearer {token}"}
    )
    ((store, enough),) = [(each["part"], each["csi"]["enough"]) for each in found.json()]
    assert (store, enough) == ("S01", True)


async def test_ended_month_names_weak_factors(
    crm: InProcess, clock: SimulatedClock, servers: Platform
) -> None:
    clock.set(datetime(2026, 4, 1, tzinfo=UTC))
    await crm.wait_until_idle()
    months = [
        received.event
        for received in await published(servers, [STORE])
        if isinstance(received.event, SurveyMonthEvaluated)
    ]
    (march,) = months
    assert (march.month, march.weak_factors) == ("2026-03", ("delivery",))
