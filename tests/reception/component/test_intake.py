"""What is taken down of a vehicle, on the real thing (R3, R5)."""

import asyncpg
import pytest
import pytest_asyncio

from services.reception.app import create_app
from shared.contracts.reception import OrderOpened
from tests.harness import in_process, published
from tests.reception.front_desk import ORDERS, FrontDesk, intake


@pytest_asyncio.fixture(scope="module")
async def desk(servers, clock):
    async with in_process(servers, "reception", create_app) as running:
        yield FrontDesk(running, clock)


async def ended(desk, order):
    await desk.done(f"/orders/{order['order_id']}/cancellation", {"reason": "waited_too_long"})


async def test_damages_and_level_are_told_and_belongings_stay_encrypted(desk, servers):
    findings = [{"position": "left", "damage": "scratch"}, {"position": "roof", "damage": "dent"}]
    order = await desk.opened(
        "沪G10001", energy_percent=35, findings=findings, belongings="后备箱有儿童座椅"
    )
    assert (order["energy_percent"], order["findings"]) == (35, findings)
    assert (await desk.get(f"/orders/{order['order_id']}"))["belongings"] == "后备箱有儿童座椅"
    await desk.service.wait_until_idle()
    (received,) = [
        each
        for each in await published(servers, [ORDERS])
        if isinstance(each.event, OrderOpened) and each.event.order_id == order["order_id"]
    ]
    assert [finding.position for finding in received.event.findings] == ["left", "roof"]
    assert "儿童座椅".encode() not in received.value
    connection = await asyncpg.connect(servers.admin_url)
    encrypted = await connection.fetchval(
        "SELECT belongings FROM reception.repair_order WHERE order_id = $1", order["order_id"]
    )
    await connection.close()
    assert "儿童座椅".encode() not in encrypted


async def test_a_replaced_cluster_begins_anew(desk):
    await ended(desk, await desk.opened("沪G10002", odometer_km=90_000))
    order_id = await desk.greeted("沪G10002")
    path = f"/orders/{order_id}/opening"
    lower = intake("沪G10002", odometer_km=12)
    values = await desk.assert_rejected(path, lower, "odometer_backwards", "odometer_km")
    assert values == {"known": 90_000}
    order = await desk.done(path, lower | {"odometer_replacement": "cluster_replaced"})
    await ended(desk, order)
    await desk.opened("沪G10002", odometer_km=13)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"odometer_km": 2_000_001}, "odometer_km"),
        ({"odometer_replacement": "felt like it"}, "odometer_replacement"),
        ({"energy_percent": 101}, "energy_percent"),
        ({"findings": [{"position": "moon", "damage": "dent"}]}, "findings.0.position"),
        ({"belongings": ""}, "belongings"),
    ],
)
async def test_what_cannot_be_is_refused(desk, change, field):
    response = await desk.post("/orders/any/opening", intake("沪G10003", **change))
    assert response.status_code == 422
    assert field in [each["field"] for each in response.json()["errors"]]
