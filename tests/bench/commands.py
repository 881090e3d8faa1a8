"""Latency of reception's commands for advisors, beside the minimum that a command can take.

Each of 50 advisors sends a command every ten seconds, at times of their own: arrival, greeting,
estimate, opening and deposit of one vehicle after another, in six stores. Everything runs as it
does in an embedded platform: five processes, Kafka and PostgreSQL on one machine. The advisors
begin one by one while a visit takes, so that each is at another step; latencies of that period do
not count.
"""

import asyncio
import math
import random
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

import httpx

from deploy.embedded.platform import Platform
from deploy.embedded.settings import free_ports
from shared.ids import new_id
from tests.bench.own_platform import start_business_day
from tests.support.api import customer

MINIMAL = "minimal write"

_STORES = ("S01", "S02", "S03", "S04", "S05", "S06")
_COMMANDS = 5
_FEWEST = 2
"""Waits without which there are no percentiles; a measurement goes on until it has them."""
"""Commands of one visit."""
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"

Send = Callable[[str, dict[str, Any] | None], Awaitable[dict[str, Any]]]
Timings = dict[str, list[float]]


@dataclass(frozen=True)
class Waits:
    """Milliseconds that a command took, and the ratio to the minimal write's."""

    count: int
    p50_ms: float
    p99_ms: float
    ratio_p50: float = 1.0
    ratio_p99: float = 1.0


@dataclass(frozen=True)
class Crew:
    """Advisors of the measurement, each with a command every ``think_s`` seconds."""

    advisors: int = 50
    think_s: float = 10.0

    @property
    def visit_s(self) -> float:
        return _COMMANDS * self.think_s


@dataclass
class Advisor:
    """Advisor at work; ``timings`` are seconds by command, of those sent from ``since`` on."""

    number: int
    url: str
    crm_url: str
    client: httpx.AsyncClient
    token: str
    since: float
    think_s: float
    timings: Timings = field(default_factory=lambda: defaultdict(list))
    _next_at: float = 0.0

    @property
    def store_id(self) -> str:
        return _STORES[self.number % len(_STORES)]

    async def work(self, until: float, begin: float) -> None:
        """Serve vehicle after vehicle, a command each ``think_s``, as long as there is time."""
        await asyncio.sleep(begin)
        visits = 0
        self._next_at = time.perf_counter()
        with suppress(TimeoutError):
            while True:
                await self.visit(visits, until)
                visits += 1

    async def visit(self, number: int, until: float = math.inf) -> None:
        """Serve one vehicle.

        Raises:
            TimeoutError: the measurement is over.
        """
        plate = f"沪{_LETTERS[self.number % 24]}{_LETTERS[self.number // 24]}{number:04}"
        known = await self._register(customer(self.number * 10_000 + number, plate))
        order = await self._send(until, "arrival", "/arrivals", {"plate": plate})
        path = f"/orders/{order['order_id']}"
        order = await self._send(until, "greeting", f"{path}/greet", _seen(order))
        work = {"op_codes": ["MNT-001"], "parts": [{"part_number": "OIL-5W30", "quantity": 4}]}
        await self._send(until, "estimate", f"{path}/estimates", work | _seen(order))
        write_up = work | {
            "customer_ref": known["customer_ref"],
            "vehicle_ref": known["vehicle_ref"],
            "odometer_km": 12_000,
            "customer_concern": "冷车启动有异响",
        }
        write_up |= _seen(await self._look(path))
        order = await self._send(until, "opening", f"{path}/open", write_up)
        deposit = {"method": "wechat", "amount_cents": 10_000} | _seen(order)
        await self._send(until, "deposit", f"{path}/deposits", deposit)

    @property
    def _timed_enough(self) -> bool:
        """Whether each command was timed so often that its waits have percentiles."""
        return len(self.timings) == _COMMANDS and min(map(len, self.timings.values())) >= _FEWEST

    @property
    def _signed_in(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def _register(self, person: dict[str, Any]) -> dict[str, Any]:
        """Return the customer's references; not timed."""
        response = await self.client.post(
            f"{self.crm_url}/stores/{self.store_id}/customers",
            json=person,
            headers=self._signed_in | {"Idempotency-Key": str(new_id())},
        )
        known: dict[str, Any] = response.raise_for_status().json()
        return known

    async def _look(self, path: str) -> dict[str, Any]:
        """Return the state that the advisor sees."""
        address = f"{self.url}/stores/{self.store_id}{path}"
        response = await self.client.get(address, headers=self._signed_in)
        shown: dict[str, Any] = response.raise_for_status().json()
        return shown

    async def _send(
        self, until: float, name: str, path: str, body: dict[str, Any] | None
    ) -> dict[str, Any]:
        """Send one command, timed from its scheduled time on.

        Raises:
            TimeoutError: the measurement is over.
        """
        await asyncio.sleep(max(0.0, self._next_at - time.perf_counter()))
        self._next_at = max(self._next_at + self.think_s, time.perf_counter())
        if time.perf_counter() > until and self._timed_enough:
            raise TimeoutError
        begun = time.perf_counter()
        response = await self.client.post(
            f"{self.url}/stores/{self.store_id}{path}",
            json=body,
            headers=self._signed_in | {"Idempotency-Key": str(new_id())},
        )
        if begun >= self.since:
            self.timings[name].append(time.perf_counter() - begun)
        content: dict[str, Any] = response.raise_for_status().json()
        return content


async def measure(
    platform: Platform, seconds: float, seed: int, crew: Crew = Crew()
) -> dict[str, Waits]:
    """Return the latencies of each command and the minimal write, with all advisors for
    ``seconds``.
    """
    start_business_day(platform)
    minimal = await _minimal(platform, seconds, seed, crew)
    found = await _advisors_at_work(platform, seconds, seed, crew)
    least = _waits(minimal)
    rated = {name: _waits(timings, least) for name, timings in found.items()}
    everything = [wait for timings in found.values() for wait in timings]
    return {MINIMAL: least, **rated, "all commands": _waits(everything, least)}


def _seen(order: dict[str, Any]) -> dict[str, Any]:
    """Return the version that the advisor saw."""
    return {"version": order["version"]}


async def _advisors_at_work(platform: Platform, seconds: float, seed: int, crew: Crew) -> Timings:
    chance = random.Random(seed)
    timings: Timings = defaultdict(list)
    since = time.perf_counter() + crew.visit_s
    urls = platform.url("reception"), platform.url("crm")
    async with _browser(crew) as client:
        advisors = [
            Advisor(number, *urls, client, _token(platform, number), since, crew.think_s)
            for number in range(crew.advisors)
        ]
        await asyncio.gather(
            *(
                advisor.work(since + seconds, chance.uniform(0, crew.visit_s))
                for advisor in advisors
            )
        )
    for advisor in advisors:
        for name, waits in advisor.timings.items():
            timings[name] += waits
    return timings


async def _minimal(platform: Platform, seconds: float, seed: int, crew: Crew) -> list[float]:
    """Return the latencies of the same number of clients at the same time factor, each sending
    minimal writes.
    """
    (port,) = free_ports(1)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.minimal_write", platform.admin_url, str(port)
    )
    url, chance = f"http://127.0.0.1:{port}/writes", random.Random(seed)
    waits: list[float] = []

    async def write(client: httpx.AsyncClient, begin: float, until: float) -> None:
        await asyncio.sleep(begin)
        while time.perf_counter() < until or len(waits) < _FEWEST:
            begun = time.perf_counter()
            (await client.post(url, json={"customer_concern": "冷车启动有异响"})).raise_for_status()
            waits.append(time.perf_counter() - begun)
            await asyncio.sleep(max(0.0, begun + crew.think_s - time.perf_counter()))

    try:
        async with _browser(crew) as client:
            await _responding(client, url)
            until = time.perf_counter() + seconds
            await asyncio.gather(
                *(
                    write(client, chance.uniform(0, crew.think_s), until)
                    for _ in range(crew.advisors)
                )
            )
    finally:
        child.terminate()
        await child.wait()
    return waits


async def _responding(client: httpx.AsyncClient, url: str) -> None:
    async with asyncio.timeout(30):
        while True:
            with suppress(httpx.TransportError):
                await client.post(url, json={"customer_concern": ""})
                return
            await asyncio.sleep(0.1)


@asynccontextmanager
async def _browser(crew: Crew) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=crew.advisors, max_keepalive_connections=crew.advisors)
    async with httpx.AsyncClient(timeout=30, limits=limits, trust_env=False) as client:
        yield client


def _token(platform: Platform, number: int) -> str:
    return platform.issuer.token(
        f"advisor-{number}", roles=["service_advisor"], stores=[_STORES[number % len(_STORES)]]
    )


def _waits(seconds: list[float], least: Waits | None = None) -> Waits:
    percentiles = quantiles(seconds, n=100, method="inclusive")
    p50, p99 = percentiles[49] * 1000, percentiles[98] * 1000
    if least is None:
        return Waits(len(seconds), p50, p99)
    return Waits(len(seconds), p50, p99, p50 / least.p50_ms, p99 / least.p99_ms)
