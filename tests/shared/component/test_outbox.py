"""Outbox and its relay on the real database and broker."""

import asyncio
import contextlib
from collections import defaultdict

import asyncpg
import pytest

from deploy.embedded.platform import Platform
from shared.kafka import client_options
from shared.relay import Relay
from tests.support.foundation import CAUSATION, Bench, greeted
from tests.support.polling import PATIENCE_S, until
from tests.support.service_settings import settings_of


async def relay_until(bench: Bench, relay: Relay, rows: int) -> None:
    task = asyncio.create_task(relay.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            while relay.published < rows:
                await asyncio.sleep(0.05)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def relay_of(servers: Platform, holder: str) -> Relay:
    settings = settings_of(servers, "reception")
    return Relay(settings.worker_database_url, client_options(settings), holder)


async def test_concurrent_transactions_give_gapless_sequences(
    servers: Platform, bench: Bench
) -> None:
    async def advisor(number: int) -> None:
        for turn in range(10):
            await bench.publish(greeted(f"o{turn % 3}", f"a{number}"))

    await asyncio.gather(*(advisor(number) for number in range(8)))
    await relay_until(bench, relay_of(servers, "one"), 80)

    sequences = defaultdict(list)
    for record in await bench.topic():
        sequences[record.key].append(int(dict(record.headers)["ce_sequence"]))
    assert {key: len(found) for key, found in sequences.items()} == {
        b"o0": 32,
        b"o1": 24,
        b"o2": 24,
    }
    assert all(found == list(range(1, len(found) + 1)) for found in sequences.values())


async def test_rolled_back_command_publishes_nothing(servers: Platform, bench: Bench) -> None:
    async def fail_after_writing() -> None:
        async with bench.uow_factory.open(["S01"], None, CAUSATION) as uow:
            uow.publish([greeted("o1", "never")])
            await uow.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_after_writing()
    await bench.publish(greeted("o1", "always"))
    await relay_until(bench, relay_of(servers, "one"), 1)
    records = await bench.topic()
    assert [dict(record.headers)["ce_sequence"] for record in records] == [b"1"]


async def test_new_lease_holder_ends_session_of_old(servers: Platform, bench: Bench) -> None:
    settings = settings_of(servers, "reception")
    old = await asyncpg.connect(settings.worker_database_url)
    await old.execute(
        "INSERT INTO relay_lease (holder, backend_pid, backend_start, heartbeat_at) "
        "SELECT 'stopped', pid, backend_start, now() - interval '1 minute' "
        "FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    )
    await bench.publish(greeted("o1"))
    await relay_until(bench, relay_of(servers, "successor"), 1)

    with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError, ConnectionError)):
        await old.execute("UPDATE outbox SET sent_at = now()")
    holder = await bench.admin.fetchval("SELECT holder FROM reception.relay_lease")
    assert holder == "successor"


async def test_active_lease_holder_keeps_lease(servers: Platform, bench: Bench) -> None:
    first, second = relay_of(servers, "first"), relay_of(servers, "second")
    tasks = [asyncio.create_task(first.run())]
    holder = "SELECT holder FROM reception.relay_lease"
    assert await until(lambda: bench.admin.fetchval(holder))
    tasks.append(asyncio.create_task(second.run()))
    for number in range(20):
        await bench.publish(greeted(f"o{number}"))
        await asyncio.sleep(0.05)
    assert await until(lambda: first.published + second.published == 20)
    await asyncio.sleep(1.5)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (first.published, second.published) == (20, 0)


async def test_oversized_event_is_rejected_before_commit(servers: Platform, bench: Bench) -> None:
    event = greeted("o1").model_copy(update={"advisor_id": "x" * 1_000_000})
    with pytest.raises(ValueError, match="too large"):
        await bench.publish(event)
    assert await bench.admin.fetchval("SELECT count(*) FROM reception.outbox") == 0


async def test_key_of_another_store_cannot_be_written(servers: Platform, bench: Bench) -> None:
    await bench.publish(greeted("o1", store_id="S01"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await bench.publish(greeted("o1", store_id="S02"))
