"""Duplicates that are merged and separated again, on real Kafka and PostgreSQL (R19)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from shared.clock import SimulatedClock
from shared.security import Role
from tests.support.finished_visits import delivery, invoice
from tests.support.harness import InProcess, Publisher, in_process, published
from tests.support.nights import begin_nights
from tests.support.persons import person
from tests.support.rules import group_rules

CUSTOMERS = "/stores/S01/customers"
DUPLICATES = "/stores/S01/duplicates"
MANAGER: Role = "customer_care_manager"


@pytest_asyncio.fixture(scope="module")
async def crm(servers: Platform, outside: Publisher) -> AsyncIterator[InProcess]:
    async with in_process(servers, "crm", create_app) as running:
        await running.wait_until_idle()
        yield running


async def registered(crm: InProcess, body: dict[str, str], **decision: str) -> str:
    wanted = {**body, "decision": decision} if decision else body
    response = await crm.post(CUSTOMERS, "service_advisor", wanted)
    assert response.status_code == 201, response.text
    return str(response.json()["customer_ref"])


async def merge(crm: InProcess, kept: str, other: str, action: str = "merge") -> Any:
    return await crm.post(f"{CUSTOMERS}/{kept}/{action}", MANAGER, {"customer_ref": other})


async def shown(crm: InProcess, path: str, **query: str) -> Any:
    response = await crm.get(path, MANAGER, **query)
    assert response.status_code == 200, response.text
    return response.json()


async def pairs(crm: InProcess) -> list[set[str]]:
    return [
        {each["customer_ref"] for each in pair["customers"]}
        for pair in await shown(crm, DUPLICATES)
    ]


async def visits(crm: InProcess, number: int) -> int:
    found = await shown(crm, CUSTOMERS, plate=person(number)["plate"])
    return int(found["visits"])


async def loyal_customers(crm: InProcess) -> int:
    """Return how many customers of the group a preview of other loyalty rules counts."""
    (rules,) = [each for each in group_rules() if each.record_id == "loyalty"]
    body = {"content": rules.model_dump(mode="json")["versions"][0]["content"]}
    previewed = await crm.post("/loyalty/preview", "group_manager", body)
    assert previewed.status_code == 200, previewed.text
    return int(previewed.json()["customers"])


async def test_merged_customers_are_one_until_separated(
    crm: InProcess, outside: Publisher, clock: SimulatedClock, servers: Platform
) -> None:
    same = {"phone": person(61)["phone"], "name": person(61)["name"][:-1] + "9"}
    kept = await registered(crm, person(61))
    other = await registered(crm, person(62, **same), answer="another_person")
    now = clock.now()
    for order, ref in (("merge-1", kept), ("merge-2", other)):
        await outside.publish(invoice(order, 30_000, now), delivery(order, ref, now), at=now)
    await crm.wait_until_idle()
    preferences = f"{CUSTOMERS}/{other}/contact-preferences"
    known = await shown(crm, preferences)
    declines = {"version": known["version"], "language": "zh", "declined_channels": ["sms"]}
    declined = await crm.post(preferences, "service_advisor", declines, method="PUT")
    assert declined.status_code == 200
    complaint = {"customer_ref": other, "source": "phone", "severity": "minor", "words": "等太久"}
    assert (await crm.post("/stores/S01/complaints", MANAGER, complaint)).status_code == 201
    (pair,) = await shown(crm, DUPLICATES)
    assert {each["customer_ref"] for each in pair["customers"]} == {kept, other}
    assert set(pair["signs"]) == {"same_phone", "name_one_off"}

    previewed = await loyal_customers(crm)
    merged = await merge(crm, kept, other)
    assert merged.status_code == 200, merged.text
    await crm.wait_until_idle()
    assert await loyal_customers(crm) == previewed - 1
    assert await pairs(crm) == []
    assert await visits(crm, 61) == await visits(crm, 62) == 2
    detail = await shown(crm, f"{CUSTOMERS}/{other}")
    assert detail["customer_ref"] == kept
    assert [each["customer_ref"] for each in detail["merged"]] == [other]
    assert len(detail["vehicles"]) == 2
    assert len(detail["contact_points"]) == 1
    found = await shown(crm, f"{CUSTOMERS}/{kept}/contact-preferences")
    assert (found["customer_ref"], found["declined_channels"]) == (kept, ["sms"])
    of_both = await shown(crm, "/stores/S01/complaints", status="open", customer_ref=kept)
    assert [each["customer_ref"] for each in of_both["complaints"]] == [other]
    assert (await shown(crm, f"{CUSTOMERS}/{kept}/standing"))["visits"] == 2
    again = await registered(crm, person(62, **same))
    assert again == kept
    names = {"customer_refs": [kept, other]}
    resolved = await crm.post("/stores/S01/resolutions", "service_advisor", names)
    assert set(resolved.json()["names"].values()) == {person(61)["name"]}
    correction = {"version": "1", "kind": "person", "name": "别人"}
    refused = await crm.post(f"{CUSTOMERS}/{other}", "service_advisor", correction, method="PUT")
    assert refused.json()["errors"][0]["rule"] == "customer_merged"

    assert (await merge(crm, kept, other, "unmerge")).status_code == 200
    await crm.wait_until_idle()
    assert await visits(crm, 62) == 1
    assert await loyal_customers(crm) == previewed
    detail = await shown(crm, f"{CUSTOMERS}/{other}")
    assert (detail["customer_ref"], detail["name"]) == (other, same["name"])
    found = await shown(crm, f"{CUSTOMERS}/{kept}/contact-preferences")
    assert found["declined_channels"] == []
    await begin_nights(crm)
    clock.set(clock.now() + timedelta(days=1))
    await crm.wait_until_idle()
    assert await pairs(crm) == []
    events = [
        received.envelope.type.split(".")[2]
        for received in await published(servers, ["aftersales.crm.customer.v1"])
        if getattr(received.event, "customer_ref", "") == other
    ]
    assert [each for each in events if "erged" in each] == ["CustomerMerged", "CustomerUnmerged"]


async def test_merging_that_cannot_be_is_refused(crm: InProcess) -> None:
    one, two = await registered(crm, person(63)), await registered(crm, person(64))
    company = await registered(crm, person(65, kind="company"))
    head = await registered(crm, person(66))
    assert (await merge(crm, head, two)).status_code == 200
    for kept, other, rule in (
        (one, one, "merged_with_itself"),
        (one, company, "person_with_company"),
        (one, two, "customer_merged"),
        (one, head, "has_merged_customers"),
        (one, "of-another-store", "not_of_this_store"),
    ):
        refused = await merge(crm, kept, other)
        assert refused.json()["errors"][0]["rule"] == rule, refused.text
    assert (await merge(crm, one, two)).json()["values"]["into_customer_ref"] == head
    assert (await merge(crm, one, two, "unmerge")).json()["errors"][0]["rule"] == "not_merged"


async def test_night_finds_duplicates_that_were_kept_apart_never(
    crm: InProcess, clock: SimulatedClock
) -> None:
    first = await registered(crm, person(67))
    near = person(68, name=person(67)["name"], phone=person(67)["phone"][:-1] + "8")
    second = await registered(crm, near)
    assert await pairs(crm) == [{first, second}]
    apart = {"first_ref": second, "second_ref": first}
    assert (await crm.post(f"{DUPLICATES}/different", MANAGER, apart)).status_code == 200
    await begin_nights(crm)
    clock.set(clock.now() + timedelta(days=1))
    await crm.wait_until_idle()
    assert await pairs(crm) == []


async def test_gap_names_the_role_responsible(crm: InProcess) -> None:
    customer = await registered(crm, person(69))
    (found,) = [
        each
        for each in await shown(crm, "/stores/S01/record-gaps")
        if each["customer_ref"] == customer
    ]
    assert [each["gap"] for each in found["gaps"]] == ["second_contact", "preferences"]
    assert {each["custodian"] for each in found["gaps"]} == {"customer_care_agent"}
    assert found["score"] == 75
    path = f"{CUSTOMERS}/{customer}"
    email = {"kind": "email", "value": "wang@example.com"}
    assert (await crm.post(f"{path}/contact-points", MANAGER, email)).status_code == 201
    assert (await shown(crm, f"{path}/completeness"))["score"] == 90
    counter = await shown(crm, "/stores/S01/record-gaps", custodian="service_advisor")
    assert customer not in {each["customer_ref"] for each in counter}


async def test_name_that_sounds_alike_is_shown(crm: InProcess) -> None:
    first = person(71, name="王小明")
    kept = await registered(crm, first)
    alike = person(72, name="王晓铭", phone=first["phone"])
    other = await registered(crm, alike, answer="another_person")
    assert {kept, other} in await pairs(crm)
