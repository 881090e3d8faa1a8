"""Agents who get, leave and miss their posts, and stores without one (R20, R21, R40)."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from services.crm.application import follow_ups
from shared.clock import SimulatedClock
from shared.contracts.base import State
from shared.contracts.management import FollowUpReasonRule, FollowUpReasonRules
from shared.envelope import Causation
from shared.ids import new_id
from shared.security import Role
from tests.support.finished_visits import delivery
from tests.support.harness import InProcess, Publisher, in_process
from tests.support.persons import person as customer
from tests.support.polling import until
from tests.support.rules import rule_set
from tests.support.staff import person
from tests.support.stores import FIRST_DAY, profile, store

CALLING_DAY = date(2026, 3, 5)
DELIVERED_AT = datetime(2026, 3, 4, 8, tzinfo=UTC)
AGENT: Role = "customer_care_agent"
MANAGER: Role = "service_manager"
NUMBERS = count(4000)


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
    await scene.deliver(store_id)
    assert await scene.agents(store_id) == []
    assert not await scene.waits()
    new = person(f"{store_id}-new", (AGENT, store_id))
    await scene.outside.publish(new, at=DELIVERED_AT)

    async def assigned() -> bool:
        return await scene.agents(store_id) == ["new"]

    assert await until(assigned)


async def registered(scene: Scene, store_id: str, customers: int) -> list[str]:
    """Return the references of new customers of the store."""
    references = []
    for _ in range(customers):
        body = customer(next(NUMBERS))
        response = await ask(scene, "service_advisor", store_id, "customers", body)
        assert response.status_code == 201, response.text
        references.append(response.json()["customer_ref"])
    await scene.crm.wait_until_idle()
    return references


async def ask(
    scene: Scene,
    role: Role,
    store_id: str,
    path: str,
    body: Any = None,
    method: str = "POST",
    **params: Any,
) -> httpx.Response:
    token = scene.crm.token(role, stores=[store_id])
    return await scene.crm.client.request(
        "GET" if body is None else method,
        f"/stores/{store_id}/{path}",
        json=body,
        params=params,
        headers={"Authorization": f"Bearer {token}", "Idempotency-Key": str(new_id())},
    )


async def numbers(scene: Scene, store_id: str) -> dict[str, tuple[int, int]]:
    """Return each agent's customers and open calls."""
    answer = await ask(scene, "customer_care_manager", store_id, "customer-agents")
    assert answer.status_code == 200, answer.text
    return {
        each["agent_id"].removeprefix(f"{store_id}-"): (each["customers"], each["open_calls"])
        for each in answer.json()["agents"]
    }


async def test_new_customers_are_shared_by_ability(scene: Scene) -> None:
    store_id = await scene.new_store()
    await scene.define(
        person(f"{store_id}-quick", (AGENT, store_id), time_factor=0.5),
        person(f"{store_id}-slow", (AGENT, store_id), time_factor=1.0),
    )
    await registered(scene, store_id, 6)
    assert await numbers(scene, store_id) == {"quick": (4, 4), "slow": (2, 2)}


async def test_family_has_one_agent(scene: Scene) -> None:
    store_id = await scene.new_store()
    await scene.define(*(person(f"{store_id}-{each}", (AGENT, store_id)) for each in ("a", "b")))
    mother, stranger, son = (customer(next(NUMBERS)) for _ in range(3))
    same_number = son | {"phone": mother["phone"]}
    for body in (mother, stranger, {**same_number, "decision": {"answer": "another_person"}}):
        response = await ask(scene, "service_advisor", store_id, "customers", body)
        assert response.status_code == 201, response.text
        await scene.crm.wait_until_idle()
    await registered(scene, store_id, 1)
    assert await numbers(scene, store_id) == {"a": (2, 2), "b": (2, 2)}
    agent_of = f"customer-agents/{store_id}-a/customers"
    refs = [each["customer_ref"] for each in (await ask(scene, MANAGER, store_id, agent_of)).json()]
    names = await ask(scene, MANAGER, store_id, "resolutions", {"customer_refs": refs})
    assert set(names.json()["names"].values()) == {mother["name"], son["name"]}


async def test_delivery_call_is_first_contact(scene: Scene) -> None:
    store_id = await scene.new_store()
    await scene.define(person(f"{store_id}-agent", (AGENT, store_id)))
    (customer_ref,) = await registered(scene, store_id, 1)
    delivered = delivery(f"{store_id}-first", customer_ref, DELIVERED_AT, store_id)
    await scene.outside.publish(delivered, at=DELIVERED_AT)
    await scene.crm.wait_until_idle()
    statuses = ["scheduled", "due", "cancelled"]
    listed = await ask(scene, MANAGER, store_id, "follow-ups", status=statuses)
    calls = {each["reason"]: each for each in listed.json()}
    assert calls["first_contact"]["status"] == "cancelled"
    body = {"reached": True, "channel": "phone", "record": "satisfied", "needs": ["tires"]}
    path = f"follow-ups/{calls['delivery']['follow_up_id']}/calls"
    called = await ask(scene, "service_manager", store_id, path, body)
    assert called.json()["needs"] == ["tires"]
    answer = await ask(scene, MANAGER, store_id, f"customer-agents/{store_id}-agent/customers")
    (assigned,) = answer.json()
    assert assigned["first_contacted_at"] == called.json()["completed_at"]


async def test_customers_of_agent_who_left_pass_on(scene: Scene) -> None:
    store_id = await scene.new_store()
    goes = person(f"{store_id}-goes", (AGENT, store_id))
    await scene.define(goes)
    await registered(scene, store_id, 2)
    left = person(goes.record_id, since=DELIVERED_AT.date())
    await scene.define(
        person(f"{store_id}-stays", (AGENT, store_id)),
        goes.model_copy(update={"versions": goes.versions + left.versions}),
    )

    async def are_passed_on() -> bool:
        return await numbers(scene, store_id) == {"stays": (2, 2)}

    assert await until(are_passed_on)


async def test_only_first_of_two_managers_reassigns(scene: Scene) -> None:
    store_id = await scene.new_store()
    first, second = f"{store_id}-1", f"{store_id}-2"
    await scene.define(person(first, (AGENT, store_id)), person(second, (AGENT, store_id)))
    (customer_ref,) = await registered(scene, store_id, 1)
    path = f"customers/{customer_ref}/reassign"
    body = {"agent_id": second, "seen_agent_id": first, "cause": "customer_wish"}
    refused = await ask(scene, "customer_care_agent", store_id, path, body)
    done = await ask(scene, MANAGER, store_id, path, body)
    late = await ask(scene, MANAGER, store_id, path, body | {"agent_id": first})
    stranger = body | {"agent_id": "unknown", "seen_agent_id": second}
    wrong = await ask(scene, MANAGER, store_id, path, stranger)
    assert (refused.status_code, done.status_code) == (403, 200)
    assert (late.status_code, late.json()["errors"][0]["rule"]) == (409, "reassigned_meanwhile")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "agent_id")
    assert await numbers(scene, store_id) == {"2": (1, 1)}


async def test_filed_report_stays_as_it_was(scene: Scene, clock: SimulatedClock) -> None:
    store_id = await scene.new_store()
    await scene.define(person(f"{store_id}-agent", (AGENT, store_id)))
    await scene.deliver(store_id, 2)
    path, before = "follow-up-reports/2026-03", clock.now()
    report = (await ask(scene, MANAGER, store_id, path)).json()
    early = await ask(scene, MANAGER, store_id, f"{path}/file", {})
    clock.set(datetime(2026, 4, 1, 1, tzinfo=UTC))
    filed = await ask(scene, MANAGER, store_id, f"{path}/file", {})
    again = await ask(scene, MANAGER, store_id, f"{path}/file", {})
    clock.set(before)
    assert [(each["reason"], each["due"], each["open"]) for each in report["reasons"]] == [
        ("delivery", 2, 2)
    ]
    assert (early.status_code, early.json()["errors"][0]["rule"]) == (422, "month_not_over")
    assert filed.json()["reasons"] == report["reasons"]
    assert (again.status_code, again.json()["errors"][0]["rule"]) == (409, "report_filed")
    await scene.deliver(store_id)
    kept = (await ask(scene, MANAGER, store_id, path)).json()
    assert (kept["reasons"], kept["filed_months"]) == (report["reasons"], ["2026-03"])


async def test_silent_customer_is_called_once(scene: Scene, clock: SimulatedClock) -> None:
    store_id = await scene.new_store()
    await scene.define(person(f"{store_id}-agent", (AGENT, store_id)))
    visited_at = DELIVERED_AT - timedelta(days=185)
    for number in (1, 2):
        visit = delivery(f"{store_id}-{number}", f"{store_id}-c-{number}", visited_at, store_id)
        await scene.outside.publish(visit, at=visited_at)
    back = delivery(f"{store_id}-3", f"{store_id}-c-2", DELIVERED_AT, store_id)
    await scene.outside.publish(back, at=DELIVERED_AT)
    await scene.crm.wait_until_idle()
    service = scene.crm.app.state.service
    async with service.uow_factory.open([store_id], "test", Causation("test", "test")) as uow:
        await follow_ups.cancel_follow_ups(uow, about=f"{store_id}-1")

    for night in (1, 2):
        clock.set(DELIVERED_AT + timedelta(days=night))
        await scene.crm.wait_until_idle()
    listed = await ask(scene, MANAGER, store_id, "follow-ups", status=["scheduled", "due"])
    silent = [each for each in listed.json() if each["reason"] == "long_silence"]
    assert [each["customer_ref"] for each in silent] == [f"{store_id}-c-1"]


async def test_customer_is_called_on_birthday(scene: Scene, clock: SimulatedClock) -> None:
    store_id = await scene.new_store()
    only = FollowUpReasonRules(reasons=(FollowUpReasonRule(reason="birthday"),))
    await scene.define(
        person(f"{store_id}-agent", (AGENT, store_id)),
        rule_set(f"follow_up_reasons.{store_id}", (date(2026, 1, 1), only)),
    )
    born, other = await registered(scene, store_id, 2)
    tomorrow = clock.now() + timedelta(days=1)
    day = f"{tomorrow.astimezone(ZoneInfo('Asia/Shanghai')):%m-%d}"
    for ref, month_day in ((born, day), (other, "02-30"), (other, "02-29")):
        path = f"customers/{ref}/birthday"
        said = await ask(scene, AGENT, store_id, path, {"month_day": month_day}, method="PUT")
        assert said.status_code == (422 if month_day == "02-30" else 200), said.text
    assert day not in said.text
    kept = await ask(scene, AGENT, store_id, f"customers/{born}/birthday")
    assert kept.json()["month_day"] == day
    clock.set(tomorrow)
    await scene.crm.wait_until_idle()
    calls = await ask(scene, MANAGER, store_id, "follow-ups", status=["scheduled", "due"])
    assert [(each["reason"], each["customer_ref"]) for each in calls.json()] == [("birthday", born)]
    await ask(scene, AGENT, store_id, f"customers/{born}/birthday", {"month_day": None}, "PUT")
    kept = await ask(scene, AGENT, store_id, f"customers/{born}/birthday")
    assert kept.json()["month_day"] is None
