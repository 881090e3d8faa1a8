"""Cost of a large group: start, memory and latency of each service, beside those of a small one.

Each group is on servers of its own, and comes into them as managers bring it: by an import into
management, over the topics and into the services' projections. What is compared is measured in
turns, one time with each group, so that other work on the machine burdens both alike.
"""

import random
import tempfile
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
import httpx
import psutil
import yaml

from deploy.demo.group import write_group
from deploy.embedded.platform import Platform
from deploy.group_import import import_group
from shared.ids import new_id
from tests.bench.commands import Advisor
from tests.bench.own_platform import business_now, start_business_day
from tests.support.polling import until

READERS = ("reception", "workshop", "crm", "reporting")
"""The services that read master data."""

SERVICES = (*READERS, "management", "desk")

_SENT = "SELECT NOT EXISTS (SELECT FROM {}.outbox WHERE sent_at IS NULL)"
_NO_TIMER_DUE = (
    "SELECT NOT EXISTS (SELECT FROM {}.timer WHERE due_at <= $1 AND given_up_at IS NULL)"
)
_ORDERS_PER_STORE = 27
"""Orders a day for which a store has 25 people."""

_SEED = 1
_SETTLING_S = 3600.0
_QUOTED = ("MNT-001", "MNT-003", "MEC-001")


@dataclass(frozen=True)
class Size:
    """Size of a group, whose stores have 25 people each."""

    stores: int
    parts: int
    operations: int


@dataclass(frozen=True)
class Rounds:
    """How often each service is started, and how many customers visit each group."""

    starts: int = 5
    visits: int = 50


@dataclass
class LoadedGroup:
    """Group on running servers, and what it costs: seconds, and megabytes, by service.

    ``import_s`` is until all of its states are sent, ``replay_s`` until an empty service has them.
    ``memory_mb`` is that of a service at work, ``opening_s`` and ``quote_s`` are latencies of
    opening an order and of quoting a promise.
    """

    platform: Platform
    records: int
    import_s: float
    replay_s: Mapping[str, float]
    start_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    memory_mb: dict[str, float] = field(default_factory=dict)
    opening_s: list[float] = field(default_factory=list)
    quote_s: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Comparison:
    """Costs of a small and of a large group; a ratio is large ÷ small, of the worst service."""

    small: LoadedGroup
    large: LoadedGroup

    @property
    def figures(self) -> dict[str, float]:
        small, large = self.small, self.large
        return {
            "records": large.records,
            "import_s": large.import_s,
            "replay_s": max(large.replay_s.values()),
            "start_ratio": max(self.start_ratios.values()),
            "memory_ratio": max(self.memory_ratios.values()),
            "opening_ratio": median(large.opening_s) / median(small.opening_s),
            "quote_ratio": median(large.quote_s) / median(small.quote_s),
        }

    @property
    def details(self) -> dict[str, float]:
        """Figures of each service."""
        return {
            f"{name}.{service}": value
            for name, values in (
                ("replay_s", self.large.replay_s),
                ("start_ratio", self.start_ratios),
                ("memory_ratio", self.memory_ratios),
                ("memory_mb", self.large.memory_mb),
            )
            for service, value in values.items()
        }

    @property
    def start_ratios(self) -> dict[str, float]:
        return {
            service: median(self.large.start_s[service]) / median(waits)
            for service, waits in self.small.start_s.items()
        }

    @property
    def memory_ratios(self) -> dict[str, float]:
        return {
            service: self.large.memory_mb[service] / memory
            for service, memory in self.small.memory_mb.items()
        }


async def load(platform: Platform, size: Size) -> LoadedGroup:
    """Import a group into emptied servers, and replay it into each empty service.

    No service may be running, and none is afterwards.
    """
    await platform.empty()
    start_business_day(platform)
    try:
        await platform.start_services(["management"])
        records, import_s = await _timed(_import(platform, size))
        await platform.stop_services()
        replay_s = {}
        for service in READERS:
            _, replay_s[service] = await _timed(platform.start_services([service]))
            await _settled(platform, [service])
            await platform.stop_services()
    finally:
        await platform.stop_services()
    return LoadedGroup(platform, records, import_s, replay_s)


async def measure(groups: Sequence[LoadedGroup], rounds: Rounds) -> None:
    """Measure starts, memory and latencies of the groups in turns; no service may be running."""
    for number in range(rounds.starts):
        for service in SERVICES:
            for group in groups if number % 2 else groups[::-1]:
                group.start_s[service].append(await _start_s(group.platform, service))
    try:
        for group in groups:
            await group.platform.start_services(SERVICES)
            await _settled(group.platform, READERS)
        await _measure_work(groups, rounds.visits)
    finally:
        for group in groups:
            await group.platform.stop_services()


async def _measure_work(groups: Sequence[LoadedGroup], visits: int) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        visitors = [_Visitors(group, client) for group in groups]
        for number in range(visits):
            for each in visitors if number % 2 else visitors[::-1]:
                await each.visit(number)
    for group in groups:
        group.memory_mb = {each: _memory_mb(group.platform, each) for each in SERVICES}


async def _import(platform: Platform, size: Size) -> int:
    """Import the group, wait until all of its states are sent, and return their number."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_group(folder, size.stores, _ORDERS_PER_STORE, _SEED)
        _extend(folder / "catalog/parts.yaml", "parts", "part_number", size.parts)
        _extend(folder / "catalog/operations.yaml", "operations", "id", size.operations)
        imported = await import_group(folder, platform.url("management"), platform.issuer)
    refused = [each for each in imported if each.refused]
    assert not refused, refused[0]
    await _settled(platform, ["management"])
    return len(imported)


def _extend(file: Path, listed: str, code: str, count: int) -> None:
    """Repeat the entries of a list, under codes of their own, until there are ``count``."""
    content: dict[str, Any] = yaml.load(file.read_text(), yaml.CSafeLoader)
    known = content[listed]
    more = islice(cycle(known), max(0, count - len(known)))
    content[listed] = known + [
        entry | {code: f"{entry[code]}-{number}"} for number, entry in enumerate(more)
    ]
    file.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper, allow_unicode=True))


async def _settled(platform: Platform, services: Collection[str]) -> None:
    """Wait until the services have sent their events and fired the timers that are due."""
    admin = await asyncpg.connect(platform.admin_url)

    async def settled(service: str) -> bool:
        return bool(
            await admin.fetchval(_SENT.format(service))
            and await admin.fetchval(_NO_TIMER_DUE.format(service), business_now(platform))
        )

    try:
        for service in services:
            assert await until(lambda each=service: settled(each), _SETTLING_S)  # type: ignore[misc]
    finally:
        await admin.close()


async def _start_s(platform: Platform, service: str) -> float:
    _, wait = await _timed(platform.start_services([service]))
    await platform.stop_services()
    return wait


def _memory_mb(platform: Platform, service: str) -> float:
    """Return the memory that a service has for itself, its worker processes included."""
    process = psutil.Process(platform.process(service).pid)
    family = [process, *process.children(recursive=True)]
    return sum(each.memory_full_info().uss for each in family) / 1e6


class _Visitors:
    """Customers of a store, and the advisor who opens their orders and the desk."""

    def __init__(self, group: LoadedGroup, client: httpx.AsyncClient) -> None:
        self._group, self._client = group, client
        platform = group.platform
        urls = platform.url("reception"), platform.url("crm")
        self._token = platform.issuer.token(
            "bench", roles=["service_advisor", "customer_care_agent"], stores=["S01"]
        )
        self._advisor = Advisor(0, *urls, client, self._token, since=0.0, think_s=0.0)
        self._chance = random.Random(_SEED)

    async def visit(self, number: int) -> None:
        await self._advisor.visit(number)
        self._group.opening_s[:] = self._advisor.timings["opening"]
        _, wait = await _timed(self._quote())
        self._group.quote_s.append(wait)
        await self._open_desk()

    async def _quote(self) -> None:
        response = await self._client.post(
            f"{self._group.platform.url('workshop')}/stores/S01/quotes",
            json={"op_codes": [self._chance.choice(_QUOTED)]},
            headers={"Authorization": f"Bearer {self._token}", "Idempotency-Key": str(new_id())},
        )
        response.raise_for_status()

    async def _open_desk(self) -> None:
        """Open the first page, and the board, which needs the whole catalog."""
        url = self._group.platform.url("desk")
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as browser:
            person = {"subject": "S01-advisor-1", "store": "S01"}
            await browser.post("/sign-in/person", data=person)
            response = await browser.get("/", follow_redirects=True)
            assert response.url.path.startswith("/stores/S01"), response.url
            response.raise_for_status()
            board = await browser.get("/stores/S01/board")
            board.raise_for_status()


async def _timed(work: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    return await work, time.perf_counter() - began
