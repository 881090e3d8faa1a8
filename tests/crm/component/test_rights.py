"""Rights of persons: all that is kept, erasure, and what the law keeps (R19)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.crm import CustomerErased, FollowUpCancelled
from shared.contracts.reception import OrderCustomerLinked
from tests.support.finished_visits import delivery
from tests.support.harness import InProcess, Publisher, in_process, published
from tests.support.persons import person

STORE = "/stores/S01"
TOPICS = [CustomerErased.topic, FollowUpCancelled.topic]


@pytest_asyncio.fixture(scope="module")
async def crm(servers: Platform, outside: Publisher) -> AsyncIterator[InProcess]:
    async with in_process(servers, "crm", create_app) as running:
        await running.wait_until_idle()
        yield running


async def customer(crm: InProcess, number: int) -> str:
    response = await crm.post(f"{STORE}/customers", "service_advisor", person(number))
    return str(response.json()["customer_ref"])


async def erase(crm: InProcess, customer_ref: str) -> httpx.Response:
    path = f"{STORE}/customers/{customer_ref}/erasure"
    return await crm.post(path, "customer_care_manager", {"reason": "requested"})


async def found(crm: InProcess, number: int) -> list[int]:
    """Return how customer relations answers who asks for a person by plate and by VIN."""
    details = person(number)
    return [
        (
            await crm.get(f"{STORE}/customers", "service_advisor", **{name: details[name]})
        ).status_code
        for name in ("plate", "vin")
    ]


async def test_person_sees_all_data_and_reads(
    crm: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    ref = await customer(crm, 1)
    await outside.publish(delivery("o-1", ref, clock.now()), at=clock.now())
    lead = {"lead_kind": "replacement", "model_code": "qiyue_suv", "consent_given": True}
    path = f"{STORE}/customers/{ref}"
    await crm.post(f"{path}/leads", "service_advisor", lead | {"note": "想换七座"})
    await crm.wait_until_idle()
    await crm.get(path, "service_advisor")

    kept = (await crm.get(f"{path}/kept-data", "customer_care_manager")).json()
    assert (kept["customer"]["name"], kept["consents"][0]["is_given"]) == ("王小明1", True)
    entries = {each["data_class"]: each["entries"] for each in kept["classes"]}
    assert {"customer_record", "contact_points", "vehicles", "plates", "visits"} <= entries.keys()
    assert (entries["consents"], entries["leads"], entries["visits"]) == (1, 1, 1)
    assert [each["text"] for each in kept["texts"]] == ["想换七座"]
    (visits,) = [each for each in kept["classes"] if each["data_class"] == "visits"]
    assert visits["kept_until"].startswith(f"{clock.now().year + 10}")
    reads = {(each["read_by"], each["operation"]) for each in kept["reads"]}
    assert {
        ("test-service_advisor", "get_customer"),
        ("test-customer_care_manager", "get_kept_data"),
    } <= reads
    assert (await crm.get(f"{path}/kept-data", "customer_care_agent")).status_code == 403
    assert {each["service"] for each in kept["elsewhere"] if not each["is_available"]} == {
        "reception",
        "workshop",
        "reporting",
        "management",
    }


async def test_open_inquiry_holds_up_erasure(crm: InProcess) -> None:
    ref = await customer(crm, 3)
    inquiry = {
        "customer_ref": ref,
        "subject": "price",
        "channel": "phone",
        "words": "首保多少钱？",
    }
    asked = await crm.post(f"{STORE}/inquiries", "service_advisor", inquiry)
    assert asked.status_code == 201, asked.text
    await crm.wait_until_idle()
    refused = await erase(crm, ref)
    error = refused.json()
    assert (refused.status_code, error["errors"][0]["rule"]) == (409, "erasure_under_way")
    assert error["values"]["inquiry_ids"] == [asked.json()["inquiry_id"]]
    assert await found(crm, 3) == [200, 200]


async def test_erasure_ends_calls_and_keeps_invoiced_name(
    crm: InProcess, servers: Platform, outside: Publisher, clock: SimulatedClock
) -> None:
    ref = await customer(crm, 2)
    await outside.publish(delivery("o-2", ref, clock.now()), at=clock.now())
    same = {"customer_ref": await customer(crm, 4)}
    merge = f"{STORE}/customers/{ref}/merge"
    merged = await crm.post(merge, "customer_care_manager", same)
    assert merged.status_code == 200, merged.text
    await crm.wait_until_idle()
    erased = await erase(crm, ref)
    assert (erased.status_code, (await erase(crm, ref)).status_code) == (201, 404), erased.text
    await crm.wait_until_idle()
    assert [*await found(crm, 2), *await found(crm, 4)] == [404] * 4
    assert (await crm.get(f"{STORE}/customers/{ref}", "service_advisor")).status_code == 404
    path = f"{STORE}/customers/{ref}/leads"
    lead = {"lead_kind": "replacement", "model_code": "qiyue_suv", "consent_given": True}
    assert (await crm.post(path, "service_advisor", lead)).status_code == 404

    events = [each.event for each in await published(servers, TOPICS)]
    said = {each.customer_ref: each for each in events if isinstance(each, CustomerErased)}
    assert said.keys() == {ref, same["customer_ref"]}
    assert (said[ref].order_ids, said[ref].reason) == (("o-2",), "requested")
    calls = [each for each in events if isinstance(each, FollowUpCancelled)]
    assert {(each.customer_ref, each.cause) for each in calls} >= {(ref, "erased")}

    listed = (await crm.get(f"{STORE}/erasures", "customer_care_manager")).json()
    assert {each["customer_ref"] for each in listed if each["kept_until"]} == {ref}
    blocked = f"{STORE}/erasures/{ref}/blocked-record"
    assert (await crm.get(blocked, "customer_care_manager")).status_code == 403
    kept = (await crm.get(blocked, "group_finance_manager")).json()
    assert (kept["name"], kept["vehicles"][0]["vin"]) == ("王小明2", person(2)["vin"])
    assert [each["read_by"] for each in kept["reads"]] == ["test-group_finance_manager"]

    clock.set(clock.now() + timedelta(days=3660))
    await crm.wait_until_idle()
    assert (await crm.get(blocked, "group_finance_manager")).status_code == 404
    assert await rows(servers, "retained_key") == []


async def test_unknown_open_order_is_erased_at_end(
    crm: InProcess, servers: Platform, outside: Publisher, clock: SimulatedClock
) -> None:
    ref = await customer(crm, 5)
    await crm.wait_until_idle()
    erased = await erase(crm, ref)
    assert erased.status_code == 201, erased.text
    now = clock.now()
    linked = OrderCustomerLinked(
        store_id="S01", order_id="o-late", customer_ref=ref, vehicle_ref="v-late"
    )
    await outside.publish(linked, at=now)
    await crm.wait_until_idle()
    assert await erased_orders(servers, ref) == [()]
    await outside.publish(delivery("o-late", ref, now), at=now)
    await crm.wait_until_idle()
    assert await erased_orders(servers, ref) == [(), ("o-late",)]


async def erased_orders(servers: Platform, customer_ref: str) -> list[tuple[str, ...]]:
    """Return the orders that each announcement of a customer's erasure names."""
    return [
        each.event.order_ids
        for each in await published(servers, [CustomerErased.topic])
        if isinstance(each.event, CustomerErased) and each.event.customer_ref == customer_ref
    ]


async def rows(servers: Platform, table: str) -> list[Any]:
    connection = await asyncpg.connect(servers.admin_url)
    try:
        return list(await connection.fetch(f"SELECT * FROM crm.{table}"))
    finally:
        await connection.close()
