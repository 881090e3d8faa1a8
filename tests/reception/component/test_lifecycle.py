"""Order from arrival on, by its advisors, on real Kafka and PostgreSQL (R2, R5)."""

from collections.abc import AsyncIterator

import pytest

from deploy.embedded.platform import Platform
from services.reception.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.reception import OrderCancelled
from shared.db import transaction
from tests.support.harness import in_process, published
from tests.support.order_factory import ORDERS, FrontDesk


@pytest.fixture(scope="module")
async def desk(servers: Platform, clock: SimulatedClock) -> AsyncIterator[FrontDesk]:
    async with in_process(servers, "reception", create_app) as running:
        yield FrontDesk(running, clock)


async def test_each_change_raises_order_version(desk: FrontDesk) -> None:
    arrived = await desk.arrived("沪C10001")
    greeted = await desk.done(f"/orders/{arrived['order_id']}/greet")
    assert greeted["version"] != arrived["version"]


async def test_cancellation_needs_reason_and_encrypts_note(
    desk: FrontDesk, servers: Platform
) -> None:
    order = await desk.arrived("沪C10002")
    path = f"/orders/{order['order_id']}/cancellation"
    without = await desk.post(path, {})
    assert (without.status_code, without.json()["errors"][0]["field"]) == (422, "reason")
    await desk.assert_rejected(path, {"reason": "customer left"}, "literal_error", "reason")
    why = {"reason": "waited_too_long", "note": "王先生等了一个小时"}
    ended = await desk.done(path, why)
    assert ended["status"] == "cancelled"
    again = await desk.post(path, why)
    assert (again.status_code, again.json()["errors"][0]["rule"]) == (409, "invalid_status")
    await desk.service.wait_until_idle()
    events = [
        received.event
        for received in await published(servers, [ORDERS])
        if isinstance(received.event, OrderCancelled)
    ]
    assert [(event.order_id, event.reason) for event in events] == [
        (order["order_id"], "waited_too_long")
    ]
    kept = await desk.get(path)
    assert {name: kept[name] for name in why} == why
    async with transaction(desk.service.app.state.service.uow_factory.pool, ["S01"]) as connection:
        encrypted = await connection.fetchval("SELECT note FROM cancellation")
    assert why["note"].encode() not in encrypted
