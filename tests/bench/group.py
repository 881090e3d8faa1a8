"""Time from a manager's change to its effect, behind a backlog of order events."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from statistics import quantiles

import httpx
from aiokafka import AIOKafkaProducer

from deploy.embedded.platform import Platform
from deploy.group_import import define_all
from shared.clients.management.models import Definition, Person
from shared.contracts.dated import content_on
from shared.contracts.management import Post, RuleSetDefined
from shared.db import Pool, open_pool, transaction
from shared.group import GROUP_ZONE
from shared.master_data import MasterData
from tests.bench.own_platform import business_now
from tests.support.finished_visits import delivery
from tests.support.harness import Publisher
from tests.support.rules import loyalty_rules

_RULE = "loyalty"
_STORE, _AGENT = "S01", "S01-agent-1"
_ROLES = ("cashier", "customer_care_agent")
"""Roles that the agent has in turn; with the first one, customer relations refuses them."""

_LOOK_AGAIN_S = 0.02
_LONGEST_S = 60.0


@dataclass(frozen=True)
class Effect:
    """Seconds from a manager's command until customer relations works by it.

    ``effect`` is that of a rule, until a transaction reads it; ``revoked`` that of a role, until a
    request of the person is refused. ``events_left`` is how many events of the backlog still
    waited after the last change.
    """

    changes: int
    effect_p50_s: float
    effect_p99_s: float
    revoked_p99_s: float
    events_left: int


async def measure(platform: Platform, events: int, changes: int) -> Effect:
    """Publish ``events`` of orders, start customer relations, and change rules and posts.

    The platform has a group's master data, and no service runs; none does afterwards.
    """
    await _publish_backlog(platform, events)
    try:
        await platform.start_services(["management", "crm"])
        async with _observer(platform) as observer:
            rules, revoked = [], []
            for number in range(changes):
                rules.append(await observer.rule_s(number))
                revoked.append(await observer.revocation_s())
            left = await observer.lag()
    finally:
        await platform.stop_services()
    cuts = quantiles(rules, n=100, method="inclusive")
    return Effect(changes, cuts[49], cuts[98], quantiles(revoked, n=100)[98], left)


async def _publish_backlog(platform: Platform, events: int) -> None:
    producer = AIOKafkaProducer(**platform.kafka.client, linger_ms=5)
    await producer.start()
    try:
        publisher, now = Publisher(producer), business_now(platform)
        for number in range(events):
            await publisher.enqueue(delivery(f"o-{number}", f"c-{number % 500}", now), now)
        await producer.flush()
    finally:
        await producer.stop()


@asynccontextmanager
async def _observer(platform: Platform) -> AsyncIterator["_Observer"]:
    pool = await open_pool(platform.database_url("crm"), 2, "bench")
    try:
        async with httpx.AsyncClient(
            base_url=platform.url("crm"), trust_env=False, timeout=30
        ) as client:
            yield _Observer(platform, pool, client)
    finally:
        await pool.close()


@dataclass(frozen=True)
class _Observer:
    """Manager who changes something, and waits for what customer relations makes of it."""

    platform: Platform
    pool: Pool
    client: httpx.AsyncClient

    async def rule_s(self, number: int) -> float:
        """Change a rule of the group; return the seconds until a transaction reads it."""
        wanted = loyalty_rules(visits=number + 2)
        change = Definition(collection="rules", code=_RULE, valid_from=self._today, content=wanted)

        async def reads() -> bool:
            state = await self._rule()
            return state is not None and content_on(state.versions, self._today) == wanted

        return await self._seconds_until(change, reads)

    async def revocation_s(self) -> float:
        """Revoke the agent's role; return the seconds until a request of theirs is refused.

        They have the role again afterwards.
        """
        revoked_s, _ = [await self._role_s(role) for role in _ROLES]
        return revoked_s

    async def lag(self) -> int:
        """Return the number of events that customer relations has not read yet."""
        token = self.platform.issuer.token("bench", roles=["operator"], stores=[])
        response = await self.client.get("/status", headers={"Authorization": f"Bearer {token}"})
        lag: int = response.raise_for_status().json()["lag"]
        return lag

    @property
    def _today(self) -> date:
        return business_now(self.platform).astimezone(GROUP_ZONE).date()

    async def _rule(self) -> RuleSetDefined | None:
        async with transaction(self.pool, ()) as connection:
            return (await MasterData().get(connection, RuleSetDefined, [_RULE])).get(_RULE)

    async def _role_s(self, role: str) -> float:
        """Give the agent this role alone; return the seconds until it decides on a request."""
        post = Post(role=role, in_store=_STORE)
        person = Person(zh="客服", en="Agent", posts=[post])
        change = Definition(
            collection="staff",
            for_store=_STORE,
            code=_AGENT,
            valid_from=self._today,
            content=person,
        )
        token = self.platform.issuer.token(_AGENT, roles=[], stores=[])
        expected = 200 if role == _ROLES[-1] else 403

        async def decides() -> bool:
            response = await self.client.get(
                f"/stores/{_STORE}/call-tasks", headers={"Authorization": f"Bearer {token}"}
            )
            return response.status_code == expected

        return await self._seconds_until(change, decides)

    async def _seconds_until(
        self, change: Definition, seen: Callable[[], Awaitable[bool]]
    ) -> float:
        """Define a change; return the seconds from the command until it is ``seen``."""
        began = time.perf_counter()
        platform = self.platform
        async for portion in define_all([change], platform.url("management"), platform.issuer):
            assert [each.result.result for each in portion] == ["defined"], portion[0]
        async with asyncio.timeout(_LONGEST_S):
            while not await seen():
                await asyncio.sleep(_LOOK_AGAIN_S)
        return time.perf_counter() - began
