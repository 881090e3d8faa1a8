"""Time until a store has a new plan: the running service, disturbed again and again.

One store of an embedded platform has a full book. Its technicians go home one after the other, and
the plan is read until it has changed, and on until the search for a better one has had its time.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

import httpx

from deploy.embedded.platform import Platform
from shared.ids import new_id
from tests.bench.own_platform import NINE, start_business_day
from tests.support.api import customer

STORE = "S01"
WORK = (("MNT-001", "MEC-010"), ("MNT-001", "ELE-010"), ("MNT-001",))

_LOOK_EVERY_S = 0.03


@dataclass(frozen=True)
class Size:
    """Orders in the book, the maximum of people sent home, and seconds.

    Each plan is watched for ``watched_s``; ``pause_s`` go by before the next disturbance.
    """

    orders: int = 60
    absences: int = 1_000
    watched_s: float = 4.0
    pause_s: float = 4.0


@dataclass(frozen=True)
class Replans:
    """Seconds from the command that disturbs the plan to the plan that responds to it.

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


async def measure(platform: Platform, size: Size = Size()) -> Replans:
    """Send technicians of the store home, one after the other, and return the replan times."""
    start_business_day(platform)
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        return await _disturbed(_Store(platform, client), size)


class _Store:
    """Store as its staff reach it."""

    def __init__(self, platform: Platform, client: httpx.AsyncClient) -> None:
        self._platform, self._client = platform, client
        self._token = platform.issuer.token(
            "bench", roles=["service_advisor", "dispatcher", "service_manager"], stores=[STORE]
        )

    async def command(self, service: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return await self._answer(service, "POST", path, body)

    async def plan(self) -> Any:
        return await self._answer("workshop", "GET", "/plan")

    async def assignments(self) -> dict[str, Any]:
        """Return the technician, bay and start of each job of the day."""
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
        known = await self.command("crm", "/customers", customer(900_000 + number, plate))
        order = await self.command("reception", "/arrivals", {"plate": plate})
        path = f"/orders/{order['order_id']}"
        seen = {"version": order["version"]}
        order = await self.command("reception", f"{path}/greet", seen)
        write_up: dict[str, Any] = {
            "op_codes": WORK[number % len(WORK)],
            "parts": [],
            "customer_ref": known["customer_ref"],
            "vehicle_ref": known["vehicle_ref"],
            "odometer_km": 12_000,
            "customer_concern": "冷车启动有异响",
            "version": order["version"],
        }
        await self.command("reception", f"{path}/open", write_up)


async def _disturbed(store: _Store, size: Size) -> Replans:
    for number in range(size.orders):
        await store.open_order(number)
    plan = await _planned(store, size.orders)
    await asyncio.sleep(size.pause_s)
    waits: list[tuple[float, float]] = []
    for technician in plan["technicians"]:
        who = technician["technician_id"]
        if any(who in job["technician_ids"] for job in (await store.plan())["jobs"]):
            waits += await _sent_home(store, who, size.watched_s)
            await asyncio.sleep(size.pause_s)
        if len(waits) == size.absences:
            break
    greedy, last = zip(*waits, strict=True)
    return Replans(len(plan["technicians"]), len(plan["jobs"]), greedy, last)


async def _planned(store: _Store, orders: int) -> Any:
    """Return the plan in which every order has a start.

    Raises:
        TimeoutError: there is none within half a minute.
    """
    async with asyncio.timeout(30):
        while True:
            plan = await store.plan()
            if len({job["order_id"] for job in plan["jobs"] if job["planned_start_at"]}) >= orders:
                return plan
            await asyncio.sleep(_LOOK_EVERY_S)


async def _sent_home(store: _Store, who: str, watched_s: float) -> list[tuple[float, float]]:
    """Return when the plan changed first and last; nothing if no other technician can do that
    work.
    """
    absence = {
        "starts_at": NINE.isoformat(),
        "ends_at": (NINE + timedelta(hours=12)).isoformat(),
        "kind": "sick",
    }
    before, changes = await store.assignments(), []
    began = time.perf_counter()
    sent = await store.command("workshop", f"/technicians/{who}/absences", absence)
    while (now := time.perf_counter() - began) < watched_s:
        assignments = await store.assignments()
        if assignments != before:
            before = assignments
            changes.append(now)
        await asyncio.sleep(_LOOK_EVERY_S)
    await store.command("workshop", f"/absences/{sent['absence_id']}/cancel")
    return [(changes[0], changes[-1])] if changes else []
