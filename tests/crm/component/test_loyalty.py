"""Loyalty of arriving customers to the group, on real Kafka and PostgreSQL (R16, R25)."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.reception import CreditNoteIssued
from tests.support.finished_visits import delivery, invoice
from tests.support.harness import InProcess, Publisher, in_process
from tests.support.persons import person

OTHER = "S02"


@pytest_asyncio.fixture(scope="module")
async def crm(servers: Platform, outside: Publisher) -> AsyncIterator[InProcess]:
    async with in_process(servers, "crm", create_app) as running:
        await running.wait_until_idle()
        yield running


def bearer(crm: InProcess, store: str) -> dict[str, str]:
    token = crm.token("service_advisor", stores=[store], subject=f"{store}-advisor-1")
    return {"Authorization": f"Bearer {token}"}


async def registered(crm: InProcess, body: dict[str, str], store: str = "S01") -> str:
    headers = bearer(crm, store) | {"Idempotency-Key": f"{store}-{body['vin']}"}
    response = await crm.client.post(f"/stores/{store}/customers", json=body, headers=headers)
    return str(response.json()["customer_ref"])


async def vehicle(crm: InProcess, plate: str, store: str = "S01") -> dict[str, Any]:
    response = await crm.client.get(f"/stores/{store}/vehicles/{plate}", headers=bearer(crm, store))
    assert response.status_code == 200, response.text
    known: dict[str, Any] = response.json()
    return known


async def loyalty(crm: InProcess, plate: str, store: str = "S01") -> tuple[str | None, int]:
    known = await vehicle(crm, plate, store)
    return known["tier"], known["visits"]


async def visited(
    crm: InProcess,
    outside: Publisher,
    order: str,
    customer: str,
    cents: int,
    at: datetime,
    store: str = "S01",
) -> None:
    issued, leaves = invoice(order, cents, at, store), delivery(order, customer, at, store)
    await outside.publish(issued, leaves, at=at)
    await crm.wait_until_idle()


def credit_note(order: str, cents: int, at: datetime) -> CreditNoteIssued:
    return CreditNoteIssued(
        store_id="S01",
        order_id=order,
        credit_note_id=f"n-{order}",
        invoice_id=f"i-{order}",
        lines=(),
        tax_cents=0,
        total_cents=cents,
        balance_cents=0,
        reason="wrong_price",
        issued_by="S01-manager-1",
        issued_at=at,
    )


async def test_credit_note_revokes_tier_of_returning_customer(
    crm: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    now, plate = clock.now(), person(1)["plate"]
    customer = await registered(crm, person(1))
    assert await loyalty(crm, plate) == (None, 0)

    await visited(crm, outside, "o-1", customer, 30_000, now - timedelta(days=200))
    assert await loyalty(crm, plate) == (None, 1)
    await visited(crm, outside, "o-2", customer, 20_000, now)
    assert await loyalty(crm, plate) == ("bronze", 2)

    await outside.publish(credit_note("o-2", 1, now), at=now)
    await crm.wait_until_idle()
    assert await loyalty(crm, plate) == (None, 2)


async def test_inactive_customer_loses_tier_without_event(
    crm: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    now, plate = clock.now(), person(2)["plate"]
    customer = await registered(crm, person(2))
    for number in range(6):
        await visited(crm, outside, f"stay-{number}", customer, 200_000, now)
    assert await loyalty(crm, plate) == ("gold", 6)
    for days, tier in ((241, "silver"), (301, "bronze"), (366, None)):
        clock.set(now + timedelta(days=days))
        assert await loyalty(crm, plate) == (tier, 6)


async def test_visits_count_in_all_stores_and_are_logged(
    crm: InProcess, outside: Publisher, clock: SimulatedClock, capsys: pytest.CaptureFixture[str]
) -> None:
    now, plate = clock.now(), person(3)["plate"]
    here = await registered(crm, person(3))
    await visited(crm, outside, "g-1", here, 60_000, now)
    seen = await vehicle(crm, plate, OTHER)
    assert (seen["visits"], seen["customer_ref"], seen["vin"]) == (1, None, None)
    assert f'"by": "{OTHER}-advisor-1"' in capsys.readouterr().out

    there = await registered(crm, person(3), OTHER)
    assert there != here
    await visited(crm, outside, "g-2", there, 60_000, now, OTHER)
    assert await loyalty(crm, plate) == ("bronze", 2)
    assert await loyalty(crm, plate, OTHER) == ("bronze", 2)
    found = await crm.get("/stores/S01/customers", "customer_care_agent", plate=plate)
    assert (found.json()["visits"], found.json()["tier"]) == (2, "bronze")


async def test_second_vehicle_has_tier_of_its_customer(
    crm: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    now = clock.now()
    customer = await registered(crm, person(4))
    for order in ("f-1", "f-2"):
        await visited(crm, outside, order, customer, 50_000, now)
    own = {"name": person(4)["name"], "phone": person(4)["phone"]}
    second = person(5, **own)
    await registered(crm, second)
    assert await loyalty(crm, second["plate"]) == ("bronze", 2)
    plates = [
        crm.app.state.service.deps.personal.reference("plate", each["plate"])
        for each in (second, person(7))
    ]
    response = await crm.post("/stores/S01/resolutions", "service_advisor", {"tiers_of": plates})
    assert response.json()["tiers"] == {plates[0]: "bronze"}
    luxury = person(6, brand="星驰", **own)
    await registered(crm, luxury)
    assert await loyalty(crm, luxury["plate"]) == ("bronze", 2)


async def test_unknown_vehicle_has_no_tier(crm: InProcess) -> None:
    unknown = await vehicle(crm, "沪A99999")
    assert unknown == {
        "customer_ref": None,
        "vehicle_ref": None,
        "vin": None,
        "brand": None,
        "model": None,
        "visits": 0,
        "tier": None,
        "entitlements": [],
        "tier_rule": "2026-01-01",
    }
    path = "/stores/S01/vehicles/沪A99999"
    assert (await crm.get(path, "technician")).status_code == 403
    assert (await crm.get("/stores/S02/vehicles/沪A99999", "service_advisor")).status_code == 403
    assert (await crm.get("/stores/S01/vehicles/A1", "service_advisor")).status_code == 422
