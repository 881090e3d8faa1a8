"""The card and the timelines of customers and vehicles, on real Kafka and PostgreSQL (R2, R19)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.reception import LaborOperation, OrderOpened
from shared.security import Role
from tests.support.event_examples import EXAMPLES
from tests.support.finished_visits import delivery
from tests.support.harness import InProcess, Publisher, in_process
from tests.support.persons import person

S01 = "/stores/S01"
AGENT: Role = "customer_care_agent"


@pytest_asyncio.fixture(scope="module")
async def crm(servers: Platform, outside: Publisher) -> AsyncIterator[InProcess]:
    async with in_process(servers, "crm", create_app) as running:
        await running.wait_until_idle()
        yield running


@pytest_asyncio.fixture(scope="module")
async def known(crm: InProcess, outside: Publisher, clock: SimulatedClock) -> dict[str, str]:
    """Return the references of a customer who has visited twice and complained once."""
    body = person(601, name="欧阳娜", phone="13760100601")
    references: dict[str, str] = (
        await crm.post(f"{S01}/customers", "service_advisor", body)
    ).json()
    now = clock.now()
    for number, days in enumerate((90, 10)):
        at = now - timedelta(days=days)
        await visit(outside, f"card-{number}", references, at)
    complaint = {
        "customer_ref": references["customer_ref"],
        "source": "phone",
        "severity": "major",
        "words": "异响还在",
    }
    assert (await crm.post(f"{S01}/complaints", AGENT, complaint)).status_code == 201
    policy = {
        "insurer": "picc",
        "kinds": ["compulsory"],
        "begins_on": "2025-06-01",
        "ends_on": "2026-05-31",
        "premium_cents": 500_000,
        "channel": "in_store",
        "sold_here": True,
        "policy_number": "PDAA601",
        "customer_ref": references["customer_ref"],
        "vehicle_ref": references["vehicle_ref"],
    }
    recorded = await crm.post(f"{S01}/insurance/policies", AGENT, policy)
    assert recorded.status_code == 201, recorded.text
    await crm.wait_until_idle()
    return references


async def visit(outside: Publisher, order: str, known: dict[str, str], at: Any) -> None:
    example = OrderOpened.model_validate(EXAMPLES["aftersales.reception.OrderOpened.v1"])
    opened = example.model_copy(
        update={
            "order_id": order,
            "customer_ref": known["customer_ref"],
            "vehicle_ref": known["vehicle_ref"],
            "odometer_km": 10_000,
            "odometer_discrepancy_reason": None,
            "labor_operations": (LaborOperation(op_code="MNT-001", standard_hours=0.8),),
            "opened_at": at,
        }
    )
    await outside.publish(opened, delivery(order, known["customer_ref"], at), at=at)


async def read(crm: InProcess, path: str, **query: str) -> Any:
    response = await crm.get(f"{S01}/{path}", "service_advisor", **query)
    assert response.status_code == 200, response.text
    return response.json()


async def test_card_shows_what_reception_needs(crm: InProcess, known: dict[str, str]) -> None:
    card = await read(crm, f"customers/{known['customer_ref']}/card")
    assert (card["name"], card["standing"]["visits"]) == ("欧阳娜", 2)
    assert card["standing"]["entitlements"] or card["standing"]["tier"] is None
    (car,) = card["vehicles"]
    assert (car["plate"], car["roles"], car["insured_until"]) == (
        "沪A00601",
        ["owner"],
        "2026-05-31",
    )
    assert [each["severity"] for each in card["complaints"]] == ["major"]
    assert [each["order_id"] for each in card["last_visits"]] == ["card-1", "card-0"]
    assert "delivery" in [each["reason"] for each in card["calls"]]
    assert card["preferences"]["reachable_by"] == ["sms"]
    other = await crm.get(f"{S01}/customers/nobody/card", "service_advisor")
    assert other.status_code == 404
    path = f"{S01}/customers/{known['customer_ref']}/card"
    assert (await crm.get(path, "technician")).status_code == 403


async def test_timelines_are_paged_newest_first(
    crm: InProcess, known: dict[str, str], outside: Publisher, clock: SimulatedClock
) -> None:
    of_customer = f"customers/{known['customer_ref']}/timeline"
    of_vehicle = f"vehicle-records/{known['vehicle_ref']}/timeline"
    for path in (of_customer, of_vehicle):
        seen = await read(crm, path)
        moments = [each["at"] for each in seen["entries"]]
        assert moments == sorted(moments, reverse=True)
        assert {("visit", "delivered"), ("policy", "picc")} <= {
            (each["kind"], each["code"]) for each in seen["entries"]
        }
        assert seen["next_page"] is None
    assert ("complaint", "major") in [
        (each["kind"], each["code"]) for each in (await read(crm, of_customer))["entries"]
    ]
    for number in range(35):
        at = clock.now() - timedelta(days=200 + number)
        await visit(outside, f"long-{number}", known, at)
    await crm.wait_until_idle()
    first = await read(crm, of_customer)
    second = await read(crm, of_customer, after=first["next_page"])
    assert (len(first["entries"]), second["next_page"]) == (30, None)
    together = [each["entry_id"] for each in (*first["entries"], *second["entries"])]
    assert len(together) == len(set(together))
    assert {f"long-{number}" for number in range(35)} <= set(together)
    wrong = await crm.get(f"{S01}/{of_customer}", "service_advisor", after="yesterday~1")
    assert wrong.status_code == 422


async def test_timeline_spans_only_readers_stores(
    crm: InProcess, known: dict[str, str], outside: Publisher, clock: SimulatedClock
) -> None:
    there = crm.issuer.token("z", roles=["service_advisor"], stores=["S02"])
    both = crm.issuer.token("x", roles=["service_advisor"], stores=["S01", "S02"])
    body = person(601, name="欧阳娜", phone="13760100601")
    headers = {"Authorization": f"Bearer {there}", "Idempotency-Key": "card-S02"}
    same = (await crm.client.post("/stores/S02/customers", json=body, headers=headers)).json()
    assert same["vehicle_ref"] == known["vehicle_ref"]
    at = clock.now() - timedelta(days=1)
    await outside.publish(delivery("there-1", same["customer_ref"], at, store="S02"), at=at)
    await crm.wait_until_idle()
    path = f"{S01}/customers/{known['customer_ref']}/timeline"
    wide = await crm.client.get(path, headers={"Authorization": f"Bearer {both}"})
    assert ("S02", "there-1") in [
        (each["store_id"], each["entry_id"]) for each in wide.json()["entries"]
    ]
    narrow = await crm.get(path, "service_advisor")
    assert {each["store_id"] for each in narrow.json()["entries"]} == {"S01"}
