"""How long a store waits for a new plan: the running service, disturbed again and again.

One store of an embedded platform has a full book. Its technicians go home one after the other, and
the plan is read until it has changed, and on until the search for a better one has had its time.
"""

import asyncio
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from deploy.embedded.platform import Platform
from deploy.embedded.settings import EmbeddedSettings, Ports
from shared.clock import SteppedClock
from shared.ids import new_id
from tests.bench.commands import NINE

STORE = "S01"
ORDERS = 60
WORK = (("MNT-001", "MEC-010"), ("MNT-001", "ELE-010"), ("MNT-001",))

_WATCHED_S = 4.0
_LOOK_EVERY_S = 0.03


@dataclass(frozen=True)
class Replans:
    """Seconds from the command that disturbs the plan to the plan that answers it.

    ``greedy_s`` until the plan changes, ``last_s`` until it changes for the last time, which is an
    improvement if one was found.
    """

    technicians: int
    jobs: int
    greedy_s: tuple[float, ...]
    last_s: tuple[float, ...]

    @property
    def figures(self) -> dict[str, float]:
        return {
            "technicians": self.technicians,
            "jobs": self.jobs,
            "disturbances": len(self.greedy_s),
            "greedy_median_ms": round(median(self.greedy_s) * 1000, 1),
            "greedy_max_ms": round(max(self.greedy_s) * 1000, 1),
            "last_median_ms": round(median(self.last_s) * 1000, 1),
            "last_max_ms": round(max(self.last_s) * 1000, 1),
        }


async def measure() -> Replans:
    """Send each technician of the store home, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        clock = Path(folder) / "clock"
        SteppedClock(clock).set(NINE, running=True)
        settings = EmbeddedSettings(
            data=Path(folder) / "platform", ports=Ports.free(), clock_file=clock
        )
        platform = Platform(settings)
        await platform.start()
        try:
            async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
                return await _disturbed(_Store(platform, client))
        finally:
            await platform.stop()


class _Store:
    """The store as its people reach it."""

    def __init__(self, platform: Platform, client: httpx.AsyncClient) -> None:
        self._platform, self._client = platform, client
        self._token = platform.issuer.token(
            "bench", roles=["advisor", "dispatcher", "manager"], stores=[STORE]
        )

    async def command(self, service: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return await self._answer(service, "POST", path, body)

    async def plan(self) -> Any:
        return await self._answer("workshop", "GET", "/plan")

    async def assignments(self) -> dict[str, Any]:
        """Who is to do each job of the day where and when."""
        placed = ("technician_ids", "bay_id", "planned_start_at")
        return {
            job["job_id"]: [job[each] for each in placed] for job in (await self.plan())["jobs"]
        }

    async def _answer(
        self, service: str, method: str, path: str, body: dict[str, Any] | None = None
    ) -> Any:
        response = await self._client.request(
            method,
            f"{self._platform.url(service)}/stores/{STORE}{path}",
            json=body,
            headers={"Authorization": f"Bearer {self._token}", "Idempotency-Key": str(new_id())},
        )
        return response.raise_for_status().json()

    async def open_order(self, number: int) -> None:
        plate = f"沪A{number:05}"
        order = await self.command("reception", "/arrivals", {"plate": plate})
        path = f"/orders/{order['order_id']}"
        await self.command("reception", f"{path}/greeting")
        intake: dict[str, Any] = {
            "operations": WORK[number % len(WORK)],
            "parts": [],
            "customer_ref": f"c-{plate}",
            "vehicle_ref": f"v-{plate}",
            "odometer_km": 12_000,
            "words": "冷车启动有异响",
        }
        await self.command("reception", f"{path}/opening", intake)


async def _disturbed(store: _Store) -> Replans:
    for number in range(ORDERS):
        await store.open_order(number)
    await asyncio.sleep(_WATCHED_S)
    plan = await store.plan()
    waits = []
    for technician in plan["technicians"]:
        who = technician["technician_id"]
        if any(who in job["technician_ids"] for job in (await store.plan())["jobs"]):
            waits.append(await _sent_home(store, who))
    greedy, last = zip(*filter(None, waits), strict=True)
    return Replans(len(plan["technicians"]), len(plan["jobs"]), greedy, last)


async def _sent_home(store: _Store, who: str) -> tuple[float, float] | None:
    """When the plan changed first and last, or ``None`` if nobody else can do that work."""
    absence = {
        "from_at": NINE.isoformat(),
        "until_at": (NINE + timedelta(hours=12)).isoformat(),
        "kind": "sick",
    }
    before, changes = await store.assignments(), []
    began = time.perf_counter()
    sent = await store.command("workshop", f"/technicians/{who}/absences", absence)
    while (now := time.perf_counter() - began) < _WATCHED_S:
        assignments = await store.assignments()
        if assignments != before:
            before = assignments
            changes.append(now)
        await asyncio.sleep(_LOOK_EVERY_S)
    await store.command("workshop", f"/absences/{sent['absence_id']}/withdrawal")
    await asyncio.sleep(_WATCHED_S)
    return (changes[0], changes[-1]) if changes else None
