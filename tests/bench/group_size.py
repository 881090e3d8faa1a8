"""Cost of a large group: start, memory and latency of each service, beside those of a small one.

Both groups come into the same servers as managers bring them: by an import into management, over
the topics and into the services' projections.
"""

import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from deploy.group_import import Imported, import_group
from shared.ids import new_id
from tests.bench.commands import Advisor
from tests.bench.own_platform import start_business_day
from tests.support.polling import until

SERVICES = ("reception", "workshop", "crm", "reporting")
"""The services that read master data."""

_ALL_SENT = "SELECT NOT EXISTS (SELECT FROM management.outbox WHERE sent_at IS NULL)"
_ORDERS_PER_STORE = 40
_SEED = 1
_SENDING_S = 3600.0
_QUOTED = ("MNT-001", "MNT-003", "MEC-001")


@dataclass(frozen=True)
class Size:
    """Size of a group, and how many visits of customers and starts of services are timed in it."""

    stores: int
    parts: int
    operations: int
    visits: int
    starts: int = 3


@dataclass(frozen=True)
class Cost:
    """Cost of one group: seconds to import and to replay it, and per service to start.

    ``memory_mb`` is that of each service at work, ``opening_s`` and ``quote_s`` the median latency
    of opening an order and of quoting a promise.
    """

    records: int
    import_s: float
    replay_s: float
    start_s: Mapping[str, float]
    memory_mb: Mapping[str, float]
    opening_s: float
    quote_s: float


@dataclass(frozen=True)
class Comparison:
    """Costs of a small and of a large group; a ratio is large ÷ small, of the worst service."""

    small: Cost
    large: Cost

    @property
    def figures(self) -> dict[str, float]:
        small, large = self.small, self.large
        return {
            "records": large.records,
            "import_s": large.import_s,
            "replay_s": large.replay_s,
            "start_ratio": max(large.start_s[each] / small.start_s[each] for each in SERVICES),
            "memory_ratio": max(large.memory_mb[each] / small.memory_mb[each] for each in SERVICES),
            "opening_ratio": large.opening_s / small.opening_s,
            "quote_ratio": large.quote_s / small.quote_s,
        }


async def compare(platform: Platform, small: Size, large: Size) -> Comparison:
    """Measure both groups, one after the other, each on emptied servers."""
    return Comparison(await measure(platform, small), await measure(platform, large))


async def measure(platform: Platform, size: Size) -> Cost:
    """Measure one group; no service may be running, and none is afterwards."""
    await platform.empty()
    start_business_day(platform)
    try:
        await platform.start_services(["management"])
        imported, import_s = await _timed(_import(platform, size))
        _, replay_s = await _timed(platform.start_services(SERVICES))
        await platform.stop_services()
        start_s = {service: await _start_s(platform, service, size.starts) for service in SERVICES}
        await platform.start_services(["management", *SERVICES])
        opening_s, quote_s = await _latencies(platform, size.visits)
        memory = {service: _memory_mb(platform, service) for service in SERVICES}
    finally:
        await platform.stop_services()
    return Cost(len(imported), import_s, replay_s, start_s, memory, opening_s, quote_s)


async def _import(platform: Platform, size: Size) -> Sequence[Imported]:
    """Import the group, and wait until all of its states are sent."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        write_group(folder, size.stores, _ORDERS_PER_STORE, _SEED)
        _extend(folder / "catalog/parts.yaml", "parts", "part_number", size.parts)
        _extend(folder / "catalog/operations.yaml", "operations", "id", size.operations)
        imported = await import_group(folder, platform.url("management"), platform.issuer)
    admin = await asyncpg.connect(platform.admin_url)
    try:
        assert await until(lambda: admin.fetchval(_ALL_SENT), _SENDING_S)
    finally:
        await admin.close()
    return imported


def _extend(file: Path, listed: str, code: str, count: int) -> None:
    """Repeat the entries of a list, under codes of their own, until there are ``count``."""
    content: dict[str, Any] = yaml.load(file.read_text(), yaml.CSafeLoader)
    known = content[listed]
    more = islice(cycle(known), max(0, count - len(known)))
    content[listed] = known + [
        entry | {code: f"{entry[code]}-{number}"} for number, entry in enumerate(more)
    ]
    file.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper, allow_unicode=True))


async def _start_s(platform: Platform, service: str, starts: int) -> float:
    waits = []
    for _ in range(starts):
        waits.append((await _timed(platform.start_services([service])))[1])
        await platform.stop_services()
    return median(waits)


def _memory_mb(platform: Platform, service: str) -> float:
    """Return the memory that a service has for itself, its worker processes included."""
    process = psutil.Process(platform.process(service).pid)
    family = [process, *process.children(recursive=True)]
    return sum(each.memory_full_info().uss for each in family) / 1e6


async def _latencies(platform: Platform, visits: int) -> tuple[float, float]:
    """Return the median seconds in which an order is opened and a promise is quoted."""
    urls = platform.url("reception"), platform.url("crm")
    chance, quotes = random.Random(_SEED), []
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        token = platform.issuer.token(
            "bench", roles=["service_advisor", "customer_care_agent"], stores=["S01", "S02"]
        )
        advisor = Advisor(0, *urls, client, token, since=0.0, think_s=0.0)
        for number in range(visits):
            await advisor.visit(number)
            began = time.perf_counter()
            response = await client.post(
                f"{platform.url('workshop')}/stores/S01/quotes",
                json={"op_codes": [chance.choice(_QUOTED)]},
                headers={"Authorization": f"Bearer {token}", "Idempotency-Key": str(new_id())},
            )
            response.raise_for_status()
            quotes.append(time.perf_counter() - began)
    return median(advisor.timings["opening"]), median(quotes)


async def _timed(work: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    return await work, time.perf_counter() - began
