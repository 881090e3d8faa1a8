"""What the workshop learns from its work, on real Kafka and PostgreSQL (R11)."""

import pytest

from services.workshop.app import create_app
from tests.harness import in_process, publisher
from tests.workshop.workshop_floor import WorkshopFloor


@pytest.fixture(scope="module")
async def running(servers, clock):
    async with in_process(servers, "workshop", create_app) as service, publisher(servers) as sender:
        yield service, sender, clock


async def test_work_that_takes_longer_than_the_book_says_is_promised_later(running):
    floor = WorkshopFloor(*running, store_id="S01")
    await floor.wait(60)
    before = await floor.quote("MNT-001")
    for _ in range(4):
        order_id = await floor.opened("MNT-001")
        await floor.worked(order_id, 70)
    await floor.wait(60 * 24 - 4 * 70)
    assert await floor.quote("MNT-001") > before


async def test_broken_promises_make_the_next_one_more_careful(running):
    floor = WorkshopFloor(*running, store_id="S02")
    before = await floor.quote("MNT-001")
    for _ in range(3):
        order_id = await floor.opened("MNT-001")
        await floor.wait(120)
        await floor.cancelled(order_id)
    await floor.wait(60 * 24 - 3 * 120)
    after = await floor.quote("MNT-001")
    assert after > before
    assert await floor.quote("MNT-001", confidence=0.5) <= after


async def test_kept_promises_become_shorter_again(running):
    floor = WorkshopFloor(*running, store_id="S03")
    careful = await floor.quote("MNT-001", confidence=0.5)
    for _ in range(4):
        order_id = await floor.opened("MNT-001", promise_confidence=0.5)
        await floor.worked(order_id, 20)
    await floor.wait(60 * 24 - 4 * 20)
    assert await floor.quote("MNT-001", confidence=0.5) < careful
