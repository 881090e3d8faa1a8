"""Who a customer is, and whose a vehicle is over time, on real Kafka and PostgreSQL (R19)."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from tests.support.harness import InProcess, Publisher, in_process, published
from tests.support.persons import person, vin

CUSTOMERS = "/stores/S01/customers"
VEHICLES = "aftersales.crm.vehicle.v1"


@pytest_asyncio.fixture(scope="module")
async def crm(servers: Platform, outside: Publisher) -> AsyncIterator[InProcess]:
    async with in_process(servers, "crm", create_app) as running:
        await running.wait_until_idle()
        yield running


async def registered(crm: InProcess, body: Mapping[str, Any], **decision: Any) -> dict[str, str]:
    wanted = {**body, "decision": decision} if decision else body
    response = await crm.post(CUSTOMERS, "service_advisor", wanted)
    assert response.status_code == 201, response.text
    references: dict[str, str] = response.json()
    return references


async def possibilities(crm: InProcess, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    response = await crm.post(CUSTOMERS, "service_advisor", body)
    assert response.status_code == 409, response.text
    assert response.json()["errors"][0]["rule"] == "person_undecided"
    found: list[dict[str, Any]] = response.json()["values"]["possibilities"]
    return found


async def detail(crm: InProcess, customer_ref: str) -> dict[str, Any]:
    response = await crm.get(f"{CUSTOMERS}/{customer_ref}", "service_advisor")
    assert response.status_code == 200, response.text
    seen: dict[str, Any] = response.json()
    return seen


async def by_vin(crm: InProcess, number: int) -> dict[str, Any]:
    response = await crm.get(CUSTOMERS, "service_advisor", vin=vin(number))
    found: dict[str, Any] = response.json()
    return found


async def test_buyer_of_vehicle_leaves_seller_as_before(crm: InProcess, servers: Platform) -> None:
    seller = await registered(crm, person(31))
    kept = person(32, name=person(31)["name"], phone=person(31)["phone"])
    second = await registered(crm, kept)
    assert second["customer_ref"] == seller["customer_ref"]
    buyer_body = person(33, vin=vin(31), plate="沪B33333")
    (asked,) = await possibilities(crm, buyer_body)
    assert asked == {
        "customer_ref": seller["customer_ref"],
        "roles": ["owner"],
        "same_name": False,
        "same_phone": False,
    }
    before = await detail(crm, seller["customer_ref"])

    sold = {"answer": "new_owner", "customer_ref": seller["customer_ref"]}
    buyer = await registered(crm, buyer_body, **sold)
    assert buyer["vehicle_ref"] == seller["vehicle_ref"]
    assert buyer["customer_ref"] != seller["customer_ref"]
    after = await detail(crm, seller["customer_ref"])
    assert (after["name"], after["contact_points"]) == (before["name"], before["contact_points"])
    roles = {
        each["vehicle_ref"]: [
            (who["role"], who["until"] is None)
            for who in each["people"]
            if who["customer_ref"] == seller["customer_ref"]
        ]
        for each in after["vehicles"]
    }
    assert roles == {
        second["vehicle_ref"]: [("owner", True)],
        seller["vehicle_ref"]: [("owner", False)],
    }
    found = await by_vin(crm, 31)
    assert (found["name"], found["plate"]) == (person(33)["name"], "沪B33333")
    assert (await crm.get(CUSTOMERS, "service_advisor", plate="沪A00031")).status_code == 404

    await crm.wait_until_idle()
    events = [
        (received.envelope.type.split(".")[2], received.event)
        for received in await published(servers, [VEHICLES])
        if getattr(received.event, "vehicle_ref", "") == seller["vehicle_ref"]
    ]
    assert [name for name, _ in events] == ["VehicleIdentified", "OwnershipChanged"]
    changed = events[1][1]
    assert (getattr(changed, "customer_ref", ""), getattr(changed, "former_customer_ref", "")) == (
        buyer["customer_ref"],
        seller["customer_ref"],
    )


async def test_corrected_vin_keeps_vehicle_and_asks(crm: InProcess, servers: Platform) -> None:
    known = await registered(crm, person(51))
    other = await registered(crm, person(52))
    path = f"/stores/S01/registered-vehicles/{known['vehicle_ref']}/vin"
    refused = await crm.post(path, "service_advisor", {"vin": vin(52)})
    assert refused.json()["errors"][0]["rule"] == "vin_of_another_vehicle"
    assert refused.json()["values"]["vehicle_ref"] == other["vehicle_ref"]

    token = crm.token("service_advisor", stores=["S02"])
    elsewhere = await crm.client.post(
        "/stores/S02/customers",
        json=person(53),
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": "vin-elsewhere"},
    )
    assert elsewhere.status_code == 201, elsewhere.text
    asked = await crm.post(path, "service_advisor", {"vin": vin(53)})
    assert (asked.status_code, asked.json()["errors"][0]["rule"]) == (409, "vin_known_elsewhere")
    same = {"vin": vin(53), "is_same_vehicle": True}
    assert (await crm.post(path, "service_advisor", same)).status_code == 200
    assert (await crm.post(path, "technician", same)).status_code == 403

    assert (await crm.get(CUSTOMERS, "service_advisor", vin=vin(51))).status_code == 404
    found = await by_vin(crm, 53)
    assert (found["customer_ref"], found["vehicle_ref"]) == (
        known["customer_ref"],
        known["vehicle_ref"],
    )
    (vehicle,) = (await detail(crm, known["customer_ref"]))["vehicles"]
    assert (vehicle["vin"], vehicle["plates"][0]["plate"]) == (vin(53), person(51)["plate"])
    (earlier,) = vehicle["earlier_vins"]
    assert (earlier["vin"], earlier["corrected_by"]) == (vin(51), "test-service_advisor")
    await crm.wait_until_idle()
    events = [
        received.envelope.type.split(".")[2]
        for received in await published(servers, [VEHICLES])
        if getattr(received.event, "vehicle_ref", "") == known["vehicle_ref"]
    ]
    assert events == ["VehicleIdentified", "VehicleIdentified"]


async def test_household_shares_number_and_friend_brings_vehicle(crm: InProcess) -> None:
    mother = await registered(crm, person(34))
    son_body = person(35, phone=person(34)["phone"])
    (asked,) = await possibilities(crm, son_body)
    assert (asked["roles"], asked["same_phone"]) == ([], True)
    son = await registered(crm, son_body, answer="another_person")
    assert son["customer_ref"] != mother["customer_ref"]
    assert await registered(crm, son_body) == son

    friend_body = person(36, vin=vin(34), plate=person(34)["plate"])
    friend = await registered(crm, friend_body, answer="another_person", role="bringer")
    found = await by_vin(crm, 34)
    assert (found["name"], found["phone"]) == (person(34)["name"], person(34)["phone"])
    assert [(each["name"], each["role"]) for each in found["people"]] == [
        (person(34)["name"], "owner"),
        (person(36)["name"], "bringer"),
    ]
    again = await registered(crm, friend_body)
    assert again == friend
    ended = {"customer_ref": friend["customer_ref"], "role": "bringer"}
    path = f"/stores/S01/registered-vehicles/{mother['vehicle_ref']}/people"
    assert (await crm.post(f"{path}/end", "service_advisor", ended)).status_code == 200
    assert (await crm.post(f"{path}/end", "service_advisor", ended)).status_code == 404
    assert len((await by_vin(crm, 34))["people"]) == 1
    payer = {"customer_ref": son["customer_ref"], "role": "payer"}
    assert (await crm.post(path, "service_advisor", payer)).status_code == 201
    owner = {"customer_ref": mother["customer_ref"], "role": "owner"}
    refused = await crm.post(f"{path}/end", "service_advisor", owner)
    assert refused.json()["errors"][0]["rule"] == "owner_without_successor"


async def test_plate_on_next_car_stays_in_history(crm: InProcess) -> None:
    old = await registered(crm, person(37))
    own = {name: person(37)[name] for name in ("name", "phone", "plate")}
    new = await registered(crm, person(38, **own))
    assert new["customer_ref"] == old["customer_ref"]
    vehicles = (await detail(crm, old["customer_ref"]))["vehicles"]
    worn = {
        each["vehicle_ref"]: [(plate["plate"], plate["until"] is None) for plate in each["plates"]]
        for each in vehicles
    }
    assert worn == {
        old["vehicle_ref"]: [("沪A00037", False)],
        new["vehicle_ref"]: [("沪A00037", True)],
    }


async def test_vehicle_keeps_reference_of_first_sight(crm: InProcess) -> None:
    first = await registered(crm, person(39) | {"vehicle_ref": "seen-39"})
    assert first["vehicle_ref"] == "seen-39"
    other = await registered(crm, person(40) | {"vehicle_ref": "seen-39"})
    assert other["vehicle_ref"] != "seen-39"
    again = await registered(crm, person(39) | {"vehicle_ref": "seen-later"})
    assert again["vehicle_ref"] == "seen-39"
    there = await crm.client.post(
        "/stores/S02/customers",
        json=person(41, vin=vin(39)),
        headers={
            "Authorization": f"Bearer {crm.token('service_advisor', stores=['S02'])}",
            "Idempotency-Key": "elsewhere-39",
        },
    )
    assert there.status_code == 201
    assert there.json()["vehicle_ref"] == "seen-39"


async def test_company_has_fleet_and_contact_points(crm: InProcess) -> None:
    company: dict[str, Any] = person(42, name="上海・远行 物流", phone="400-820-0000")
    first = await registered(crm, company | {"kind": "company"})
    ref = first["customer_ref"]
    fleet = person(43, name="上海•远行 物流", phone=company["phone"])
    assert (await registered(crm, fleet | {"kind": "company"}))["customer_ref"] == ref
    path = f"{CUSTOMERS}/{ref}/contact-points"
    driver = {"kind": "phone", "holder": "driver", "value": "０13900000044"}
    added = await crm.post(path, "service_advisor", driver)
    assert added.status_code == 201
    bad = await crm.post(path, "service_advisor", {"kind": "email", "value": "a@b"})
    assert [each["field"] for each in bad.json()["errors"]] == ["value"]

    seen = await detail(crm, ref)
    assert (seen["kind"], seen["name"], len(seen["vehicles"])) == ("company", "上海·远行 物流", 2)
    assert [(each["holder"], each["value"]) for each in seen["contact_points"]] == [
        ("own", "+864008200000"),
        ("driver", "+8613900000044"),
    ]
    own = seen["contact_points"][0]["contact_point_id"]
    point = added.json()["contact_point_id"]
    ended = {"holder": "driver", "declined": False, "ended": True}
    last = await crm.post(
        f"{path}/{own}", "service_advisor", ended | {"holder": "own"}, method="PUT"
    )
    assert last.json()["errors"][0]["rule"] == "last_telephone"
    assert (
        await crm.post(f"{path}/{point}", "service_advisor", ended, method="PUT")
    ).status_code == 200
    again = await crm.post(f"{path}/{point}", "service_advisor", ended, method="PUT")
    assert again.json()["errors"][0]["rule"] == "contact_point_ended"


async def test_correction_keeps_earlier_version(crm: InProcess) -> None:
    ref = (await registered(crm, person(45)))["customer_ref"]
    seen = await detail(crm, ref)
    wanted = {"kind": "person", "name": "\ue816·阿依", "version": seen["version"]}
    assert (
        await crm.post(f"{CUSTOMERS}/{ref}", "service_advisor", wanted, method="PUT")
    ).status_code == 200
    stale = await crm.post(
        f"{CUSTOMERS}/{ref}", "service_advisor", wanted | {"name": "王"}, method="PUT"
    )
    assert stale.json()["errors"][0]["rule"] == "version_conflict"
    corrected = await detail(crm, ref)
    assert corrected["name"] == "\U00020087·阿依"
    assert [(each["version"], each["name"]) for each in corrected["earlier"]] == [
        ("1", person(45)["name"])
    ]
    resolved = await crm.post(
        "/stores/S01/resolutions", "service_advisor", {"customer_refs": [ref]}
    )
    assert resolved.json()["names"] == {ref: "\U00020087·阿依"}


@pytest.mark.parametrize("answer", ["same_person", "new_owner"])
async def test_decision_without_customer_is_refused(crm: InProcess, answer: str) -> None:
    body = person(46) | {"decision": {"answer": answer}}
    response = await crm.post(CUSTOMERS, "service_advisor", body)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"].startswith("decision")
