"""The advisor's morning at the desk: appointments, arrivals, intake, daily checks
(R1, R2, R3, R4, R5, R9, R19, R43)."""

import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import expect

from deploy.embedded.platform import Platform
from shared.clock import SteppedClock
from tests.desk.conftest import Desk
from tests.system.api import ADVISOR, DISPATCHER, Api

NINE = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
COLLEAGUE = "S01-advisor-2"
BOOKED, WALK_IN = "沪A20010", "沪A20020"


@pytest_asyncio.fixture(scope="module")
async def api(platform: Platform, clock: SteppedClock) -> AsyncIterator[Api]:
    clock.set(NINE)
    async with httpx.AsyncClient(timeout=10) as client:
        yield Api(platform, client)


async def test_the_board_follows_within_a_second_and_suggests_who_receives(
    desk: Desk, api: Api, capsys: pytest.CaptureFixture[str]
) -> None:
    await api.intake(2001, BOOKED)
    booking = {
        "plate": BOOKED,
        "planned_at": (NINE + timedelta(minutes=30)).isoformat(),
        "operations": ["MNT-001"],
    }
    await api.done("reception", "/appointments", ADVISOR, booking)
    advisor, dispatcher = await desk.sign_in(ADVISOR), await desk.sign_in(DISPATCHER)
    await dispatcher.go("/stores/S01/reception")
    await expect(advisor.at("expected")).to_contain_text(BOOKED)
    await api.done("reception", "/arrivals", ADVISOR, {"plate": WALK_IN})
    begun = time.perf_counter()
    await advisor.at("arrival-1").wait_for()
    took_s = time.perf_counter() - begun
    with capsys.disabled():
        sys.stdout.write(f"\nthe board showed an arrival after {took_s:.2f} s\n")
    await advisor.press("expected-arrived")
    await expect(advisor.at("expected")).to_have_count(0)
    numbers = advisor.page.locator(".card .queue-number")
    await expect(numbers).to_have_text(["002", "001"])
    await advisor.keep("board-morning")
    await dispatcher.press("assign-other-1")
    await dispatcher.pick("advisor_id", "何军")
    await dispatcher.press("dialog-send")
    await expect(dispatcher.at("arrival-1")).to_contain_text("已指派 何军")
    assert advisor.faults == dispatcher.faults == []
