"""One business day of the simulated group, and the morning after, through the HTTP interfaces."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from deploy.demo.clients import Client, JsonObject, Staff
from deploy.demo.idle import IdleWaiter
from deploy.demo.rounds import STEP_MIN, Rounds
from deploy.demo.script import write_script
from deploy.demo.shop import BOOKING_MIN, Services, Shift, Shop
from deploy.embedded.platform import Platform
from deploy.embedded.secrets import SERVICES
from deploy.group_folder import load_stores, read_yaml
from shared.clock import SimulatedClock
from shared.contracts.reporting import DailyReportPublished
from shared.issuer import DevelopmentIssuer
from shared.settings import Settings

DAY = date(2026, 3, 4)
"""A Wednesday without a holiday near it, so that both shifts work on it and on the next day."""

MORNING = datetime(2026, 3, 3, 23, tzinfo=UTC)
"""Time of the clock when the platform starts: seven o'clock in Shanghai on that day."""

_DAY_ENDS_MIN = 22 * 60
_CALLS_BEGIN_MIN = (24 + 10) * 60
_CALLS_END_MIN = (24 + 18) * 60

Show = Callable[[datetime, int], None]
"""Callback with the simulated moment and the number of vehicles delivered."""


@dataclass(frozen=True)
class DayFigures:
    """Figures of the group's day: the daily reports and the events in Kafka."""

    day: date
    jobs_assigned: int
    events_published: int
    follow_ups_completed: int
    reports: Mapping[str, DailyReportPublished]

    def total(self, kpi: str) -> int:
        """Return the sum of one KPI over all stores."""
        return sum(getattr(report, kpi) for report in self.reports.values())

    @property
    def on_time_rate_initial(self) -> float | None:
        """Share of the group's deliveries that kept their first promise."""
        kept = sum(
            (each.on_time_rate_initial or 0) * each.delivered for each in self.reports.values()
        )
        return kept / self.total("delivered") if self.total("delivered") else None


async def play_day(
    platform: Platform, orders: int, seed: int, show: Show = lambda *_: None
) -> DayFigures:
    """Play the day on a running platform whose processes read a simulated clock.

    It has the rules of its group folder, and no other data.

    Raises:
        ErrorResponseError: the platform refused a valid request, or failed.
        NotIdleError: work stayed under way.
        httpx.TransportError: a service did not respond.
    """
    services = Services(*(Client(platform.url(name)) for name in SERVICES))
    try:
        return await _Day(platform, services, orders, seed, show).play()
    finally:
        await asyncio.gather(*(client.close() for client in services.by_name().values()))


class _Day:
    """The stores of one day, on one clock."""

    def __init__(
        self, platform: Platform, services: Services, orders: int, seed: int, show: Show
    ) -> None:
        folder = platform.settings.group_folder
        clock_file = platform.settings.clock_file
        if clock_file is None:
            raise ValueError("a simulated day needs a platform with a simulated clock")
        staff = _staff(folder, platform.secrets.issuer_key_file)
        self._services = services
        self._manager = staff.with_role("group_manager")[0]
        self._show = show
        self._idle_waiter = IdleWaiter(services.by_name(), staff.with_role("operator")[0])
        stores = load_stores(folder)
        closing = max(store.closing for store in stores.values())
        self._closing_min = closing.hour * 60 + closing.minute
        midnight = datetime.combine(DAY, time.min, next(iter(stores.values())).timezone)
        clock = SimulatedClock(clock_file)
        self._rounds = Rounds(midnight, clock, self._wait_until_idle, self._look)
        shifts = read_yaml(folder, "calendar.yaml")["shifts"]
        delivery = read_yaml(folder, "catalog/delivery.yaml")
        templates = delivery["templates"]
        areas = read_yaml(folder, "facility_checks.yaml")["areas"]
        self._shops = {
            store_id: Shop(
                store_id,
                visits,
                services=services,
                staff=staff,
                shifts={name: Shift.of(entry) for name, entry in shifts.items()},
                delivery_steps=templates.get(store_id, templates["group"]),
                checklists=delivery["inspection"],
                areas=areas,
                rounds=self._rounds,
            )
            for store_id, visits in write_script(folder, orders, seed).items()
        }

    async def play(self) -> DayFigures:
        await self._rounds.pass_time(BOOKING_MIN)
        for shop in self._shops.values():
            shop.open()
        await self._rounds.play(until=self._closing_min - STEP_MIN)
        await self._rounds.pass_time(self._closing_min)
        await self._rounds.play(until=_DAY_ENDS_MIN)
        reports = await self._reports()
        jobs_assigned = await self._jobs_assigned()
        await self._rounds.pass_time(_CALLS_BEGIN_MIN)
        for shop in self._shops.values():
            shop.call_back()
        await self._rounds.play(until=_CALLS_END_MIN)
        last = await self._idle_waiter.wait()
        return DayFigures(
            day=DAY,
            jobs_assigned=jobs_assigned,
            events_published=sum(state["published"] for state in last.values()),
            follow_ups_completed=sum(shop.calls_made for shop in self._shops.values()),
            reports=reports,
        )

    async def _wait_until_idle(self) -> None:
        await self._idle_waiter.wait()
        delivered = sum(shop.delivered for shop in self._shops.values())
        self._show(self._rounds.now, delivered)

    async def _look(self, store_id: str) -> None:
        await self._shops[store_id].look_at_plan()

    async def _reports(self) -> dict[str, DailyReportPublished]:
        return {store_id: await self._report(store_id) for store_id in self._shops}

    async def _report(self, store_id: str) -> DailyReportPublished:
        path = f"/stores/{store_id}/daily-reports"
        published: list[JsonObject] = await self._services.reporting.get(
            self._manager, path, day=DAY
        )
        (report,) = published
        return DailyReportPublished.model_validate(report)

    async def _jobs_assigned(self) -> int:
        plans = [
            await self._services.workshop.get(self._manager, f"/stores/{store_id}/plan", day=DAY)
            for store_id in self._shops
        ]
        return sum(bool(job["technician_ids"]) for plan in plans for job in plan["jobs"])


def _staff(folder: Path, issuer_key_file: Path) -> Staff:
    issuer = DevelopmentIssuer.from_settings(Settings(issuer_key_file=issuer_key_file))
    assert issuer  # noqa: S101
    return Staff(read_yaml(folder, "staff.yaml")["staff"], issuer)
