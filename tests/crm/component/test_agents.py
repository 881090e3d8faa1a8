"""Agents who get, leave and miss their posts, and stores without one (R20, R21, R40)."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from itertools import count

import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.base import State
from tests.support.finished_visits import delivery
from tests.support.harness import InProcess, Publisher, in_process
from tests.support.polling import until
from tests.support.staff import person
from tests.support.stores import FIRST_DAY, profile, store

CALLING_DAY = date(2026, 3, 5)
DELIVERED_AT = datetime(2026, 3, 4, 8, tzinfo=UTC)
AGENT, MANAGER = "customer_care_agent", "service_manager"


class Scene:
    """Customer relations, and new stores with the staff that each test gives them."""

    def __init__(self, crm: InProcess, outside: Publisher) -> None:
        self.crm, self.outside = crm, outside
        self._stores, self._orders = count(90), count(1)

    async def new_store(self) -> str:
        """Return a store that is defined now, and has no staff."""
        store_id = f"S{next(self._stores)}"
        await self.define(store(store_id, (FIRST_DAY, profile())))
        return store_id

    async def define(self, *states: State) -> None:
        await self.outside.publish(*states, at=DELIVERED_AT)
        await self.crm.wait_until_idle()

    async def deliver(self, store_id: str, deliveries: int = 1) -> None:
        await self.publish_deliveries(store_id, deliveries)
        await self.crm.wait_until_idle()

    async def publish_deliveries(self, store_id: str, deliveries: int = 1) -> None:
        for _ in range(deliveries):
            order = f"{store_id}-order-{next(self._orders)}"
            delivered = delivery(order, f"customer-{order}", DELIVERED_AT, store_id)
            await self.outside.publish(delivered, at=DELIVERED_AT)

    async def waits(self) -> bool:
        answer = await self.crm.get("/status", "operator")
        return bool(answer.json()["waiting_timers"])

    async def agents(self, store_id: str) -> list[str]:
        """Return the agents of the store's calls without its id, in order."""
        token = self.crm.token("service_manager", stores=[store_id])
        response = await self.crm.client.get(
            f"/stores/{store_id}/follow-ups",
            params={"status": ["scheduled", "due"]},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert response.status_code == 200, response.text
        return sorted(call["agent_id"].removeprefix(f"{store_id}-") for call in response.json())


@pytest_asyncio.fixture(scope="module")
async def scene(
    servers: Platform, outside: Publisher, clock: SimulatedClock
) -> AsyncIterator[Scene]:
    clock.set(DELIVERED_AT)
    async with in_process(servers, "crm", create_app) as crm:
        await crm.wait_until_idle()
        yield Scene(crm, outside)


def leave(first: str, last: str) -> dict[str, str]:
    return {"first_day": first, "last_day": last}


async def test_new_agent_gets_follow_ups_without_restart(scene: Scene) -> None:
    store_id = await scene.new_store()
    await scene.define(person(f"{store_id}-first", (AGENT, store_id)))
    await scene.deliver(store_id, 2)
    assert await scene.agents(store_id) == ["first", "first"]
    await scene.define(person(f"{store_id}-second", (AGENT, store_id)))
    await scene.deliver(store_id, 2)
    assert await scene.agents(store_id) == ["first", "first", "second", "second"]


async def test_agent_who_has_left_gets_none(scene: Scene) -> None:
    store_id = await scene.new_store()
    stays, goes = (person(f"{store_id}-{name}", (AGENT, store_id)) for name in ("stays", "goes"))
    await scene.define(stays, goes)
    left = person(goes.record_id, since=CALLING_DAY)
    await scene.define(goes.model_copy(update={"versions": goes.versions + left.versions}))
    await scene.deliver(store_id, 2)
    assert await scene.agents(store_id) == ["stays", "stays"]


async def test_agent_on_leave_that_day_gets_none(scene: Scene) -> None:
    store_id = await scene.new_store()
    before_and_after = (leave("2026-03-01", "2026-03-04"), leave("2026-03-06", "2026-03-06"))
    await scene.define(
        person(f"{store_id}-away", (AGENT, store_id), leave=(leave("2026-03-05", "2026-03-05"),)),
        person(f"{store_id}-back", (AGENT, store_id), leave=before_and_after),
    )
    await scene.deliver(store_id, 2)
    assert await scene.agents(store_id) == ["back", "back"]


async def test_managers_call_where_no_agent_is(scene: Scene) -> None:
    store_id = await scene.new_store()
    await scene.define(
        person(f"{store_id}-manager", (MANAGER, store_id)),
        person(f"{store_id}-agent", (AGENT, store_id), leave=(leave("2026-03-05", "2026-03-09"),)),
        person(f"{store_id}-advisor", ("service_advisor", store_id)),
        person(f"{store_id}-guest", (AGENT, "S01"), ("service_advisor", store_id)),
    )
    await scene.deliver(store_id)
    assert await scene.agents(store_id) == ["manager"]
    await scene.define(person(f"{store_id}-care", ("customer_care_manager", store_id)))
    await scene.deliver(store_id, 2)
    assert await scene.agents(store_id) == ["care", "care", "manager"]


async def test_follow_up_waits_for_somebody_to_call(scene: Scene) -> None:
    store_id = await scene.new_store()
    await scene.publish_deliveries(store_id)
    assert await until(scene.waits, 10)
    assert await scene.agents(store_id) == []
    new = person(f"{store_id}-new", (AGENT, store_id))
    await scene.outside.publish(new, at=DELIVERED_AT)

    async def assigned() -> bool:
        return await scene.agents(store_id) == ["new"]

    assert await until(assigned, 20)
