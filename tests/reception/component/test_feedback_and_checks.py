"""Feedback at the counter and facility checks, on real Kafka and PostgreSQL (R10, R43)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TypeVar

import asyncpg
import pytest

from deploy.embedded.platform import Platform
from services.reception.app import create_app
from services.reception.application import facility_checks
from services.reception.application.facility_checks import RecordCheckRequest
from shared.clock import SimulatedClock
from shared.contracts import Event
from shared.contracts.reception import (
    FacilityCheckCompleted,
    FacilityCheckOverdue,
    FeedbackSubmitted,
)
from shared.envelope import Causation
from tests.support.harness import in_process, published
from tests.support.order_factory import ADVISOR, ORDERS, FrontDesk

E = TypeVar("E", bound=Event)

STORE_TOPIC = "aftersales.reception.store.v1"
HALL = ["floor_clean", "desks_tidy", "seats_and_drinks", "toilets_clean", "prices_displayed"]
RATINGS = {"work_quality": 5, "technical_skill": 4, "service_attitude": 2}


@pytest.fixture(scope="module")
async def desk(servers: Platform, clock: SimulatedClock) -> AsyncIterator[FrontDesk]:
    async with in_process(servers, "reception", create_app) as running:
        yield FrontDesk(running, clock)


async def delivered(desk: FrontDesk, servers: Platform, plate: str) -> str:
    """Return the id of an order whose vehicle is back, as if all work had been done."""
    order_id = str((await desk.arrived(plate))["order_id"])
    connection = await asyncpg.connect(servers.admin_url)
    try:
        await connection.execute(
            "UPDATE reception.repair_order SET status = 'delivered' WHERE order_id = $1", order_id
        )
    finally:
        await connection.close()
    return order_id


async def told(servers: Platform, kind: type[E]) -> list[tuple[E, bytes]]:
    """Return the events of one kind, each with its JSON as published."""
    return [
        (received.event, received.value)
        for received in await published(servers, [ORDERS, STORE_TOPIC])
        if isinstance(received.event, kind)
    ]


async def missing(servers: Platform) -> set[tuple[str, str]]:
    """Return areas and days that store S01 missed, each of them once."""
    events = [event for event, _ in await told(servers, FacilityCheckOverdue)]
    found = [(each.area, each.day) for each in events if each.store_id == "S01"]
    assert len(found) == len(set(found))
    return set(found)


async def test_feedback_is_submitted_once_and_comment_stays_private(
    desk: FrontDesk, servers: Platform
) -> None:
    order_id = await delivered(desk, servers, "沪G10001")
    path = f"/orders/{order_id}/feedback"
    await desk.done(path, RATINGS | {"comment": "等候时间太长了"})
    assert (await desk.get(path))["comment"] == "等候时间太长了"
    again = await desk.post(path, RATINGS)
    assert (again.status_code, again.json()["errors"][0]["rule"]) == (409, "feedback_given")
    await desk.service.wait_until_idle()
    [(submitted, value)] = await told(servers, FeedbackSubmitted)
    assert (submitted.service_attitude, submitted.recorded_by) == (2, ADVISOR)
    assert "等候".encode() not in value


@pytest.mark.parametrize("mark", [0, 6, 2.5, None])
async def test_rating_outside_one_to_five_is_rejected(
    desk: FrontDesk, servers: Platform, mark: float | None
) -> None:
    plate = f"沪G2000{['0', '6', '2.5', 'None'].index(str(mark))}"
    order_id = await delivered(desk, servers, plate)
    response = await desk.post(f"/orders/{order_id}/feedback", RATINGS | {"work_quality": mark})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "work_quality")


async def test_feedback_before_delivery_is_rejected(desk: FrontDesk) -> None:
    order = await desk.arrived("沪G10003")
    await desk.assert_rejected(
        f"/orders/{order['order_id']}/feedback", RATINGS, "invalid_status", "order_id"
    )
    missing = await desk.service.get(
        f"/stores/S01/orders/{order['order_id']}/feedback", "service_advisor"
    )
    assert missing.status_code == 404


async def test_facility_check_needs_every_item_of_area(desk: FrontDesk, servers: Platform) -> None:
    results = dict.fromkeys(HALL, "ok")
    check = await desk.done(
        "/facility-checks",
        {"area": "customer_lounge", "results": results | {"floor_clean": "failed"}},
    )
    assert (check["failed"], check["day"]) == (["floor_clean"], "2026-03-04")
    assert [each["check_id"] for each in await desk.get("/facility-checks")] == [check["check_id"]]
    path = "/facility-checks"
    few = {"area": "customer_lounge", "results": {"floor_clean": "ok"}}
    values = await desk.assert_rejected(path, few, "check_items_missing", "results")
    assert values["missing"] == HALL[1:]
    strange = {"area": "customer_lounge", "results": results | {"moon": "ok"}}
    await desk.assert_rejected(path, strange, "unknown_code", "results")
    await desk.assert_rejected(path, {"area": "roof", "results": results}, "unknown_code", "area")
    photo = {"area": "customer_lounge", "results": results, "photo_id": "never-sent"}
    await desk.assert_rejected(path, photo, "unknown_photo", "photo_id")
    await desk.service.wait_until_idle()
    [(completed, _)] = await told(servers, FacilityCheckCompleted)
    assert completed.failed == ("floor_clean",)


async def test_check_recorded_without_http_is_listed(desk: FrontDesk) -> None:
    check = RecordCheckRequest(area="customer_lounge", results=dict.fromkeys(HALL, "ok"))
    causation = Causation("a morning", "a check")
    async with desk.deps.uow_factory.open(["S02"], ADVISOR, causation) as uow:
        recorded = await facility_checks.record_check(uow, check, desk.deps)
    assert await facility_checks.list_checks("S02", None, desk.deps) == [recorded]


async def test_unchecked_area_is_overdue_every_day(
    desk: FrontDesk, servers: Platform, clock: SimulatedClock
) -> None:
    clock.set(clock.now() + timedelta(hours=2))
    await desk.service.wait_until_idle()
    assert await missing(servers) == {("service_drive", "2026-03-04")}
    clock.set(clock.now() + timedelta(days=1))
    await desk.service.wait_until_idle()
    assert await missing(servers) == {
        ("service_drive", "2026-03-04"),
        ("service_drive", "2026-03-05"),
        ("customer_lounge", "2026-03-05"),
    }
