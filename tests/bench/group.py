"""Time from a changed rule to its effect, behind a backlog of order events."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from statistics import quantiles

import httpx
from aiokafka import AIOKafkaProducer

from deploy.embedded.platform import Platform
from shared.contracts.management import RuleSetDefined
from shared.db import Pool, open_pool, transaction
from shared.master_data import MasterData
from tests.support.finished_visits import delivery
from tests.support.harness import Publisher
from tests.support.rules import loyalty_rules, rule_set

_NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
_FIRST_DAY = date(2026, 1, 1)
_RULE = "loyalty"
_LOOK_AGAIN_S = 0.005
_LONGEST_S = 60.0


@dataclass(frozen=True)
class Effect:
    """Seconds from the publication of a change until a new transaction sees it.

    ``events_left`` is how many events of the backlog still waited after the last change.
    """

    changes: int
    effect_p50_s: float
    effect_p99_s: float
    events_left: int


async def measure(platform: Platform, events: int, changes: int) -> Effect:
    """Publish ``events`` of orders, start customer relations, and change a rule again and again.

    The platform has the group's master data, and no service runs.
    """
    producer = AIOKafkaProducer(bootstrap_servers=platform.kafka.bootstrap, linger_ms=5)
    await producer.start()
    pool = await open_pool(platform.database_url("crm"), 2, "bench")
    try:
        publisher = Publisher(producer)
        for number in range(events):
            await publisher.enqueue(delivery(f"o-{number}", f"c-{number % 500}", _NOW), _NOW)
        await producer.flush()
        await platform.start_services(["crm"])
        waits = [await _wait(publisher, pool, visits) for visits in range(changes)]
        left = await _lag(platform)
    finally:
        await pool.close()
        await producer.stop()
    cuts = quantiles(waits, n=100, method="inclusive")
    return Effect(changes, cuts[49], cuts[98], left)


async def _wait(publisher: Publisher, pool: Pool, visits: int) -> float:
    """Change the rule; return the seconds until a transaction reads the change."""
    state = rule_set(_RULE, (_FIRST_DAY, loyalty_rules(visits)))
    began = time.perf_counter()
    await publisher.publish(state, at=_NOW)
    async with asyncio.timeout(_LONGEST_S):
        while await _read(pool) != state:
            await asyncio.sleep(_LOOK_AGAIN_S)
    return time.perf_counter() - began


async def _read(pool: Pool) -> RuleSetDefined | None:
    async with transaction(pool, ()) as connection:
        return (await MasterData().get(connection, RuleSetDefined, [_RULE])).get(_RULE)


async def _lag(platform: Platform) -> int:
    token = platform.issuer.token("bench", roles=["operator"], stores=[])
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(trust_env=False, headers=headers, timeout=30) as client:
        response = await client.get(f"{platform.url('crm')}/status")
    lag: int = response.raise_for_status().json()["lag"]
    return lag
