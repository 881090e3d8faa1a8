"""Leads for the sales department, on real servers (R47)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.crm import (
    ConsentChanged,
    LeadAnswered,
    LeadAnswerOverdue,
    LeadHandedOver,
    LeadWithdrawn,
)
from tests.support.finished_visits import delivery
from tests.support.harness import InProcess, Publisher, in_process, published
from tests.support.persons import person

TOPIC = "aftersales.crm.customer.v1"
LEAD = {"lead_kind": "replacement", "model_code": "qiyue_suv"}


@pytest_asyncio.fixture(scope="module")
async def crm(servers: Platform, outside: Publisher) -> AsyncIterator[InProcess]:
    async with in_process(servers, "crm", create_app) as running:
        await running.wait_until_idle()
        yield running


async def customer(crm: InProcess, number: int) -> str:
    response = await crm.post("/stores/S01/customers", "service_advisor", person(number))
    return str(response.json()["customer_ref"])


async def hand_over(crm: InProcess, customer_ref: str, **changes: Any) -> httpx.Response:
    path = f"/stores/S01/customers/{customer_ref}/leads"
    return await crm.post(path, "service_advisor", LEAD | {"consent_given": True} | changes)


async def answer(crm: InProcess, lead_id: str, **body: Any) -> httpx.Response:
    return await crm.post(f"/stores/S01/leads/{lead_id}/answer", "sales_manager", body)


async def events_of(servers: Platform, customer_ref: str) -> list[Any]:
    kinds = (ConsentChanged, LeadHandedOver, LeadAnswered, LeadAnswerOverdue, LeadWithdrawn)
    return [
        received.event
        for received in await published(servers, [TOPIC])
        if isinstance(received.event, kinds) and received.event.customer_ref == customer_ref
    ]


async def test_lead_is_accepted_and_sold(crm: InProcess, servers: Platform) -> None:
    ref = await customer(crm, 1)
    handed = await hand_over(crm, ref, note="想换七座")
    assert handed.status_code == 201, handed.text
    assert "想换七座" not in handed.text
    lead_id = handed.json()["lead_id"]
    (lead,) = (await crm.get("/stores/S01/leads", "sales_manager", status="open")).json()
    assert (lead["name"], lead["phone"], lead["note"]) == (
        person(1)["name"],
        person(1)["phone"],
        "想换七座",
    )
    assert (await answer(crm, lead_id, answer="accepted")).status_code == 200
    sold = await answer(crm, lead_id, answer="sold")
    assert (sold.status_code, sold.json()["status"]) == (200, "sold")
    again = await answer(crm, lead_id, answer="lost", reason="price")
    assert (again.status_code, again.json()["errors"][0]["rule"]) == (409, "lead_already_answered")
    await crm.wait_until_idle()
    names = [type(event).__name__ for event in await events_of(servers, ref)]
    assert names == ["ConsentChanged", "LeadHandedOver", "LeadAnswered", "LeadAnswered"]
    (count,) = (await crm.get("/stores/S01/lead-counts", "service_manager")).json()
    assert (count["handed_over"], count["accepted"], count["sold"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("body", "rule", "field"),
    [
        ({"answer": "refused"}, "reason_needed", "reason"),
        ({"answer": "accepted", "reason": "price"}, "reason_not_needed", "reason"),
    ],
)
async def test_refusal_needs_reason(
    crm: InProcess, body: dict[str, str], rule: str, field: str
) -> None:
    lead_id = (await hand_over(crm, await customer(crm, 2))).json()["lead_id"]
    refused = await answer(crm, lead_id, **body)
    assert refused.status_code == 422
    error = refused.json()["errors"][0]
    assert (error["rule"], error["field"]) == (rule, field)


async def test_lead_needs_known_customer_model_and_order(
    crm: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    unknown = await hand_over(crm, "nobody")
    assert (unknown.status_code, unknown.json()["errors"][0]["rule"]) == (404, "unknown_customer")
    ref = await customer(crm, 3)
    model = await hand_over(crm, ref, model_code="spaceship")
    assert (model.status_code, model.json()["errors"][0]["field"]) == (422, "model_code")
    missing = await hand_over(crm, ref, order_id="none")
    assert (missing.status_code, missing.json()["errors"][0]["field"]) == (404, "order_id")
    await outside.publish(delivery("o-other", "c-other", clock.now()), at=clock.now())
    await crm.wait_until_idle()
    other = await hand_over(crm, ref, order_id="o-other")
    assert other.json()["errors"][0]["rule"] == "order_of_another_customer"
    number = await hand_over(crm, ref, model_code="13812345678")
    assert number.status_code == 422


async def test_withdrawn_consent_ends_leads_and_refuses_others(
    crm: InProcess, servers: Platform
) -> None:
    ref = await customer(crm, 4)
    without = await hand_over(crm, ref, consent_given=False)
    assert (without.status_code, without.json()["errors"][0]["rule"]) == (409, "consent_missing")
    lead_id = (await hand_over(crm, ref)).json()["lead_id"]
    path = f"/stores/S01/customers/{ref}/consents/sales_contact"
    withdrawn = await crm.post(path, "customer_care_agent", {"is_given": False}, method="PUT")
    assert withdrawn.status_code == 200, withdrawn.text
    listed = await crm.get(f"/stores/S01/customers/{ref}/consents", "customer_care_agent")
    assert [each["is_given"] for each in listed.json()] == [False, False, True, True]
    assert (await hand_over(crm, ref, consent_given=False)).status_code == 409
    (ended,) = (
        await crm.get("/stores/S01/leads", "sales_manager", status="withdrawn", customer_ref=ref)
    ).json()
    assert (ended["lead_id"], ended["name"], ended["phone"]) == (lead_id, None, None)
    assert (await answer(crm, lead_id, answer="accepted")).status_code == 409
    await crm.wait_until_idle()
    last = (await events_of(servers, ref))[-1]
    assert isinstance(last, LeadWithdrawn)


async def test_sales_department_is_reminded_until_it_answers(
    crm: InProcess, servers: Platform, clock: SimulatedClock
) -> None:
    ref = await customer(crm, 5)
    lead_id = (await hand_over(crm, ref)).json()["lead_id"]
    for _ in range(8):
        clock.set(clock.now() + timedelta(days=1))
        await crm.wait_until_idle()
    reminders = [
        event.reminder
        for event in await events_of(servers, ref)
        if isinstance(event, LeadAnswerOverdue)
    ]
    assert reminders == [1, 2, 3]
    (lead,) = (
        await crm.get("/stores/S01/leads", "sales_manager", status="open", customer_ref=ref)
    ).json()
    assert (lead["lead_id"], lead["is_overdue"], lead["reminders"]) == (lead_id, True, 3)
