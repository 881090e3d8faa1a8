"""Promises at risk and revised promises, on real Kafka and PostgreSQL (R9, R12)."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from deploy.embedded.platform import Platform
from services.reception.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.reception import OrderOpened, PromisedTimeRevised
from shared.contracts.workshop import PromisedTimeAtRisk
from tests.support.harness import Publisher, in_process, published, publisher
from tests.support.order_factory import ADVISOR, ORDERS, FrontDesk


@pytest.fixture(scope="module")
async def desk(servers: Platform, clock: SimulatedClock) -> AsyncIterator[FrontDesk]:
    async with in_process(servers, "reception", create_app) as running:
        yield FrontDesk(running, clock)


@pytest.fixture(scope="module")
async def workshop(servers: Platform) -> AsyncIterator[Publisher]:
    async with publisher(servers) as sender:
        yield sender


def warning(order: dict[str, Any], now: datetime, best: datetime) -> PromisedTimeAtRisk:
    return PromisedTimeAtRisk(
        store_id="S01",
        order_id=order["order_id"],
        promised_at=order["promised_at"],
        probability=0.3,
        risk_cause="part_late",
        explanation="A part arrives late.",
        best_promise_at=best,
        confidence=0.95,
        alerted_at=now,
    )


async def test_advisor_revises_promise_at_risk(
    desk: FrontDesk, workshop: Publisher, servers: Platform
) -> None:
    order, now = await desk.opened("沪C20001"), desk.clock.now()
    best = now + timedelta(hours=6)
    await workshop.publish(warning(order, now, best), at=now)
    await desk.service.wait_until_idle()
    seen = await desk.get(f"/orders/{order['order_id']}")
    assert seen["risk"]["cause"] == "part_late"
    assert datetime.fromisoformat(seen["risk"]["best_promise_at"]) == best

    told = {"promised_at": best.isoformat(), "reason": "part_late"}
    revised = await desk.done(f"/orders/{order['order_id']}/promise-revision", told)
    assert (datetime.fromisoformat(revised["promised_at"]), revised["risk"]) == (best, None)
    await desk.service.wait_until_idle()
    (event,) = [
        received.event
        for received in await published(servers, [ORDERS])
        if isinstance(received.event, PromisedTimeRevised)
    ]
    assert (event.promised_at, event.confidence, event.decided_by) == (best, 0.95, ADVISOR)

    await workshop.publish(warning(order, now, best), at=now)
    await desk.service.wait_until_idle()
    assert (await desk.get(f"/orders/{order['order_id']}"))["risk"] is None


async def test_invalid_promise_revision_is_rejected(desk: FrontDesk) -> None:
    order = await desk.opened("沪C20002")
    path = f"/orders/{order['order_id']}/promise-revision"
    past = {"promised_at": desk.clock.now().isoformat(), "reason": "queue"}
    await desk.assert_rejected(path, past, "promise_in_the_past", "promised_at")
    far = {"promised_at": (desk.clock.now() + timedelta(days=366)).isoformat(), "reason": "queue"}
    await desk.assert_rejected(path, far, "too_far_ahead", "promised_at")
    later = (desk.clock.now() + timedelta(hours=9)).isoformat()
    await desk.assert_rejected(
        path, {"promised_at": later, "reason": "mood"}, "literal_error", "reason"
    )
    arrived = await desk.greeted("沪C20003")
    path = f"/orders/{arrived}/promise-revision"
    told = {"promised_at": later, "reason": "queue"}
    await desk.assert_rejected(path, told, "invalid_status", "order_id")


async def test_rush_order_is_published_to_workshop(desk: FrontDesk, servers: Platform) -> None:
    order = await desk.opened("沪C20004", rush=True)
    await desk.service.wait_until_idle()
    (event,) = [
        received.event
        for received in await published(servers, [ORDERS])
        if isinstance(received.event, OrderOpened) and received.event.order_id == order["order_id"]
    ]
    assert event.rush
