"""Policies, due renewals, quotes and results, over HTTP and at night (R27)."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from services.crm.application import nightly
from shared.clock import SimulatedClock
from shared.contracts.crm import (
    PolicyRecorded,
    RenewalDue,
    RenewalHandedOver,
    RenewalLost,
    RenewalWon,
)
from shared.security import Role
from tests.support.harness import InProcess, Publisher, in_process, published
from tests.support.nights import begin_nights
from tests.support.persons import person

AGENT: Role = "customer_care_agent"
TOPIC = "aftersales.crm.customer.v1"
POLICIES = "/stores/S01/insurance/policies"
TODAY = date(2026, 3, 4)
"""First day of the simulated clock."""


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


def terms(days_left: int, **changes: Any) -> dict[str, Any]:
    """Return what a policy says that ends in so many days."""
    ends_on = TODAY + timedelta(days=days_left)
    return {
        "insurer": "picc",
        "kinds": ["compulsory", "damage"],
        "begins_on": (ends_on - timedelta(days=364)).isoformat(),
        "ends_on": ends_on.isoformat(),
        "premium_cents": 500_000,
        "channel": "in_store",
    } | changes


async def policy(crm: InProcess, number: int, days_left: int) -> dict[str, Any]:
    body = terms(days_left, sold_here=True, policy_number=f"PDAA{number}")
    response = await crm.post(POLICIES, AGENT, body | await vehicle(crm, number))
    assert response.status_code == 201, response.text
    recorded: dict[str, Any] = response.json()
    return recorded


def renewal(recorded: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the year that follows on a policy."""
    return {
        "insurer": "cpic",
        "kinds": ["compulsory", "damage"],
        "begins_on": recorded["next_begins_on"],
        "ends_on": recorded["next_ends_on"],
        "premium_cents": 460_000,
        "channel": "phone",
    } | changes


async def events(crm: InProcess, servers: Platform, kind: type) -> list[Any]:
    await crm.wait_until_idle()
    return [each.event for each in await published(servers, [TOPIC]) if type(each.event) is kind]


async def due(crm: InProcess) -> list[str]:
    listed = (await crm.get(POLICIES, AGENT)).json()
    return [each["policy_id"] for each in listed["policies"]]


async def test_renewal_is_quoted_and_won(crm: InProcess, servers: Platform) -> None:
    recorded = await policy(crm, 1, 40)
    path = f"{POLICIES}/{recorded['policy_id']}"
    offers = [("cpic", 460_000, 5), ("ping_an", 470_000, 9)]
    for insurer, cents, days in offers:
        quote = {
            "insurer": insurer,
            "kinds": ["compulsory", "damage"],
            "premium_cents": cents,
            "valid_until": (TODAY + timedelta(days=days)).isoformat(),
        }
        assert (await crm.post(f"{path}/quotes", AGENT, quote)).status_code == 201
    shown = (await crm.get(path, AGENT)).json()
    assert shown["policy_number"] == "PDAA1"
    assert [(q["insurer"], q["difference_cents"], q["cheapest"]) for q in shown["quotes"]] == [
        ("cpic", -40_000, True),
        ("ping_an", -30_000, False),
    ]
    body = renewal(recorded, quote_id=shown["quotes"][0]["quote_id"])
    won = await crm.post(f"{path}/win", AGENT, body, subject="S01-agent-1")
    assert (won.status_code, won.json()["result"]) == (200, "won")
    again = await crm.post(f"{path}/win", AGENT, body)
    assert (again.status_code, again.json()["errors"][0]["rule"]) == (409, "renewal_closed")
    (won_event,) = await events(crm, servers, RenewalWon)
    first, second = await events(crm, servers, PolicyRecorded)
    assert (won_event.new_policy_id, won_event.won_by) == (second.policy_id, "S01-agent-1")
    assert (first.is_renewal, second.renews_policy_id, second.renews_renewal) == (
        False,
        recorded["policy_id"],
        False,
    )
    assert recorded["policy_id"] not in await due(crm)


async def test_lost_renewal_names_cause(crm: InProcess, servers: Platform) -> None:
    recorded = await policy(crm, 2, 20)
    body = {"cause": "price", "insured_elsewhere": True, "insurer": "ping_an"}
    lost = await crm.post(f"{POLICIES}/{recorded['policy_id']}/lose", AGENT, body)
    assert (lost.json()["result"], lost.json()["other_insurer"]) == ("insured_elsewhere", "ping_an")
    (event,) = await events(crm, servers, RenewalLost)
    assert (event.loss_cause, event.insured_elsewhere) == ("price", True)
    closed = (await crm.get(POLICIES, AGENT, view="closed")).json()["policies"]
    assert recorded["policy_id"] in [each["policy_id"] for each in closed]


@pytest.mark.parametrize(
    ("changes", "status", "field", "rule"),
    [
        ({"ends_on": "2025-01-01"}, 422, "ends_on", "policy_ends_before_begin"),
        ({"insurer": "acme"}, 422, "insurer", "unknown_insurer"),
        ({"vehicle_ref": "of-another-store"}, 404, "vehicle_ref", "unknown_vehicle"),
        ({"customer_ref": "unknown"}, 404, "customer_ref", "unknown_customer"),
        ({"kinds": []}, 422, "kinds", "too_short"),
        ({"premium_cents": -1}, 422, "premium_cents", "greater_than_equal"),
    ],
)
async def test_impossible_policy_is_rejected(
    crm: InProcess, changes: dict[str, Any], status: int, field: str, rule: str
) -> None:
    body = terms(90, sold_here=True) | await vehicle(crm, 3) | changes
    refused = await crm.post(POLICIES, AGENT, body)
    error = refused.json()["errors"][0]
    assert (refused.status_code, error["field"], error["rule"]) == (status, field, rule)


async def test_overlapping_policy_needs_confirmation(crm: InProcess) -> None:
    await policy(crm, 4, 60)
    body = terms(90, sold_here=True) | await vehicle(crm, 4)
    refused = await crm.post(POLICIES, AGENT, body)
    assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (409, "policies_overlap")
    taken = await crm.post(POLICIES, AGENT, body | {"overlap_confirmed": True})
    assert taken.status_code == 201


async def test_quote_cannot_be_accepted_after_its_day(
    crm: InProcess, clock: SimulatedClock
) -> None:
    recorded = await policy(crm, 5, 44)
    path = f"{POLICIES}/{recorded['policy_id']}"
    quote = {"insurer": "cpic", "kinds": ["compulsory"], "premium_cents": 90_000}
    old = await crm.post(f"{path}/quotes", AGENT, quote | {"valid_until": "2026-03-03"})
    assert (old.status_code, old.json()["errors"][0]["rule"]) == (422, "quote_expired")
    made = await crm.post(f"{path}/quotes", AGENT, quote | {"valid_until": "2026-03-04"})
    before = clock.now()
    clock.set(datetime(2026, 3, 5, 2, tzinfo=UTC))
    body = renewal(recorded, quote_id=made.json()["quote_id"])
    late = await crm.post(f"{path}/win", AGENT, body)
    clock.set(before)
    assert (late.status_code, late.json()["errors"][0]["field"]) == (422, "quote_id")


async def test_policy_of_other_store_is_not_found(crm: InProcess) -> None:
    recorded = await policy(crm, 6, 30)
    path = f"/stores/S02/insurance/policies/{recorded['policy_id']}"
    token = crm.token(AGENT, stores=["S02"])
    found = await crm.client.get(path, headers={"Authorization": f"Bearer {token}"})
    refused = await crm.get(f"{POLICIES}/{recorded['policy_id']}", "technician")
    assert (found.status_code, refused.status_code) == (404, 403)


async def test_renewal_is_handed_to_serving_store(crm: InProcess, servers: Platform) -> None:
    recorded = await policy(crm, 7, 30)
    path = f"{POLICIES}/{recorded['policy_id']}"
    body = {"to_store_id": "S02", "consent_channel": "phone"}
    unknown = await crm.post(f"{path}/hand-over", AGENT, body | {"to_store_id": "S99"})
    itself = await crm.post(f"{path}/hand-over", AGENT, body | {"to_store_id": "S01"})
    assert (unknown.status_code, itself.status_code) == (404, 422)
    handed = await crm.post(f"{path}/hand-over", AGENT, body)
    assert (handed.status_code, handed.json()["result"]) == (200, "handed_over")
    headers = {"Authorization": f"Bearer {crm.token(AGENT, stores=['S02'])}"}
    there = "/stores/S02/insurance/policies"
    (taken,) = (await crm.client.get(there, headers=headers)).json()["policies"]
    shown = (await crm.client.get(f"{there}/{taken['policy_id']}", headers=headers)).json()
    assert (shown["from_store_id"], shown["contact"]) == ("S01", "王小明7 +8613900000007")
    assert shown["customer_ref"] != recorded["customer_ref"]
    (event,) = await events(crm, servers, RenewalHandedOver)
    assert (event.to_store_id, event.consent_channel) == ("S02", "phone")


async def test_nights_raise_each_renewal_once(
    crm: InProcess, servers: Platform, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nightly, "BATCH", 2)
    raised = [await policy(crm, number, 33) for number in range(10, 15)]
    later = await policy(crm, 15, 60)
    for night in range(3):
        clock.set(datetime(2026, 3, 4 + night, 18, tzinfo=UTC))
        await crm.wait_until_idle()
    ids = [each.policy_id for each in await events(crm, servers, RenewalDue)]
    assert [ids.count(each["policy_id"]) for each in raised] == [2] * 5
    assert later["policy_id"] not in ids
