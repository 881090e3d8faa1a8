"""Rules of settlement that management publishes, from their change to their effect (R8, R40)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.reception.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.management import SettlementRules
from shared.contracts.reception import ReceivableOverdue
from shared.security import Role
from tests.support.harness import Publisher, in_process
from tests.support.order_factory import (
    ADVISOR,
    MANAGER,
    FrontDesk,
    invoiced,
    order_events,
    ready,
)
from tests.support.polling import until
from tests.support.rules import group_rules, rule_set
from tests.support.stack import MORNING
from tests.support.workshop_events import WorkshopEvents

GROUP_RULES, OWN_RULES = "settlement", "settlement.S01"
FIRST_DAY, YESTERDAY = date(2026, 1, 1), date(2026, 3, 3)
TODAY, TOMORROW = date(2026, 3, 4), date(2026, 3, 5)
LAST_MINUTE = datetime(2026, 3, 4, 15, 59, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 4, 16, tzinfo=UTC)
WARRANTY = {"MNT-001": "warranty"}


@dataclass
class Scene:
    """Reception, and a publisher of rules and of the workshop's events."""

    desk: FrontDesk
    workshop: WorkshopEvents
    management: Publisher

    async def define(self, record_id: str, *versions: tuple[date, SettlementRules | None]) -> None:
        await self.management.publish(rule_set(record_id, *versions), at=self.desk.clock.now())

    async def ready(self, plate: str, **changes: Any) -> str:
        return await ready(self.desk, self.workshop, plate, **changes)

    async def ask_discount(self, order_id: str, amount_cents: int) -> httpx.Response:
        asked = {"amount_cents": amount_cents, "reason": "loyalty"}
        order = await self.desk.get(f"/orders/{order_id}")
        return await self.desk.post(
            f"/orders/{order_id}/discount", asked | {"version": order["version"]}
        )

    async def approved_at_once(self, order_id: str, amount_cents: int) -> bool:
        """Return whether the advisor may give a discount without another person."""
        answer = await self.ask_discount(order_id, amount_cents)
        assert answer.is_success, answer.text
        return bool(answer.json()["discount"]["approved_by"])

    async def claim(self, order_id: str) -> Any:
        claims = await self.desk.get("/claims", status="draft")
        return next(each for each in claims if each["order_id"] == order_id)


@pytest_asyncio.fixture(scope="module")
async def scene(
    servers: Platform, clock: SimulatedClock, management: Publisher
) -> AsyncIterator[Scene]:
    async with in_process(servers, "reception", create_app) as running:
        workshop = WorkshopEvents(management, MORNING)
        yield Scene(FrontDesk(running, clock), workshop, management)


@pytest_asyncio.fixture(autouse=True)
async def group_holds(scene: Scene) -> None:
    """Set the clock to the morning of today, on which the group's rules hold in all stores."""
    scene.desk.clock.set(MORNING)
    await scene.define(GROUP_RULES, (FIRST_DAY, of_group()))
    await scene.define(OWN_RULES, (FIRST_DAY, None))
    await scene.desk.service.wait_until_idle()


def of_group(**changes: Any) -> SettlementRules:
    """Return the group's rules of the group folder, with changes."""
    [state] = [each for each in group_rules() if each.record_id == GROUP_RULES]
    content = state.versions[0].content
    assert isinstance(content, SettlementRules)
    return content.model_copy(update=changes)


async def test_store_limit_counts_without_restart(scene: Scene) -> None:
    order_id, other = await scene.ready("沪G10001"), await scene.ready("沪G10002")
    assert await scene.approved_at_once(order_id, 2_300)
    await scene.define(OWN_RULES, (YESTERDAY, SettlementRules(service_advisor_discount_bp=400)))

    async def lowered() -> bool:
        return not await scene.approved_at_once(other, 2_300)

    assert await until(lowered, pause_s=0.05)
    assert await scene.approved_at_once(other, 1_840)
    approved = (await scene.desk.get(f"/orders/{order_id}"))["discount"]
    assert (approved["amount_cents"], approved["approved_by"]) == (2_300, ADVISOR)


async def test_waiting_discount_needs_the_limit_of_its_approval(scene: Scene) -> None:
    order_id = await scene.ready("沪G10003")
    assert not await scene.approved_at_once(order_id, 9_200)
    path, clock = f"/orders/{order_id}/discount/approve", scene.desk.clock
    lower = of_group(service_advisor_discount_bp=100, service_manager_discount_bp=1_000)
    await scene.define(GROUP_RULES, (FIRST_DAY, of_group()), (TOMORROW, lower))
    await scene.desk.service.wait_until_idle()
    clock.set(MIDNIGHT)
    version = {"version": (await scene.desk.get(f"/orders/{order_id}"))["version"]}
    values = await scene.desk.assert_rejected(
        path, version, "discount_above_limit", "discount", MANAGER
    )
    assert values == {"allowed_cents": 4_600}
    clock.set(LAST_MINUTE)
    approved = await scene.desk.done(path, version, MANAGER)
    assert approved["discount"]["approved_by"] == MANAGER


async def test_deadline_of_drafted_claim_stays(scene: Scene) -> None:
    first = await scene.ready("沪G10004", pay_types=WARRANTY)
    second = await scene.ready("沪G10005", pay_types=WARRANTY)
    await invoiced(scene.desk, first)
    before = datetime.fromisoformat((await scene.claim(first))["due_at"])
    await scene.define(OWN_RULES, (TODAY, SettlementRules(claim_submission_days=5)))
    await scene.desk.service.wait_until_idle()
    await invoiced(scene.desk, second)
    after = datetime.fromisoformat((await scene.claim(second))["due_at"])
    assert before == MORNING + timedelta(days=15)
    assert after == MORNING + timedelta(days=5)
    assert datetime.fromisoformat((await scene.claim(first))["due_at"]) == before


async def test_receivable_is_reminded_on_days_of_its_store(scene: Scene, servers: Platform) -> None:
    await scene.define(OWN_RULES, (TODAY, SettlementRules(dunning_days=(2, 4))))
    await scene.desk.service.wait_until_idle()
    order_id = await scene.ready("沪G10006")
    await invoiced(scene.desk, order_id)
    for days in (31, 32, 33, 34, 40):
        scene.desk.clock.set(MORNING + timedelta(days=days, hours=1))
        await scene.desk.service.wait_until_idle()
    overdue = await order_events(servers, order_id, ReceivableOverdue)
    assert [event.days_overdue for event in overdue] == [2, 4]


async def test_discount_without_rules_is_answered_503(scene: Scene) -> None:
    order_id = await scene.ready("沪G10007")
    await scene.define(GROUP_RULES, (TOMORROW, of_group()))
    await scene.desk.service.wait_until_idle()
    answer = await scene.ask_discount(order_id, 100)
    assert answer.status_code == 503
    assert answer.json()["values"] == {"missing": "settlement rules"}


async def test_preview_counts_discounts_by_approving_role(scene: Scene) -> None:
    desk = scene.desk
    desk.clock.set(MORNING + timedelta(days=100))
    for plate, amount_cents in (("沪G10008", 920), ("沪G10009", 2_300)):
        order_id = await scene.ready(plate)
        assert await scene.approved_at_once(order_id, amount_cents)
        await invoiced(desk, order_id)
    considered = {"content": {"kind": "settlement", "service_advisor_discount_bp": 200}}
    asked: dict[str, Role] = {
        "/stores/S01/settlement/preview": "service_manager",
        "/settlement/preview": "group_manager",
    }
    for path, role in asked.items():
        preview = (await desk.service.post(path, role, considered)).json()
        assert [each["discounts"] for each in preview["before"]] == [2, 0, 0, 0]
        assert [each["discounts"] for each in preview["after"]] == [1, 1, 0, 0]
        assert (preview["discounts"], preview["higher"], preview["lower"]) == (2, 1, 0)
    advisor = await desk.service.post(
        "/stores/S01/settlement/preview", "service_advisor", considered
    )
    assert advisor.status_code == 403
    desk.clock.set(MORNING + timedelta(days=131))
    later = await desk.service.post("/settlement/preview", "group_manager", considered)
    assert later.json()["discounts"] == 0
