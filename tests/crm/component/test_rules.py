"""Rules that management publishes, from their change to its effect (R9, R25, R40)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest_asyncio

from deploy.embedded.platform import Platform
from services.crm.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.management import (
    CustomerCareRules,
    FollowUpRules,
    LoyaltyRules,
    MessageRules,
    MessageTemplate,
)
from shared.contracts.reception import OrderCustomerLinked
from shared.contracts.workshop import PromisedTimeAtRisk
from tests.support.finished_visits import delivery, invoice
from tests.support.harness import InProcess, Publisher, in_process, publisher
from tests.support.persons import person
from tests.support.polling import until
from tests.support.rules import group_rules, loyalty_rules, rule_set
from tests.support.staff import person as staff_member
from tests.support.stores import profile, store

FIRST_DAY = date(2026, 1, 1)
TODAY = date(2026, 3, 5)
TOMORROW = date(2026, 3, 6)
NOW = datetime(2026, 3, 5, 2, tzinfo=UTC)
LAST_MINUTE = datetime(2026, 3, 5, 15, 59, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 5, 16, tzinfo=UTC)


@dataclass
class Scene:
    """Customer relations, and a publisher of rules and events."""

    crm: InProcess
    outside: Publisher
    clock: SimulatedClock
    customers: dict[int, str] = field(default_factory=dict)

    async def publish(self, *events: Any) -> None:
        await self.outside.publish(*events, at=self.clock.now())

    async def customer(self, number: int) -> str:
        """Return the reference of the customer with this number, who is registered once."""
        if number not in self.customers:
            response = await self.crm.post(
                "/stores/S01/customers", "service_advisor", person(number)
            )
            self.customers[number] = str(response.json()["customer_ref"])
        return self.customers[number]

    async def visits(self, number: int, orders: int) -> None:
        """Deliver vehicles to the customer."""
        ref = await self.customer(number)
        for order in range(orders):
            name = f"{number}-{order}"
            await self.publish(invoice(name, 50_000, NOW), delivery(name, ref, NOW))
        await self.crm.wait_until_idle()

    async def vehicle(self, number: int) -> Any:
        plate = person(number)["plate"]
        return await self.crm.get(f"/stores/S01/vehicles/{plate}", "service_advisor")

    async def tier(self, number: int) -> tuple[str | None, str]:
        vehicle = (await self.vehicle(number)).json()
        return vehicle["tier"], vehicle["tier_rule"]

    async def message(self, number: int) -> str:
        body = {
            "customer_ref": await self.customer(number),
            "message_type": "ready",
            "values": {"ready_at": NOW.isoformat()},
        }
        response = await self.crm.post("/stores/S01/messages", "service_advisor", body)
        assert response.status_code == 201, response.text
        return str(response.json()["message_id"])

    async def tasks(self) -> dict[str, str]:
        """Return what an agent says on the phone, by message."""
        response = await self.crm.get("/stores/S01/call-tasks", "customer_care_agent")
        return {task["message_id"]: task["text"] for task in response.json()}

    async def risks_told(self) -> set[str]:
        """Return the orders whose customers are told of a risk."""
        await self.crm.wait_until_idle()
        response = await self.crm.get("/stores/S01/messages", "service_advisor")
        return {each["order_id"] for each in response.json() if each["message_type"] == "at_risk"}

    async def risk(self, order: str) -> None:
        at = self.clock.now()
        linked = OrderCustomerLinked(
            store_id="S01",
            order_id=order,
            customer_ref=await self.customer(1),
            vehicle_ref="v",
            linked_at=at,
        )
        alert = PromisedTimeAtRisk(
            store_id="S01",
            order_id=order,
            promised_at=at,
            probability=0.2,
            risk_cause="part_late",
            explanation="…",
            best_promise_at=at + timedelta(hours=3),
            confidence=0.9,
            alerted_at=at,
        )
        await self.publish(linked, alert)


@pytest_asyncio.fixture(scope="module")
async def unruled(empty_servers: Platform, clock: SimulatedClock) -> AsyncIterator[Scene]:
    """Yield a platform with a store and its agent, on which no rules were ever defined."""
    clock.set(NOW)
    async with (
        publisher(empty_servers) as outside,
        in_process(empty_servers, "crm", create_app) as crm,
    ):
        agent = staff_member("S01-agent-1", ("customer_care_agent", "S01"))
        await outside.publish(store("S01", (FIRST_DAY, profile())), agent, at=NOW)
        await crm.wait_until_idle()
        yield Scene(crm, outside, clock)


@pytest_asyncio.fixture(scope="module")
async def ruled(unruled: Scene) -> Scene:
    await unruled.publish(*group_rules())
    await unruled.crm.wait_until_idle()
    return unruled


async def within_effect_time(holds: Callable[[], Awaitable[bool]]) -> bool:
    return await until(holds, pause_s=0.02)


def ready(text: str) -> MessageRules:
    wording = {"zh": MessageTemplate(title="t", text=text)}
    return MessageRules(templates={"ready": wording})


async def test_work_without_rules_waits_for_them(unruled: Scene) -> None:
    answer = await unruled.vehicle(1)
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/not_defined"
    assert answer.json()["values"] == {"missing": "loyalty rules"}
    message = await unruled.message(1)
    status = f"/stores/S01/messages/{message}"

    async def deferred() -> bool:
        answer = await unruled.crm.get("/status", "operator")
        return bool(answer.json()["waiting_timers"])

    assert await until(deferred)
    await unruled.publish(*group_rules())

    async def handed_to_agent() -> bool:
        answer = await unruled.crm.get(status, "service_advisor")
        return bool(answer.json()["status"] == "call_required")

    assert await until(handed_to_agent)
    assert (await unruled.vehicle(1)).status_code == 200


async def test_new_wording_is_used_without_restart(ruled: Scene) -> None:
    message = await ruled.message(2)
    await ruled.crm.wait_until_idle()
    assert "完工" in (await ruled.tasks())[message]
    await ruled.publish(rule_set("messages.S01", (TODAY, ready("可以取车"))))

    async def renewed() -> bool:
        return (await ruled.tasks())[message] == "可以取车"

    assert await within_effect_time(renewed)


async def test_wording_holds_from_its_local_day(ruled: Scene) -> None:
    message = await ruled.message(3)
    await ruled.publish(
        rule_set("messages.S01", (TODAY, ready("today")), (TOMORROW, ready("tomorrow")))
    )
    await ruled.crm.wait_until_idle()
    ruled.clock.set(LAST_MINUTE)
    assert (await ruled.tasks())[message] == "today"
    ruled.clock.set(MIDNIGHT)
    assert (await ruled.tasks())[message] == "tomorrow"
    ruled.clock.set(NOW)


async def test_store_decides_whether_customers_hear_of_risks(ruled: Scene) -> None:
    await ruled.risk("o-quiet")
    assert await ruled.risks_told() == set()
    await ruled.publish(rule_set("messages.S01", (TODAY, MessageRules(notify_at_risk=True))))
    await ruled.crm.wait_until_idle()
    await ruled.risk("o-told")
    assert await ruled.risks_told() == {"o-told"}
    await ruled.publish(rule_set("messages.S01", (TODAY, None)))
    await ruled.crm.wait_until_idle()
    await ruled.risk("o-quiet-again")
    assert await ruled.risks_told() == {"o-told"}


async def test_new_loyalty_rules_change_tier_without_restart(ruled: Scene) -> None:
    await ruled.visits(4, orders=1)
    assert await ruled.tier(4) == (None, "2026-01-01")
    first = (FIRST_DAY, group_loyalty())
    await ruled.publish(rule_set("loyalty", first, (TODAY, loyalty_rules(1))))

    async def raised() -> bool:
        return await ruled.tier(4) == ("bronze", TODAY.isoformat())

    assert await within_effect_time(raised)
    await ruled.publish(rule_set("loyalty", first, (TOMORROW, loyalty_rules(1))))
    await ruled.crm.wait_until_idle()
    ruled.clock.set(LAST_MINUTE)
    assert await ruled.tier(4) == (None, "2026-01-01")
    ruled.clock.set(MIDNIGHT)
    assert await ruled.tier(4) == ("bronze", TOMORROW.isoformat())
    ruled.clock.set(NOW)


async def test_preview_counts_customers_whose_tier_would_change(ruled: Scene) -> None:
    await ruled.publish(rule_set("loyalty", (FIRST_DAY, loyalty_rules(2))))
    await ruled.visits(5, orders=1)
    await ruled.visits(6, orders=2)
    await ruled.crm.wait_until_idle()
    before = await preview(ruled, loyalty_rules(2))
    assert (before["raised"], before["lowered"]) == (0, 0)
    assert before["before"] == before["after"]
    stricter, looser = (
        await preview(ruled, loyalty_rules(3)),
        await preview(ruled, loyalty_rules(1)),
    )
    assert (stricter["raised"], stricter["lowered"]) == (0, customers(before, "bronze"))
    looser = await preview(ruled, loyalty_rules(1))
    assert (looser["raised"], looser["lowered"]) == (customers(before, None), 0)
    assert customers(looser, "bronze") == looser["customers"] == 3

    ruled.clock.set(NOW + timedelta(days=31))
    assert (await preview(ruled, loyalty_rules(1)))["customers"] == 0
    ruled.clock.set(NOW)


async def test_follow_up_rules_decide_when_and_how_often(ruled: Scene) -> None:
    later = FollowUpRules(days_after_delivery=2, calls_at="15:30", attempts=1)
    await ruled.publish(rule_set("follow_up.S01", (TODAY, later)))
    await ruled.crm.wait_until_idle()
    await ruled.visits(7, orders=1)
    listed = await ruled.crm.get(
        "/stores/S01/follow-ups", "customer_care_agent", status="scheduled"
    )
    (call,) = [each for each in listed.json() if each["order_id"] == "7-0"]
    assert datetime.fromisoformat(call["due_at"]) == datetime(2026, 3, 9, 7, 30, tzinfo=UTC)
    body = {"reached": False, "channel": "phone", "record": "no answer"}
    path = f"/stores/S01/follow-ups/{call['follow_up_id']}/calls"
    called = await ruled.crm.post(path, "customer_care_agent", body)
    assert called.json()["status"] == "not_reached"
    await ruled.publish(rule_set("follow_up.S01", (TODAY, None)))


async def test_calling_roles_count_within_effect_time(ruled: Scene) -> None:
    await ruled.publish(staff_member("S01-manager-1", ("service_manager", "S01")))
    await ruled.crm.wait_until_idle()
    managers = CustomerCareRules(calling_roles=("service_manager",))
    await ruled.publish(rule_set("customer_care.S01", (TODAY, managers)))
    numbers = iter(range(100, 200))

    async def is_called_by_manager() -> bool:
        number = next(numbers)
        await ruled.visits(number, orders=1)
        listed = await ruled.crm.get(
            "/stores/S01/follow-ups", "customer_care_agent", status="scheduled"
        )
        callers = {each["order_id"]: each["agent_id"] for each in listed.json()}
        return bool(callers[f"{number}-0"] == "S01-manager-1")

    assert await within_effect_time(is_called_by_manager)
    await ruled.publish(rule_set("customer_care.S01", (TODAY, None)))


async def test_only_group_manager_previews_rules(ruled: Scene) -> None:
    body = {"content": loyalty_rules().model_dump()}
    refused = await ruled.crm.post("/loyalty/preview", "service_manager", body)
    assert refused.status_code == 403
    wrong = {"content": {**body["content"], "period_days": 0}}
    answer = await ruled.crm.post("/loyalty/preview", "group_manager", wrong)
    assert answer.json()["errors"][0]["field"] == "content.period_days"


def group_loyalty() -> LoyaltyRules:
    (state,) = [each for each in group_rules() if each.record_id == "loyalty"]
    content = state.versions[0].content
    assert isinstance(content, LoyaltyRules)
    return content


async def preview(scene: Scene, rules: LoyaltyRules) -> Any:
    body = {"content": rules.model_dump()}
    answer = await scene.crm.post("/loyalty/preview", "group_manager", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def customers(previewed: Any, tier: str | None) -> int:
    """Return the number of customers who have this tier by the rules that are considered."""
    return int(next(each["customers"] for each in previewed["after"] if each["tier"] == tier))
