"""What the workshop learns from its work, on real Kafka and PostgreSQL (R11)."""

from collections.abc import AsyncIterator

import pytest_asyncio

from deploy.embedded.platform import Platform
from shared.clock import SteppedClock
from tests.workshop.floor import Floor, open_floor


@pytest_asyncio.fixture(scope="module")
async def floor(servers: Platform, clock: SteppedClock) -> AsyncIterator[Floor]:
    async with open_floor(servers, clock) as running:
        yield running


async def test_work_that_takes_longer_than_the_book_says_is_promised_later(floor: Floor) -> None:
    await floor.wait(60)
    before = await floor.quote("MNT-001")
    for _ in range(4):
        (job,) = await floor.open_order("MNT-001", held=True)
        await floor.worked(job, 70)
    await floor.wait(60 * 24 - 4 * 70)
    assert await floor.quote("MNT-001") > before


async def test_broken_promises_make_the_next_one_more_careful(floor: Floor) -> None:
    floor = floor.of("S02")
    before = await floor.quote("MNT-001")
    for _ in range(3):
        (job,) = await floor.open_order("MNT-001", held=True)
        await floor.wait(120)
        await floor.cancelled(job["order_id"])
    await floor.wait(60 * 24 - 3 * 120)
    after = await floor.quote("MNT-001")
    assert after > before
    assert await floor.quote("MNT-001", confidence=0.5) <= after


async def test_kept_promises_become_shorter_again(floor: Floor) -> None:
    floor = floor.of("S03")
    careful = await floor.quote("MNT-001", confidence=0.5)
    for _ in range(4):
        (job,) = await floor.open_order("MNT-001", held=True, confidence=0.5)
        await floor.worked(job, 20)
    await floor.wait(60 * 24 - 4 * 20)
    assert await floor.quote("MNT-001", confidence=0.5) < careful
