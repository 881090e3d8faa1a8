"""Advisors at work, and what became of each command that was accepted."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer

from shared.envelope import header_texts
from tests.bench.commands import Advisor
from tests.cluster.deployment import Deployment

_STORES = 6
_TIMEOUT_S = 30.0
_PUBLISHING = ("customers", "arrivals", "greet", "open")
"""Commands of an advisor's visit that every time make an event of their service."""


@dataclass(frozen=True)
class Accepted:
    """A command that was accepted, with its key, and how long it took."""

    key: str
    verb: str
    at: float
    took_s: float


class Recorder(httpx.AsyncClient):
    """Client that keeps the accepted commands."""

    def __init__(self) -> None:
        super().__init__(timeout=_TIMEOUT_S, trust_env=False)
        self.accepted: list[Accepted] = []

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        began = time.perf_counter()
        response = await super().send(request, **options)
        if request.method == "POST" and response.is_success:
            key, verb = request.headers["Idempotency-Key"], request.url.path.rpartition("/")[2]
            took = time.perf_counter() - began
            self.accepted.append(Accepted(key, verb, began, took))
        return response


@dataclass
class Load:
    """Advisors who serve one vehicle after another, each in a store of the group."""

    client: Recorder
    token_of: Callable[[Advisor], Awaitable[str]]
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, advisor: Advisor) -> None:
        """Serve vehicles until the load is over; a command that is refused is an error."""
        visits = 0
        while not self._over.is_set():
            advisor.token = await self.token_of(advisor)
            await advisor.visit(visits)
            visits += 1

    def end(self) -> None:
        """Let each advisor complete the present vehicle, and begin no other."""
        self._over.set()

    def took_ms(self, since: float, until: float) -> list[float]:
        """Return the milliseconds of the commands that were sent in a span of time."""
        return [each.took_s * 1000 for each in self.client.accepted if since <= each.at < until]


@asynccontextmanager
async def advisors_at_work(
    deployment: Deployment, count: int, think_s: float
) -> AsyncIterator[Load]:
    """Yield the load of ``count`` advisors, which ends with the block."""
    async with Recorder() as client, asyncio.TaskGroup() as tasks:

        async def token_of(advisor: Advisor) -> str:
            subject = subjects[advisor.number]
            return await deployment.token(subject, "service_advisor", advisor.store_id)

        load = Load(client, token_of)
        urls, subjects = (deployment.url("reception"), deployment.url("crm")), advisors(count)
        for number in range(count):
            advisor = Advisor(number, *urls, client, "", 0.0, think_s)
            tasks.create_task(load.serve(advisor))
        yield load
        load.end()


def advisors(count: int) -> list[str]:
    """Return who serves: advisors of the group's staff, three a store."""
    return [f"S0{each % _STORES + 1}-advisor-{each // _STORES % 3 + 1}" for each in range(count)]


def percentiles(milliseconds: Sequence[float]) -> str:
    """Return the median and the 99th percentile in words."""
    if len(milliseconds) < 2:
        return "too few to say"
    found = quantiles(milliseconds, n=100, method="inclusive")
    return f"p50 {found[49]:.0f} ms, p99 {found[98]:.0f} ms"


async def faults_of_events(
    accepted: Sequence[Accepted], kafka: Mapping[str, Any], topics: Sequence[str]
) -> list[str]:
    """Return what is wrong with the events of accepted commands.

    Each stands once on its topic, where each key's events follow one another; a repeated record
    counts at its first place.
    """
    caused: dict[str, Counter[str]] = defaultdict(Counter)
    last: Counter[tuple[str, str, str]] = Counter()
    seen: set[str] = set()
    wrong = []
    async for topic, key, headers in records(kafka, topics):
        if headers["ce_id"] in seen:
            continue
        seen.add(headers["ce_id"])
        caused[headers["ce_causationid"]][headers["ce_type"]] += 1
        stream = topic, key, headers["ce_storeid"]
        last[stream] += 1
        if int(headers["ce_sequence"]) != last[stream]:
            wrong.append(f"{topic} {key}: {headers['ce_sequence']} in place {last[stream]}")
    for each in accepted:
        types = caused[each.key]
        wrong += [f"{each.verb} {each.key}: {kind} {n} times" for kind, n in types.items() if n > 1]
        if each.verb in _PUBLISHING and not types:
            wrong.append(f"{each.verb} {each.key}: accepted, and no event stands on a topic")
    return wrong


async def records(
    kafka: Mapping[str, Any], topics: Sequence[str]
) -> AsyncIterator[tuple[str, str, dict[str, str]]]:
    """Yield topic, key and headers of each record, in the order of its partition."""
    consumer = AIOKafkaConsumer(
        *topics, **kafka, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        for partition, end in (await consumer.end_offsets(list(consumer.assignment()))).items():
            while await consumer.position(partition) < end:
                batches = await consumer.getmany(partition, timeout_ms=500)
                for record in (each for batch in batches.values() for each in batch):
                    yield record.topic, record.key.decode(), header_texts(record.headers)
    finally:
        await consumer.stop()
