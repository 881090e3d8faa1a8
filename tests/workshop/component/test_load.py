"""Load curve over HTTP, on real Kafka and PostgreSQL (R1, R11)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from deploy.embedded.platform import Platform
from services.workshop.app import create_app
from shared.clock import SimulatedClock
from tests.support.harness import InProcess, in_process

DAY = "2026-03-05"


@pytest.fixture(scope="module")
async def workshop(servers: Platform, clock: SimulatedClock) -> AsyncIterator[InProcess]:
    async with in_process(servers, "workshop", create_app) as running:
        yield running


async def load(workshop: InProcess, skill_code: str, **params: Any) -> list[dict[str, Any]]:
    response = await workshop.get("/stores/S01/load", "service_advisor", day=DAY, **params)
    assert response.is_success, response.text
    return [each for each in response.json() if each["skill_code"] == skill_code]


async def test_hold_reduces_free_but_not_working_minutes(workshop: InProcess) -> None:
    before = await load(workshop, "high_voltage")
    assert before
    assert all(each["free_minutes"] == each["working_minutes"] for each in before)
    body = {"op_codes": ["HVE-003"], "earliest_start_at": f"{DAY}T01:00:00Z"}
    path = "/stores/S01/capacity-holds"
    held = await workshop.post(path, "service_advisor", body, subject="S01-advisor-1")
    assert held.status_code == 201, held.text
    after = await load(workshop, "high_voltage")
    assert [each["working_minutes"] for each in after] == [
        each["working_minutes"] for each in before
    ]
    lost = sum(each["free_minutes"] for each in before) - sum(
        each["free_minutes"] for each in after
    )
    assert lost > 60


async def test_load_covers_requested_days_from_now(
    workshop: InProcess, clock: SimulatedClock
) -> None:
    day, days = await load(workshop, "maintenance"), await load(workshop, "maintenance", days=2)
    assert days[: len(day)] == day
    assert len(days) > len(day)
    now = clock.now().isoformat().replace("+00:00", "Z")
    today = await workshop.get("/stores/S01/load", "customer_care_agent")
    assert all(each["starts_at"] >= now for each in today.json())


async def test_hold_starting_too_late_is_rejected(
    workshop: InProcess, clock: SimulatedClock
) -> None:
    body = {
        "op_codes": ["HVE-003"],
        "earliest_start_at": f"{DAY}T01:00:00Z",
        "latest_start_at": f"{DAY}T01:30:00Z",
    }
    path = "/stores/S01/capacity-holds"
    await workshop.post(path, "service_advisor", body, subject="S01-advisor-1")
    before = await load(workshop, "high_voltage")
    refused = await workshop.post(path, "service_advisor", body)
    assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (409, "no_capacity")
    values = refused.json()["values"]
    assert (values["by"], values["at"]) == ("S01-advisor-1", clock.now().isoformat())
    assert await load(workshop, "high_voltage") == before
