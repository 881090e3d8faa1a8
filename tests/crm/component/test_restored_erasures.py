"""Erasures that a restored database does not know (R19)."""

from typing import Any

from deploy.embedded import database
from deploy.embedded.platform import Platform
from services.crm.app import create_app
from shared.clock import SimulatedClock
from shared.ids import new_id
from shared.security import Role
from tests.support.finished_visits import delivery
from tests.support.harness import InProcess, Publisher, in_process
from tests.support.persons import person

ADVISOR: Role = "service_advisor"
MANAGER: Role = "customer_care_manager"
REQUESTED = {"reason": "requested"}


async def ask(crm: InProcess, role: Role, store: str, path: str, body: Any = None) -> Any:
    token = crm.token(role, stores=[store])
    return await crm.client.request(
        "GET" if body is None else "POST",
        f"/stores/{store}/{path}",
        json=body,
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": str(new_id())},
    )


async def customer(crm: InProcess, store: str, number: int) -> str:
    response = await ask(crm, ADVISOR, store, "customers", person(number))
    assert response.status_code == 201, response.text
    return str(response.json()["customer_ref"])


async def erased(crm: InProcess, store: str, ref: str) -> Any:
    response = await ask(crm, MANAGER, store, f"customers/{ref}/erasure", REQUESTED)
    assert response.status_code == 201, response.text
    await crm.wait_until_idle()
    return response.json()["erased_at"]


async def test_restored_service_opens_with_persons_erased(
    servers: Platform, outside: Publisher, clock: SimulatedClock
) -> None:
    people = {("S01", 1), ("S01", 2), ("S02", 3)}
    async with in_process(servers, "crm", create_app) as crm:
        refs = {each: await customer(crm, *each) for each in sorted(people)}
        kept, merged = refs["S01", 1], refs["S01", 2]
        now = clock.now()
        await outside.publish(delivery("o-merged", merged, now), at=now)
        await crm.wait_until_idle()
        same = {"customer_ref": merged}
        response = await ask(crm, MANAGER, "S01", f"customers/{kept}/merge", same)
        assert response.status_code == 200, response.text
        await crm.wait_until_idle()
    await database.keep(servers.postgres.server_url, "backup")
    async with in_process(servers, "crm", create_app) as crm:
        at = {
            store: await erased(crm, store, refs[store, each])
            for store, each in (("S01", 1), ("S02", 3))
        }
    await database.restore(servers.postgres.server_url, "backup")
    await database.ensure_schemas(servers.admin_url)
    async with in_process(servers, "crm", create_app) as crm:
        for store, number in people:
            path = f"customers?plate={person(number)['plate']}"
            assert (await ask(crm, ADVISOR, store, path)).status_code == 404
        for store, erased_at in at.items():
            listed = (await ask(crm, MANAGER, store, "erasures")).json()
            assert {each["erased_at"] for each in listed} == {erased_at}
        status = (await crm.get("/status", "operator")).json()
        assert (status["dead_letters"], status["parked_keys"]) == (0, 0)
