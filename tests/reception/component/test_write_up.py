"""Write-up of a vehicle, on real Kafka and PostgreSQL (R3, R5)."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from services.reception.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.reception import OrderOpened
from tests.support.harness import in_process, published
from tests.support.order_factory import ORDERS, FrontDesk, write_up


@pytest_asyncio.fixture(scope="module")
async def desk(servers: Platform, clock: SimulatedClock) -> AsyncIterator[FrontDesk]:
    async with in_process(servers, "reception", create_app) as running:
        yield FrontDesk(running, clock)


async def ended(desk: FrontDesk, order: dict[str, Any]) -> None:
    await desk.done(f"/orders/{order['order_id']}/cancellation", {"reason": "waited_too_long"})


async def test_damages_are_published_and_belongings_encrypted(
    desk: FrontDesk, servers: Platform
) -> None:
    walkaround_damages = [
        {"position": "left", "damage": "scratch"},
        {"position": "roof", "damage": "dent"},
    ]
    order = await desk.opened(
        "沪G10001",
        fuel_or_charge_percent=35,
        walkaround_damages=walkaround_damages,
        belongings="后备箱有儿童座椅",
    )
    assert (order["fuel_or_charge_percent"], order["walkaround_damages"]) == (
        35,
        walkaround_damages,
    )
    assert (await desk.get(f"/orders/{order['order_id']}"))["belongings"] == "后备箱有儿童座椅"
    await desk.service.wait_until_idle()
    ((opened, value),) = [
        (each.event, each.value)
        for each in await published(servers, [ORDERS])
        if isinstance(each.event, OrderOpened) and each.event.order_id == order["order_id"]
    ]
    assert [finding.position for finding in opened.walkaround_damages] == ["left", "roof"]
    assert "儿童座椅".encode() not in value
    connection = await asyncpg.connect(servers.admin_url)
    encrypted = await connection.fetchval(
        "SELECT belongings FROM reception.visit WHERE order_id = $1", order["order_id"]
    )
    await connection.close()
    assert "儿童座椅".encode() not in encrypted


async def test_replaced_instrument_cluster_resets_odometer(desk: FrontDesk) -> None:
    await ended(desk, await desk.opened("沪G10002", odometer_km=90_000))
    order_id = await desk.greeted("沪G10002")
    path = f"/orders/{order_id}/open"
    lower = write_up("沪G10002", odometer_km=12)
    values = await desk.assert_rejected(path, lower, "odometer_backwards", "odometer_km")
    assert values == {"known": 90_000}
    order = await desk.done(path, lower | {"odometer_discrepancy_reason": "cluster_replaced"})
    await ended(desk, order)
    await desk.opened("沪G10002", odometer_km=13)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"odometer_km": 2_000_001}, "odometer_km"),
        ({"odometer_discrepancy_reason": "felt like it"}, "odometer_discrepancy_reason"),
        ({"fuel_or_charge_percent": 101}, "fuel_or_charge_percent"),
        (
            {"walkaround_damages": [{"position": "moon", "damage": "dent"}]},
            "walkaround_damages.0.position",
        ),
        ({"belongings": ""}, "belongings"),
    ],
)
async def test_invalid_write_up_is_rejected(
    desk: FrontDesk, change: dict[str, Any], field: str
) -> None:
    response = await desk.post("/orders/any/open", write_up("沪G10003", **change))
    assert response.status_code == 422
    assert field in [each["field"] for each in response.json()["errors"]]
