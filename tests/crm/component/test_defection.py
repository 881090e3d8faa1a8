"""Tiers that change, customers who are lost and come again, on real servers (R25, R26)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.crm import CustomerLapsed, CustomerWonBack, LapseCauseRecorded, LoyaltyChanged
from tests.support.finished_visits import delivery, invoice
from tests.support.harness import InProcess, Publisher, in_process, published
from tests.support.locks import assert_not_locked, calls_locked
from tests.support.persons import person

TOPIC = "aftersales.crm.customer.v1"
NIGHT = timedelta(days=1)


@pytest_asyncio.fixture(scope="module")
async def crm(servers: Platform, outside: Publisher) -> AsyncIterator[InProcess]:
    async with in_process(servers, "crm", create_app) as running:
        await running.wait_until_idle()
        yield running


async def customer(crm: InProcess, number: int) -> str:
    response = await crm.post("/stores/S01/customers", "service_advisor", person(number))
    return str(response.json()["customer_ref"])


async def visits(
    crm: InProcess, outside: Publisher, customer_ref: str, *moments: datetime, cents: int = 40_000
) -> None:
    for moment in moments:
        order = f"{customer_ref}-{moment:%Y%m%d}"
        issued, leaves = invoice(order, cents, moment), delivery(order, customer_ref, moment)
        await outside.publish(issued, leaves, at=moment)
    await crm.wait_until_idle()


async def of(servers: Platform, customer_ref: str, *kinds: type[Any]) -> list[Any]:
    """Return the customer's events of these kinds, in their order."""
    return [
        received.event
        for received in await published(servers, [TOPIC])
        if isinstance(received.event, kinds) and received.event.customer_ref == customer_ref
    ]


async def listed(crm: InProcess, path: str, **query: str) -> list[dict[str, Any]]:
    response = await crm.get(f"/stores/S01/{path}", "customer_care_manager", **query)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()
    return found


async def win_back_calls(crm: InProcess, customer_ref: str) -> list[dict[str, Any]]:
    calls = [
        call
        for status in ("due", "scheduled")
        for call in await listed(crm, "follow-ups", status=status)
    ]
    return [
        call
        for call in calls
        if (call["reason"], call["customer_ref"]) == ("win_back", customer_ref)
    ]


async def test_visits_raise_and_time_lowers_tier(
    crm: InProcess, outside: Publisher, servers: Platform, clock: SimulatedClock
) -> None:
    begin = clock.now()
    regular = await customer(crm, 1)
    await visits(crm, outside, regular, begin - timedelta(days=60), begin)
    (rose,) = await of(servers, regular, LoyaltyChanged)
    assert (rose.old_tier, rose.new_tier, rose.reasons) == (None, "bronze", ("visit",))
    assert regular in [
        each["customer_ref"] for each in await listed(crm, "loyalty/customers", view="rose")
    ]

    standing = (
        await crm.get(f"/stores/S01/customers/{regular}/standing", "service_advisor")
    ).json()
    assert (standing["tier"], standing["visits"], standing["is_lost"]) == ("bronze", 2, False)
    assert [each["entitlement"] for each in standing["entitlements"]] == ["gift"]

    clock.set(begin + timedelta(days=370))
    await crm.wait_until_idle()
    _, fell = await of(servers, regular, LoyaltyChanged)
    assert (fell.old_tier, fell.new_tier, fell.reasons) == ("bronze", None, ("time",))
    (entry,) = await listed(crm, "loyalty/customers", view="fell")
    assert (entry["customer_ref"], entry["old_tier"]) == (regular, "bronze")
    trend = await listed(crm, "loyalty/trend")
    assert len(trend) == 12
    assert (trend[-2]["bronze"], trend[-1]["bronze"]) == (1, 0)


async def test_lost_customer_is_found_once_and_won_back(
    crm: InProcess, outside: Publisher, servers: Platform, clock: SimulatedClock
) -> None:
    begin = clock.now()
    away, loyal = await customer(crm, 2), await customer(crm, 3)
    await visits(
        crm, outside, away, *(begin - timedelta(days=days) for days in (80, 40, 0)), cents=100
    )
    await visits(crm, outside, loyal, *(begin - timedelta(days=days) for days in (80, 40, 0)))

    clock.set(begin + timedelta(days=60))
    await crm.wait_until_idle()
    risks = await listed(crm, "customers-at-risk")
    assert [(each["customer_ref"], each["tier"]) for each in risks] == [
        (loyal, "bronze"),
        (away, None),
    ]
    assert (risks[0]["score"], risks[0]["interval_days"], risks[0]["basis"]) == (85, 40, "rhythm")
    (second,) = await listed(crm, "customers-at-risk", after=loyal)
    assert second["customer_ref"] == away
    assert await of(servers, loyal, CustomerLapsed) == []

    for days in (71, 72, 75):
        clock.set(begin + timedelta(days=days))
        await crm.wait_until_idle()
    (lapsed,) = await of(servers, loyal, CustomerLapsed)
    assert (lapsed.tier, lapsed.basis, lapsed.visits) == ("bronze", "rhythm", 3)
    lost = await listed(crm, "lapses")
    assert [each["customer_ref"] for each in lost if each["customer_ref"] in (away, loyal)] == [
        loyal,
        away,
    ]

    (call,) = await win_back_calls(crm, loyal)
    assert call["about"] == lapsed.lapse_id

    path = f"/stores/S01/customers/{loyal}/lapse"
    body = {"cause": "price", "note": "隔壁便宜"}
    caused = await crm.post(f"{path}/cause", "customer_care_agent", body)
    assert caused.status_code == 200, caused.text
    assert "note" not in caused.json()
    bronze = await listed(crm, "lapses", tier="bronze")
    (shown,) = [each for each in bronze if each["customer_ref"] == loyal]
    assert (shown["cause"], shown["note"]) == ("price", "隔壁便宜")
    (event,) = await of(servers, loyal, LapseCauseRecorded)
    assert event.cause == "price"
    result = {"result": "will_return"}
    async with calls_locked(servers, loyal) as held:
        ending = asyncio.create_task(crm.post(f"{path}/result", "customer_care_agent", result))
        await assert_not_locked(held, "lapse", lapsed.lapse_id)
    first = await ending
    assert (first.status_code, first.json()["result"]) == (200, "will_return")
    assert await win_back_calls(crm, loyal) == []
    second_result = await crm.post(f"{path}/result", "customer_care_agent", result)
    assert second_result.status_code == 409
    assert second_result.json()["errors"][0]["rule"] == "already_recorded"

    await visits(crm, outside, loyal, clock.now())
    (won,) = await of(servers, loyal, CustomerWonBack)
    assert (won.lapse_id, won.cause) == (lapsed.lapse_id, "price")
    (ended,) = await listed(crm, "lapses", status="won_back")
    assert ended["customer_ref"] == loyal
    summary = (await crm.get("/stores/S01/defection-summary", "customer_care_manager")).json()
    assert summary["causes"] == [{"cause": "price", "customers": 1, "won_back": 1}]
    months = summary["months"]
    assert sum(each["won_back"] for each in months) == 1
    assert sum(each["loyal_lapsed"] for each in months) >= 1


async def test_cause_of_present_customer_is_refused(
    crm: InProcess, outside: Publisher, clock: SimulatedClock
) -> None:
    present = await customer(crm, 4)
    await visits(crm, outside, present, clock.now())
    path = f"/stores/S01/customers/{present}/lapse/cause"
    refused = await crm.post(path, "customer_care_agent", {"cause": "price"})
    assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (409, "not_lapsed")
    unknown = await crm.post(path, "customer_care_agent", {"cause": "weather"})
    assert unknown.status_code == 422
    other = await crm.post(path, "technician", {"cause": "price"})
    assert other.status_code == 403


async def test_interrupted_review_goes_on_with_next_part(
    crm: InProcess,
    outside: Publisher,
    servers: Platform,
    clock: SimulatedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.crm.application.customer_reviews._CUSTOMERS_AT_ONCE", 1)
    begin = clock.now()
    refs = [await customer(crm, number) for number in (5, 6, 7)]
    for ref in refs:
        await visits(crm, outside, ref, begin)
    clock.set(datetime(begin.year + 1, begin.month, 1, tzinfo=UTC))
    await crm.wait_until_idle()
    clock.set(clock.now() + NIGHT)
    await crm.wait_until_idle()
    for ref in refs:
        (lapsed,) = await of(servers, ref, CustomerLapsed)
        assert lapsed.basis == "formula"
