"""Ingest rate of reporting in events a second, beside the minimal loop on the same records."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import asyncpg
from aiokafka import AIOKafkaProducer
from faststream.kafka import KafkaBroker

from deploy.embedded.platform import Platform
from deploy.embedded.secrets import ADMINISTRATOR
from services.reporting.application.deps import Deps
from services.reporting.entrypoints.events import LANES, REACTIONS
from shared.clock import SystemClock
from shared.consumer import Consumer
from shared.db import open_pool
from shared.group import Group
from shared.kafka import broker_security
from shared.master_data import MasterData
from shared.unit_of_work import UnitOfWorkFactory
from tests.bench.minimal_loop import MinimalLoop
from tests.support.event_scenarios import Told, event_scenario
from tests.support.harness import Publisher
from tests.support.master_data import define_group

TOPICS = sorted({contract.topic for contract in REACTIONS.subscriptions})
_BATCH = 500
_STORES = ("S01", "S02", "S03", "S04", "S05", "S06")
_ORDERS_A_DAY = 60
_FIRST_DAY = date(2026, 3, 4)
_JOINING_S = 30.0
_APPLYING_S = 600.0
_TABLES = """
SELECT string_agg(format('%I.%I', schemaname, tablename), ', ')
FROM pg_tables WHERE schemaname = 'reporting'
  AND tablename NOT IN ('migrations', 'master_data', 'complete_topic')
"""


@dataclass(frozen=True)
class Throughput:
    """Events a second, the median of the rounds; ``ratio`` is reporting's share of the minimum."""

    events: int
    minimal_per_s: float
    reporting_per_s: float

    @property
    def ratio(self) -> float:
        return self.reporting_per_s / self.minimal_per_s


async def measure(platform: Platform, events: int, seed: int, rounds: int) -> Throughput:
    """Publish at least ``events`` events and take them in ``rounds`` times each way, in turn.

    The topics and tables of the platform are empty and no service runs.
    """
    await define_group(platform)
    total = await _publish(platform, events, seed)
    minimal, reporting = [], []
    for number in range(rounds):
        loop = MinimalLoop(platform.kafka.client, platform.admin_url, f"minimal-{number}", _BATCH)
        minimal.append(
            await _rate(loop.run(TOPICS, total), partial(getattr, loop, "applied"), total)
        )
        reporting.append(await _ingest(platform, f"reporting-{number}", total))
    return Throughput(total, statistics.median(minimal), statistics.median(reporting))


def _days(seed: int) -> Iterator[list[Told]]:
    day = _FIRST_DAY
    while True:
        yield [
            told for store in _STORES for told in event_scenario(seed, store, day, _ORDERS_A_DAY)
        ]
        day += timedelta(days=1)


async def _publish(platform: Platform, events: int, seed: int) -> int:
    """Publish whole days of six stores, in the order of time."""
    told: list[Told] = []
    for day in _days(seed):
        told += day
        if len(told) >= events:
            break
    producer = AIOKafkaProducer(**platform.kafka.client, linger_ms=5)
    await producer.start()
    try:
        publisher = Publisher(producer)
        for at, event in sorted(told, key=lambda each: each[0]):
            await publisher.enqueue(event, at)
        await producer.flush()
    finally:
        await producer.stop()
    return len(told)


async def _ingest(platform: Platform, group: str, total: int) -> float:
    """Return the rate of reporting's own consumer and reactions, from empty tables."""
    await _empty(platform)
    pool = await open_pool(platform.database_url("reporting"), 4, group)
    broker = KafkaBroker(
        platform.kafka.bootstrap,
        security=broker_security(platform.kafka.settings_of(ADMINISTRATOR)),
        apply_types=False,
        consumer_only=True,
        logger=None,
    )
    clock = SystemClock()
    uow_factory = UnitOfWorkFactory(pool, clock)
    deps = Deps(uow_factory, Group(MasterData(), clock))
    consumer = Consumer(
        broker,
        name=group,
        kafka=platform.kafka.client,
        subscriptions=REACTIONS.subscriptions,
        handle=lambda uow, batch: REACTIONS.react(uow, batch, deps),
        uow_factory=uow_factory,
        max_records=_BATCH,
        lanes=LANES,
    )
    try:
        return await _rate(consumer.start(), lambda: consumer.applied, total)
    finally:
        await consumer.stop()
        await pool.close()


async def _empty(platform: Platform) -> None:
    admin = await asyncpg.connect(platform.admin_url)
    await admin.execute(f"TRUNCATE {await admin.fetchval(_TABLES)}")
    await admin.close()


async def _rate(run: Awaitable[None], applied: Callable[[], int], total: int) -> float:
    """Return events a second from the first batch that is applied to the last; joining is left
    out.
    """
    task = asyncio.ensure_future(run)
    await _until(lambda: applied() > 0, task, _JOINING_S)
    began, before = time.perf_counter(), applied()
    await _until(lambda: applied() >= total, task, _APPLYING_S)
    rate = (total - before) / (time.perf_counter() - began)
    await task
    return rate


async def _until(
    reached: Callable[[], bool], task: "asyncio.Future[None]", timeout_s: float
) -> None:
    deadline = time.perf_counter() + timeout_s
    while not reached():
        if task.done():
            task.result()
        if time.perf_counter() > deadline:
            raise TimeoutError("the consumer does not move")
        await asyncio.sleep(0.002)
