"""Rules of corrective actions, from their change to its effect (R10, R40, R43)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest_asyncio

from deploy.embedded.platform import Platform
from services.reporting.app import create_app
from services.reporting.application.rules import corrective_action_rule
from services.reporting.domain.corrective_action import Finding
from shared.clock import SimulatedClock
from shared.contracts.reception import FeedbackSubmitted
from tests.support.harness import InProcess, Publisher, in_process, publisher
from tests.support.polling import until
from tests.support.rules import feedback_rules, group_rules, rule_set

TODAY, TOMORROW = date(2026, 3, 5), date(2026, 3, 6)
NOW = datetime(2026, 3, 5, 2, tzinfo=UTC)
LAST_MINUTE = datetime(2026, 3, 5, 15, 59, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 5, 16, tzinfo=UTC)
MANAGER, DISPATCHER = "S01-manager-1", "S01-dispatcher-1"
OWN, EFFECT_S = "corrective_actions.S01", 2.0


@dataclass
class Scene:
    """Reporting, and a publisher of rules and feedback."""

    reporting: InProcess
    outside: Publisher
    clock: SimulatedClock

    async def publish(self, *events: Any) -> None:
        await self.outside.publish(*events, at=self.clock.now())

    async def complain(self, order_id: str) -> None:
        """Publish a customer's bad rating of the service attitude."""
        feedback = FeedbackSubmitted(
            store_id="S01",
            order_id=order_id,
            work_quality=4,
            technical_skill=4,
            service_attitude=1,
            advisor_id="S01-advisor-1",
            customer_ref=None,
            recorded_by="S01-advisor-2",
            submitted_at=self.clock.now(),
        )
        await self.publish(feedback)

    async def opened(self, order_id: str) -> tuple[str, timedelta] | None:
        """Return the owner of the order's corrective action, and the time for it."""
        response = await self.reporting.get(
            "/stores/S01/corrective-actions", "service_manager", state=["open"]
        )
        for each in response.json():
            if each["order_id"] == order_id:
                begin, due = (datetime.fromisoformat(each[at]) for at in ("opened_at", "due_at"))
                return each["owner_id"], due - begin
        return None

    async def answered(self, order_id: str) -> tuple[str, timedelta] | None:
        """Complain, and return the owner of the corrective action and the time for it."""
        await self.complain(order_id)
        await self.reporting.wait_until_idle()
        return await self.opened(order_id)


@pytest_asyncio.fixture(scope="module")
async def unruled(servers: Platform, clock: SimulatedClock) -> AsyncIterator[Scene]:
    """Yield a platform on which no rules were ever defined."""
    clock.set(NOW)
    async with (
        publisher(servers) as outside,
        in_process(servers, "reporting", create_app) as reporting,
    ):
        await reporting.wait_until_idle()
        yield Scene(reporting, outside, clock)


@pytest_asyncio.fixture(scope="module")
async def ruled(unruled: Scene) -> Scene:
    await unruled.publish(*group_rules())
    await unruled.reporting.wait_until_idle()
    return unruled


async def test_finding_without_rules_waits_for_them(unruled: Scene) -> None:
    await unruled.complain("o-early")

    async def deferred() -> bool:
        answer = await unruled.reporting.get("/status", "operator")
        return bool(answer.json()["waiting_timers"])

    assert await until(deferred, 10)
    await unruled.publish(*group_rules())

    async def opened() -> bool:
        return await unruled.opened("o-early") == (MANAGER, timedelta(days=2))

    assert await until(opened, 20)


async def test_new_rule_changes_owner_without_restart(ruled: Scene) -> None:
    service = ruled.reporting.app.state.service
    finding = Finding("feedback", "o", "o", ("service_attitude",))
    await ruled.publish(rule_set(OWN, (TODAY, feedback_rules("dispatcher", 5))))

    async def renewed() -> bool:
        async with service.uow_factory.read("S01") as connection:
            rule = await corrective_action_rule(connection, "S01", finding, NOW, service.deps)
        return rule.role == "dispatcher"

    assert await until(renewed, EFFECT_S, 0.02)
    assert await ruled.answered("o-own") == (DISPATCHER, timedelta(days=5))


async def test_ended_rules_of_store_leave_the_groups(ruled: Scene) -> None:
    await ruled.publish(rule_set(OWN, (TODAY, None)))
    await ruled.reporting.wait_until_idle()
    assert await ruled.answered("o-ended") == (MANAGER, timedelta(days=2))


async def test_rule_holds_from_its_local_day(ruled: Scene) -> None:
    today, tomorrow = feedback_rules("dispatcher", 5), feedback_rules("dispatcher", 6)
    await ruled.publish(rule_set(OWN, (TODAY, today), (TOMORROW, tomorrow)))
    await ruled.reporting.wait_until_idle()
    ruled.clock.set(LAST_MINUTE)
    assert await ruled.answered("o-today") == (DISPATCHER, timedelta(days=5))
    ruled.clock.set(MIDNIGHT)
    assert await ruled.answered("o-tomorrow") == (DISPATCHER, timedelta(days=6))
