"""Values that the workshop learns from its work, on real Kafka and PostgreSQL (R11)."""

from collections.abc import AsyncIterator

import pytest_asyncio

from deploy.embedded.platform import Platform
from services.workshop import persistence
from services.workshop.application.expected_finishes import expect_finish
from services.workshop.planning import Durations
from shared.clock import SimulatedClock
from tests.support.workshop_harness import WorkshopHarness, open_workshop_harness


@pytest_asyncio.fixture(scope="module")
async def harness(servers: Platform, clock: SimulatedClock) -> AsyncIterator[WorkshopHarness]:
    async with open_workshop_harness(servers, clock) as running:
        yield running


async def test_jobs_over_standard_hours_lengthen_promises(
    harness: WorkshopHarness,
) -> None:
    await harness.wait(60)
    before = await harness.quote("MNT-001")
    for _ in range(4):
        (job,) = await harness.open_order("MNT-001", held=True)
        await harness.worked(job, 70)
    await harness.wait(60 * 24 - 4 * 70)
    assert await harness.quote("MNT-001") > before


async def test_broken_promises_lengthen_next_promise(harness: WorkshopHarness) -> None:
    harness = harness.of("S02")
    before = await harness.quote("MNT-001")
    for _ in range(3):
        (job,) = await harness.open_order("MNT-001", held=True)
        await harness.wait(120)
        await harness.cancelled(job["order_id"])
    await harness.wait(60 * 24 - 3 * 120)
    after = await harness.quote("MNT-001")
    assert after > before
    assert await harness.quote("MNT-001", confidence=0.5) <= after


async def test_kept_promises_shorten_next_promise(harness: WorkshopHarness) -> None:
    harness = harness.of("S03")
    careful = await harness.quote("MNT-001", confidence=0.5)
    for _ in range(4):
        (job,) = await harness.open_order("MNT-001", held=True, confidence=0.5)
        await harness.worked(job, 20)
    await harness.wait(60 * 24 - 4 * 20)
    assert await harness.quote("MNT-001", confidence=0.5) < careful


async def test_expected_finish_follows_durations_of_its_transaction(
    harness: WorkshopHarness,
) -> None:
    harness = harness.of("S04")
    (shown,) = await harness.open_order("MNT-001")
    now = harness.clock.now()
    async with harness.deps.uow_factory.open(["S04"]) as uow:
        job = await persistence.read_job(uow.connection, "S04", shown["job_id"])
        known = uow.connection, job, job.technician_ids, now, harness.deps
        by_the_book = await expect_finish(*known)
        slower = Durations(shifts={"MNT-001": 0.5})
        await persistence.save_durations(uow.connection, "S04", slower)
        assert await expect_finish(*known) > by_the_book
