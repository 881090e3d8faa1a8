"""Start of a service that reads master data, on real Kafka and PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime

import asyncpg
import pytest

from deploy.embedded.platform import Platform
from tests.support.foundation import greeted
from tests.support.harness import InProcess, publisher
from tests.support.polling import until
from tests.support.rules import loyalty_rules, rule_set
from tests.support.rules_reader import deps_of, rules_reader

DAY = date(2026, 1, 1)
NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)


@asynccontextmanager
async def states_withheld(empty_servers: Platform) -> AsyncIterator[asyncpg.Connection]:
    """Keep states from being stored for the time of the block, on the connection it yields."""
    admin = await asyncpg.connect(empty_servers.admin_url)
    try:
        async with admin.transaction():
            await admin.execute("LOCK TABLE crm.master_data IN SHARE MODE")
            yield admin
    finally:
        await admin.close()


async def is_stuck(admin: asyncpg.Connection) -> bool:
    """Return whether a transaction waits to store states."""
    waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = $1::regclass)"
    return bool(await admin.fetchval(waiting, "crm.master_data"))


async def versions(reader: InProcess) -> int:
    response = await reader.client.get("/rules/loyalty")
    assert response.status_code == 200, response.text
    return int(response.json()["versions"])


async def test_service_reads_all_states_before_it_responds(empty_servers: Platform) -> None:
    rules = [(DAY, loyalty_rules())]
    async with publisher(empty_servers) as sending, AsyncExitStack() as until_released:
        await sending.publish(rule_set("loyalty", *rules), greeted("o-1"), at=NOW)
        await until_released.enter_async_context(states_withheld(empty_servers))
        async with rules_reader(empty_servers) as reader:
            service, deps = reader.app.state.service, deps_of(reader)
            deps.may_greet.set()
            assert await until(lambda: service.projection.consumer.assigned)
            response = await reader.client.get("/rules/loyalty")
            assert (response.status_code, response.json()["type"]) == (503, "/problems/not_ready")
            assert response.headers["Retry-After"]
            ready = await reader.client.get("/health/ready")
            assert ready.json()["type"] == "/problems/not_ready"
            assert (await reader.get("/status", "operator")).json()["lag"] is None
            assert (await reader.client.get("/health/live")).status_code == 200
            assert not service.consumer.assigned
            assert deps.greeted == []

            await until_released.aclose()
            await reader.wait_until_idle()
            assert (await reader.client.get("/health/ready")).status_code == 200
            assert await versions(reader) == 1
            assert deps.greeted == ["o-1"]


async def test_stopped_service_abandons_a_stuck_batch(
    empty_servers: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.service.DRAIN_S", 0.1)
    async with publisher(empty_servers) as sending:
        sending.sequences[rule_set("loyalty").topic, "loyalty"] = 1001
        await sending.publish(rule_set("loyalty", (DAY, loyalty_rules())), at=NOW)
        others = asyncio.all_tasks()
        async with states_withheld(empty_servers) as admin, rules_reader(empty_servers):
            assert await until(lambda: is_stuck(admin))
        assert await until(lambda: asyncio.all_tasks() <= others)


async def test_restarted_service_responds_with_what_it_has(empty_servers: Platform) -> None:
    async with publisher(empty_servers) as sending:
        sending.sequences[rule_set("loyalty").topic, "loyalty"] = 1002
        both = [(DAY, loyalty_rules()), (date(2026, 6, 1), None)]
        await sending.publish(rule_set("loyalty", *both), at=NOW)
        async with rules_reader(empty_servers) as reader:
            async with states_withheld(empty_servers):
                assert await versions(reader) == 1
            await reader.wait_until_idle()
            assert await versions(reader) == 2
