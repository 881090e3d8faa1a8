"""Reports of a store that is defined while reporting runs, by its closing hours (R30, R40)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import count
from typing import Any

import pytest_asyncio

from deploy.embedded.platform import Platform
from services.reporting.app import create_app
from shared.clock import SimulatedClock
from shared.contracts.reception import PaymentReceived
from tests.support.event_scenarios import local
from tests.support.harness import InProcess, Publisher, in_process
from tests.support.stores import FIRST_DAY, profile, store

DAY, NEXT, LATER = date(2026, 3, 4), date(2026, 3, 5), date(2026, 3, 6)


@dataclass
class Scene:
    """Reporting, and a store that it did not know when it started."""

    reporting: InProcess
    outside: Publisher
    clock: SimulatedClock
    numbers: "count[int]"

    async def closes(self, *closings: tuple[date, str]) -> None:
        """Define the store with these closing times from these days on."""
        versions = [(since, profile(closing=closing)) for since, closing in closings]
        await self.outside.publish(store("S90", *versions), at=self.clock.now())
        await self.reporting.wait_until_idle()

    async def pay(self, at: datetime) -> None:
        number = next(self.numbers)
        paid = PaymentReceived(
            store_id="S90",
            order_id=f"o-{number}",
            payment_id=f"p-{number}",
            invoice_id=f"i-{number}",
            method="cash",
            amount_cents=100,
            balance_cents=0,
            received_at=at,
        )
        await self.outside.publish(paid, at=at)
        await self.reporting.wait_until_idle()

    async def wait_until(self, moment: datetime) -> None:
        self.clock.set(moment.astimezone(UTC))
        await self.reporting.wait_until_idle()

    async def report(self, day: date) -> Any:
        """Return the report of the day in its last revision, None before it is published."""
        token = self.reporting.token("service_manager", stores=["S90"])
        response = await self.reporting.client.get(
            "/stores/S90/daily-reports",
            params={"day": day.isoformat()},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert response.status_code == 200, response.text
        return next(iter(response.json()), None)


@pytest_asyncio.fixture(scope="module")
async def scene(
    servers: Platform, outside: Publisher, clock: SimulatedClock
) -> AsyncIterator[Scene]:
    clock.set(local(DAY, 9).astimezone(UTC))
    async with in_process(servers, "reporting", create_app) as reporting:
        await reporting.wait_until_idle()
        yield Scene(reporting, outside, clock, count(1))


def bounds(report: Any) -> tuple[datetime, datetime]:
    covered = (report["covers_from"], report["covers_until"])
    begin, end = map(datetime.fromisoformat, covered)
    return begin, end


async def test_new_store_reports_without_restart(scene: Scene) -> None:
    await scene.closes((FIRST_DAY, "20:00"), (NEXT, "17:00"))
    await scene.pay(local(DAY, 19))
    await scene.wait_until(local(DAY, 19, 59))
    assert await scene.report(DAY) is None
    await scene.wait_until(local(DAY, 20))
    report = await scene.report(DAY)
    assert report["received_cents"] == 100
    assert bounds(report) == (local(date(2026, 3, 3), 20), local(DAY, 20))


async def test_business_day_ends_at_its_own_closing(scene: Scene) -> None:
    await scene.pay(local(NEXT, 16))
    await scene.wait_until(local(NEXT, 17))
    assert bounds(await scene.report(NEXT)) == (local(DAY, 20), local(NEXT, 17))
    await scene.pay(local(NEXT, 17))
    assert (await scene.report(NEXT))["received_cents"] == 100


async def test_changed_closing_leaves_earlier_days(scene: Scene) -> None:
    await scene.wait_until(local(LATER, 9))
    await scene.closes((FIRST_DAY, "20:00"), (NEXT, "17:00"), (LATER, "22:00"))
    await scene.pay(local(DAY, 19, 30))
    revised = await scene.report(DAY)
    assert (revised["revision"], revised["received_cents"]) == (2, 200)
    assert bounds(revised)[1] == local(DAY, 20)
