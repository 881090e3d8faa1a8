"""Checklists that management publishes, from their change to their effect (R7, R40, R43)."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest_asyncio

from deploy.embedded.platform import Platform
from services.reception.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.management import (
    ChecklistStep,
    DeliveryChecklistRules,
    FacilityArea,
    FacilityChecklistRules,
    FacilityItem,
)
from shared.contracts.reception import FacilityCheckOverdue, VehicleDelivered
from shared.group import GROUP_ZONE
from tests.support.harness import Publisher, in_process, published
from tests.support.order_factory import FrontDesk, invoiced, order_events, ready
from tests.support.polling import until
from tests.support.rules import rule_set
from tests.support.stack import MORNING
from tests.support.workshop_events import WorkshopEvents

FIRST_DAY = date(2026, 1, 1)
TODAY, TOMORROW = date(2026, 3, 4), date(2026, 3, 5)
LAST_MINUTE = datetime(2026, 3, 4, 15, 59, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 4, 16, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module")
async def desk(servers: Platform, clock: SimulatedClock) -> AsyncIterator[FrontDesk]:
    async with in_process(servers, "reception", create_app) as running:
        await running.wait_until_idle()
        yield FrontDesk(running, clock)


@pytest_asyncio.fixture(scope="module")
async def workshop(management: Publisher) -> WorkshopEvents:
    return WorkshopEvents(management, MORNING)


def steps(*codes: str) -> DeliveryChecklistRules:
    return DeliveryChecklistRules(
        steps=tuple(
            ChecklistStep(
                step=code, zh="步骤", en=code, repeat_after_work=False, repeat_after_invoice=False
            )
            for code in codes
        )
    )


def areas(**due: str) -> FacilityChecklistRules:
    item = FacilityItem(item="clean", zh="清洁", en="Clean")
    return FacilityChecklistRules(
        areas=tuple(
            FacilityArea(area=area, zh="区域", en=area, due=hour, items=(item,))
            for area, hour in due.items()
        )
    )


async def within_effect_time(holds: Callable[[], Awaitable[bool]]) -> bool:
    return await until(holds, pause_s=0.02)


async def listed(desk: FrontDesk) -> list[str]:
    return [each["step"] for each in (await desk.get("/checklists"))["delivery_steps"]]


async def listed_areas(desk: FrontDesk) -> list[str]:
    return [each["area"] for each in (await desk.get("/checklists"))["facility_areas"]]


async def overdue(servers: Platform) -> set[tuple[str, str, datetime]]:
    events = await published(servers, ["aftersales.reception.store.v1"])
    return {
        (each.event.area, each.event.day, each.event.due_at)
        for each in events
        if isinstance(each.event, FacilityCheckOverdue) and each.event.store_id == "S01"
    }


async def test_stores_without_own_checklist_have_the_groups(desk: FrontDesk) -> None:
    found = await desk.get("/checklists")
    assert found["delivery_steps"][-1]["step"] == "customer_signed"
    assert found["delivery_steps"][-1]["zh"] == "客户签字确认"
    assert [each["area"] for each in found["facility_areas"]] == [
        "customer_lounge",
        "service_drive",
    ]


async def test_checklist_of_delivery_day_counts(
    desk: FrontDesk,
    workshop: WorkshopEvents,
    management: Publisher,
    servers: Platform,
    clock: SimulatedClock,
) -> None:
    order_id = await ready(desk, workshop, "沪K10001")
    balance = (await invoiced(desk, order_id))["balance_cents"]
    paid = {"method": "cash", "amount_cents": balance}
    await desk.done(f"/orders/{order_id}/payments", paid)
    step, path = f"/orders/{order_id}/delivery-steps", f"/orders/{order_id}/delivery"
    await desk.done(step, {"step": "vehicle_clean"})
    await desk.done(step, {"step": "old_parts_shown"})
    today = (TODAY, steps("vehicle_clean", "seat_covers_removed"))
    tomorrow = (TOMORROW, steps("vehicle_clean", "old_parts_shown"))
    await management.publish(rule_set("delivery_checklist.S01", today, tomorrow), at=MORNING)

    async def changed() -> bool:
        return await listed(desk) == ["vehicle_clean", "seat_covers_removed"]

    assert await within_effect_time(changed)
    missing = {"missing": ["seat_covers_removed"]}
    assert (await desk.assert_rejected(path, None, "delivery_steps_missing", "steps")) == missing
    await desk.assert_rejected(step, {"step": "work_explained"}, "unknown_code", "step")
    clock.set(LAST_MINUTE)
    assert (await desk.get(f"/orders/{order_id}"))["delivery_blockers"] == [
        "delivery_steps_missing"
    ]
    clock.set(MIDNIGHT)
    assert await listed(desk) == ["vehicle_clean", "old_parts_shown"]
    assert (await desk.get(f"/orders/{order_id}"))["delivery_blockers"] == []
    await desk.done(path)
    await desk.service.wait_until_idle()
    [event] = await order_events(servers, order_id, VehicleDelivered)
    assert [each.step for each in event.steps] == ["vehicle_clean", "old_parts_shown"]


async def test_areas_are_those_of_their_day(
    desk: FrontDesk, management: Publisher, servers: Platform, clock: SimulatedClock
) -> None:
    await desk.service.wait_until_idle()
    today = clock.now().astimezone(GROUP_ZONE).date()
    tomorrow = today + timedelta(days=1)
    dated = (today, areas(hall="10:00")), (tomorrow, areas(hall="08:00", roof="11:30"))
    await management.publish(rule_set("facility_checklist.S01", *dated), at=clock.now())

    async def changed() -> bool:
        return await listed_areas(desk) == ["hall"]

    assert await within_effect_time(changed)
    check: dict[str, Any] = {"area": "hall", "results": {"clean": "ok"}}
    assert (await desk.done("/facility-checks", check))["area"] == "hall"
    roof = {"area": "roof", "results": {"clean": "ok"}}
    await desk.assert_rejected("/facility-checks", roof, "unknown_code", "area")
    before = await overdue(servers)
    clock.set(datetime(2026, 3, 6, 4, tzinfo=UTC))
    await desk.service.wait_until_idle()
    found = {(area, due_at) for area, on, due_at in await overdue(servers) - before}
    assert found == {
        ("hall", datetime(2026, 3, 6, 0, tzinfo=UTC)),
        ("roof", datetime(2026, 3, 6, 3, 30, tzinfo=UTC)),
    }


async def test_area_added_today_is_overdue_at_midnight(
    desk: FrontDesk, management: Publisher, servers: Platform, clock: SimulatedClock
) -> None:
    await desk.service.wait_until_idle()
    today = clock.now().astimezone(GROUP_ZONE).date()
    added = (today, areas(hall="08:00", roof="11:30", lift="20:00"))
    await management.publish(rule_set("facility_checklist.S01", added), at=clock.now())
    await desk.service.wait_until_idle()
    before = await overdue(servers)
    clock.set(datetime(2026, 3, 6, 16, 5, tzinfo=UTC))
    await desk.service.wait_until_idle()
    due_at = datetime(2026, 3, 6, 12, tzinfo=UTC)
    assert await overdue(servers) - before == {("lift", today.isoformat(), due_at)}


async def test_ended_checklist_of_store_gives_way(
    desk: FrontDesk, management: Publisher, clock: SimulatedClock
) -> None:
    today = clock.now().astimezone(GROUP_ZONE).date()
    ended = rule_set("delivery_checklist.S01", (FIRST_DAY, steps("vehicle_clean")), (today, None))
    await management.publish(ended, at=clock.now())

    async def given_way() -> bool:
        return len(await listed(desk)) == 8

    assert await within_effect_time(given_way)
