"""Management admits a person by the posts that it has decided on itself (R40)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from deploy.embedded.platform import Platform
from services.management.app import create_app
from shared.clock import SimulatedClock
from shared.ids import new_id
from tests.support.harness import InProcess, in_process
from tests.support.polling import until

PROFILE: dict[str, Any] = {
    "kind": "store",
    "zh": "上海店",
    "en": "Shanghai",
    "city": {"zh": "上海", "en": "Shanghai"},
    "brand": {"zh": "启岳", "en": "Qiyue"},
    "opening": "08:00",
    "closing": "18:00",
    "labor_rate_cents": {"maintenance": 18000},
    "tax_rate_bp": 1300,
    "payment_days": 30,
}
PERSON = "S01-manager-9"
STAFF = "/stores/S01/staff"


@pytest.fixture(scope="module")
async def management(empty_servers: Platform, clock: SimulatedClock) -> AsyncIterator[InProcess]:
    async with in_process(empty_servers, "management", create_app) as running:
        yield running


async def define(management: InProcess, path: str, version: str, content: dict[str, Any]) -> None:
    token = management.token("group_manager", "service_manager", stores=["S01"], subject="first")
    response = await management.client.put(
        path,
        json={
            "version": version,
            "valid_from": "2026-03-04",
            "reason": "到岗",
            "content": content,
        },
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": str(new_id())},
    )
    assert response.is_success, response.text


async def status(management: InProcess) -> int:
    token = management.token("operator", stores=[], subject=PERSON)
    headers = {"Authorization": f"Bearer {token}"}
    return (await management.client.get(STAFF, headers=headers)).status_code


async def test_person_is_admitted_by_own_record(management: InProcess) -> None:
    await define(management, "/group/stores/S01", "0", PROFILE)
    assert await status(management) == 403
    names = {"kind": "person", "zh": "王伟", "en": "Wei Wang"}
    manager, technician = (
        {**names, "posts": [{"role": role, "in_store": "S01"}]}
        for role in ("service_manager", "technician")
    )
    await define(management, f"{STAFF}/{PERSON}", "0", manager)
    assert await until(lambda: has_status(management, 200))
    await define(management, f"{STAFF}/{PERSON}", "1", technician)
    assert await until(lambda: has_status(management, 403))


@pytest.mark.parametrize(("claim", "expected"), [(["*"], 200), ([], 403)])
async def test_first_operator_is_admitted_to_named_stores(
    management: InProcess, claim: list[str], expected: int
) -> None:
    token = management.token("group_manager", stores=claim, subject="operator")
    headers = {"Authorization": f"Bearer {token}"}
    response = await management.client.get("/stores/S01/bays", headers=headers)
    assert response.status_code == expected


async def has_status(management: InProcess, expected: int) -> bool:
    return await status(management) == expected
