"""Rules of corrective actions, from their change to its effect (R10, R40, R43)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.management.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.management import CorrectiveActionRules
from shared.contracts.reception import FeedbackSubmitted
from tests.support.decisions import profile
from tests.support.harness import InProcess, Publisher, in_process
from tests.support.polling import until
from tests.support.rules import feedback_rules, group_corrective_actions

TODAY, TOMORROW = "2026-03-05", "2026-03-06"
NOW = datetime(2026, 3, 5, 2, tzinfo=UTC)
LAST_MINUTE = datetime(2026, 3, 5, 15, 59, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 5, 16, tzinfo=UTC)
MANAGER, DISPATCHER = "S01-manager-1", "S01-dispatcher-1"
GROUP, OWN = "/group/rules/corrective_actions", "/stores/S01/rules/corrective_actions"
REASON = "明确整改责任"

_FORGET_RULES = """
DELETE FROM management.record_change WHERE record_id LIKE 'corrective_actions%';
DELETE FROM management.record WHERE record_id LIKE 'corrective_actions%';
"""


@dataclass
class Scene:
    """Management, and a publisher of feedback."""

    management: InProcess
    outside: Publisher
    clock: SimulatedClock

    async def define(self, path: str, valid_from: str, content: CorrectiveActionRules) -> None:
        body = {"valid_from": valid_from, "reason": REASON, "content": content.model_dump()}
        role: Any = "group_manager" if path == GROUP else "service_manager"
        response = await self.management.post(path, role, body, method="PUT")
        assert response.is_success, response.text

    async def end(self, valid_from: str) -> None:
        body = {"valid_from": valid_from, "reason": REASON}
        response = await self.management.post(f"{OWN}/end", "service_manager", body)
        assert response.is_success, response.text

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
        await self.outside.publish(feedback, at=self.clock.now())

    async def opened(self, order_id: str) -> tuple[str, timedelta] | None:
        """Return the owner of the order's corrective action, and the time for it."""
        response = await self.management.get(
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
        await self.management.wait_until_idle()
        return await self.opened(order_id)


@pytest_asyncio.fixture(scope="module")
async def unruled(
    own_group: Platform, outside: Publisher, clock: SimulatedClock
) -> AsyncIterator[Scene]:
    """Yield a platform on which no rules of corrective actions were ever defined."""
    clock.set(NOW)
    admin = await asyncpg.connect(own_group.admin_url)
    await admin.execute(_FORGET_RULES)
    await admin.close()
    async with in_process(own_group, "management", create_app) as management:
        await management.wait_until_idle()
        yield Scene(management, outside, clock)


@pytest_asyncio.fixture(scope="module")
async def ruled(unruled: Scene) -> Scene:
    await unruled.define(GROUP, TODAY, group_corrective_actions())
    return unruled


async def test_finding_without_rules_waits_for_them(unruled: Scene) -> None:
    await unruled.complain("o-early")

    async def deferred() -> bool:
        answer = await unruled.management.get("/status", "operator")
        return bool(answer.json()["waiting_timers"])

    assert await until(deferred)
    await unruled.define(GROUP, TODAY, group_corrective_actions())

    async def opened() -> bool:
        return await unruled.opened("o-early") == (MANAGER, timedelta(days=2))

    assert await until(opened)


async def test_new_rule_changes_owner_without_restart(ruled: Scene) -> None:
    await ruled.define(OWN, TODAY, feedback_rules("dispatcher", 5))
    assert await ruled.answered("o-own") == (DISPATCHER, timedelta(days=5))


async def test_ended_rules_of_store_leave_the_groups(ruled: Scene) -> None:
    await ruled.end(TODAY)
    assert await ruled.answered("o-ended") == (MANAGER, timedelta(days=2))


async def test_rule_holds_from_its_local_day(ruled: Scene) -> None:
    await ruled.define(OWN, TODAY, feedback_rules("dispatcher", 5))
    await ruled.define(OWN, TOMORROW, feedback_rules("dispatcher", 6))
    ruled.clock.set(LAST_MINUTE)
    assert await ruled.answered("o-today") == (DISPATCHER, timedelta(days=5))
    ruled.clock.set(MIDNIGHT)
    assert await ruled.answered("o-tomorrow") == (DISPATCHER, timedelta(days=6))


async def test_finding_waits_for_person_with_role(ruled: Scene) -> None:
    ruled.clock.set(MIDNIGHT)
    await ruled.define(OWN, TOMORROW, feedback_rules("claims_clerk", 4))
    staff, clerk = "/stores/S01/staff", "S01-claims-clerk-1"
    body = {"valid_from": TOMORROW, "reason": REASON}
    ended = await ruled.management.post(f"{staff}/{clerk}/end", "service_manager", body)
    assert ended.is_success, ended.text
    assert await ruled.answered("o-nobody") is None
    defined = await ruled.management.post(
        f"{staff}/S01-clerk-2",
        "service_manager",
        body | {"content": profile("staff", clerk)},
        method="PUT",
    )
    assert defined.is_success, defined.text
    await ruled.management.wait_until_idle()
    assert await ruled.opened("o-nobody") == ("S01-clerk-2", timedelta(days=4))
