"""Service reminders from the events of visits to the customer's answer (R26)."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from services.crm.application import nightly
from shared.clock import SimulatedClock
from shared.contracts.crm import ServiceReminderAnswered, ServiceReminderDue
from shared.contracts.management import RecallCampaign
from shared.contracts.reception import (
    AdditionalWorkDeclined,
    DeliveryStep,
    LaborOperation,
    OrderOpened,
    VehicleDelivered,
)
from shared.security import Role
from tests.support.catalog import item
from tests.support.event_examples import EXAMPLES
from tests.support.harness import InProcess, Publisher, in_process, published
from tests.support.nights import begin_nights
from tests.support.persons import person

AGENT: Role = "customer_care_agent"
TOPIC = "aftersales.crm.customer.v1"
REMINDERS = "/stores/S01/service-reminders"


@pytest_asyncio.fixture(scope="module")
async def crm(servers: Platform, outside: Publisher) -> AsyncIterator[InProcess]:
    async with in_process(servers, "crm", create_app) as running:
        await running.wait_until_idle()
        await begin_nights(running)
        yield running


async def vehicle(crm: InProcess, number: int) -> dict[str, str]:
    """Register a customer; return the references of the customer and the vehicle."""
    known = (await crm.post("/stores/S01/customers", "service_advisor", person(number))).json()
    return {name: known[name] for name in ("customer_ref", "vehicle_ref")}


def opened(order: str, known: dict[str, str], km: int, op_code: str) -> OrderOpened:
    work = LaborOperation(op_code=op_code, standard_hours=0.8)
    example = OrderOpened.model_validate(EXAMPLES["aftersales.reception.OrderOpened.v1"])
    return example.model_copy(
        update={
            **known,
            "order_id": order,
            "odometer_km": km,
            "odometer_discrepancy_reason": None,
            "labor_operations": (work,),
        }
    )


def delivered(order: str, known: dict[str, str], at: datetime) -> VehicleDelivered:
    return VehicleDelivered(
        store_id="S01",
        order_id=order,
        advisor_id="S01-advisor-1",
        customer_ref=known["customer_ref"],
        delivered_at=at,
        steps=(DeliveryStep(step="explain_invoice", done_by="a", done_at=at),),
    )


async def visit(
    outside: Publisher, order: str, known: dict[str, str], km: int, at: datetime
) -> None:
    """Publish the events of a minor service."""
    await outside.publish(opened(order, known, km, "MNT-001"), delivered(order, known, at), at=at)


async def night(crm: InProcess, clock: SimulatedClock, day: int) -> None:
    clock.set(datetime(2026, 3, day, 18, tzinfo=UTC))
    await crm.wait_until_idle()


async def listed(crm: InProcess, known: dict[str, str], state: str = "due") -> list[dict[str, Any]]:
    response = await crm.get(REMINDERS, AGENT, state=state)
    found = response.json()["reminders"]
    return [each for each in found if each["vehicle_ref"] == known["vehicle_ref"]]


async def events(servers: Platform, kind: type, known: dict[str, str]) -> list[Any]:
    return [
        each.event
        for each in await published(servers, [TOPIC])
        if type(each.event) is kind and vars(each.event)["vehicle_ref"] == known["vehicle_ref"]
    ]


async def test_maintenance_is_raised_once_and_booked(
    crm: InProcess, outside: Publisher, servers: Platform, clock: SimulatedClock
) -> None:
    known = await vehicle(crm, 1)
    await visit(outside, "m-1", known, 10_000, datetime(2025, 3, 1, 2, tzinfo=UTC))
    await visit(outside, "m-2", known, 18_000, datetime(2025, 7, 1, 2, tzinfo=UTC))
    await crm.wait_until_idle()
    await night(crm, clock, 4)
    await night(crm, clock, 5)
    (due,) = await listed(crm, known)
    assert (due["kind"], due["due_km"], due["odometer_km"]) == ("maintenance", 28_000, 18_000)
    assert due["km_per_day"] == pytest.approx(8_000 / 122)
    (event,) = await events(servers, ServiceReminderDue, known)
    assert (event.reminder_id, event.op_codes) == (due["reminder_id"], ("MNT-001",))
    shown = (await crm.get(f"{REMINDERS}/{due['reminder_id']}", AGENT)).json()
    assert [each["odometer_km"] for each in shown["records"]] == [10_000, 18_000]
    path = f"{REMINDERS}/{due['reminder_id']}/answer"
    body = {"answer": "booked", "appointment_id": "a-1"}
    assert (await crm.post(path, AGENT, body, subject="S01-agent-1")).status_code == 200
    again = await crm.post(path, AGENT, body)
    assert (again.status_code, again.json()["errors"][0]["rule"]) == (409, "reminder_closed")
    await crm.wait_until_idle()
    (answered,) = await events(servers, ServiceReminderAnswered, known)
    assert (answered.answer, answered.answered_by) == ("booked", "S01-agent-1")


async def test_declined_work_is_offered_until_ordered(
    crm: InProcess, outside: Publisher, servers: Platform, clock: SimulatedClock
) -> None:
    known, now = await vehicle(crm, 2), clock.now()
    await outside.publish(
        opened("d-1", known, 5_000, "MNT-001"),
        AdditionalWorkDeclined(
            store_id="S01",
            order_id="d-1",
            additional_work_id="w-1",
            op_codes=("BRK-001",),
            channel="phone",
            recorded_by="S01-advisor-1",
            declined_at=now,
        ),
        at=now,
    )
    await crm.wait_until_idle()
    (planned,) = await listed(crm, known, "planned")
    assert (planned["kind"], planned["op_codes"]) == ("declined_work", ["BRK-001"])
    await outside.publish(opened("d-2", known, 5_500, "BRK-001"), at=now)
    await crm.wait_until_idle()
    (closed,) = await listed(crm, known, "closed")
    assert (closed["answer"], closed["order_id"]) == ("visited", "d-2")


async def test_first_registration_plans_service_and_inspection(crm: InProcess) -> None:
    known = await vehicle(crm, 3)
    path = f"/stores/S01/registered-vehicles/{known['vehicle_ref']}"
    body = {"first_registered_on": "2024-02-29"}
    seen = await crm.post(f"{path}/first-registration", AGENT, body, method="PUT")
    found = {each["kind"]: each["due_on"] for each in seen.json()["reminders"]}
    assert found == {"first_service": "2024-08-29", "annual_inspection": "2026-02-28"}
    read = await crm.post(
        f"{path}/odometer-readings", AGENT, {"odometer_km": 7_300, "read_on": "2026-03-01"}
    )
    assert (read.status_code, read.json()["km_per_day"]) == (201, pytest.approx(7_300 / 731))


@pytest.mark.parametrize(
    ("name", "body", "rule"),
    [
        ("odometer-readings", {"odometer_km": 100, "read_on": "2026-03-03"}, "odometer_backward"),
        ("odometer-readings", {"odometer_km": 9_000, "read_on": "2027-03-03"}, "day_to_come"),
        ("first-registration", {"first_registered_on": "2027-03-03"}, "day_to_come"),
    ],
)
async def test_impossible_history_is_rejected(
    crm: InProcess, name: str, body: dict[str, Any], rule: str
) -> None:
    known = await vehicle(crm, 3)
    path = f"/stores/S01/registered-vehicles/{known['vehicle_ref']}/{name}"
    method = "PUT" if name == "first-registration" else "POST"
    refused = await crm.post(path, AGENT, body, method=method)
    assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (422, rule)


async def test_vehicle_of_other_store_has_no_history(crm: InProcess) -> None:
    path = "/stores/S01/registered-vehicles/of-another-store/odometer-readings"
    refused = await crm.post(path, AGENT, {"odometer_km": 1, "read_on": "2026-03-01"})
    assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (404, "unknown_vehicle")


async def test_interrupted_night_goes_on_in_batches(
    crm: InProcess,
    outside: Publisher,
    servers: Platform,
    clock: SimulatedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nightly, "BATCH", 2)
    several = [await vehicle(crm, number) for number in range(10, 15)]
    for number, known in enumerate(several):
        await visit(outside, f"n-{number}", known, 9_000, datetime(2025, 1, 1, 2, tzinfo=UTC))
    await crm.wait_until_idle()
    await night(crm, clock, 7)
    assert [len(await events(servers, ServiceReminderDue, known)) for known in several] == [1] * 5


async def test_recall_is_raised_until_its_work_is_ordered(
    crm: InProcess, outside: Publisher, servers: Platform, clock: SimulatedClock
) -> None:
    known, other = await vehicle(crm, 20), await vehicle(crm, 21)
    content = RecallCampaign(
        zh="气囊",
        en="Airbag",
        brand=person(20)["brand"],
        vin_prefixes=(person(20)["vin"],),
        op_codes=("RCL-001",),
    )
    await outside.publish(item("recall:R-1", (date(2026, 3, 10), content)), at=clock.now())
    await crm.wait_until_idle()
    await night(crm, clock, 8)
    assert await listed(crm, known) == []
    await night(crm, clock, 9)
    await night(crm, clock, 10)
    (due,) = await listed(crm, known)
    assert (due["kind"], due["due_on"], due["op_codes"]) == ("recall", "2026-03-10", ["RCL-001"])
    assert len(await events(servers, ServiceReminderDue, known)) == 1
    assert await listed(crm, other) == []
    await outside.publish(opened("r-1", known, 5_500, "RCL-001"), at=clock.now())
    await crm.wait_until_idle()
    await night(crm, clock, 11)
    (closed,) = await listed(crm, known, "closed")
    assert (closed["answer"], closed["order_id"]) == ("visited", "r-1")
