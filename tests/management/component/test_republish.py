"""All states are announced again where their topics have lost them (R40)."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from typer.testing import CliRunner

from deploy.cli import app
from deploy.embedded.platform import Platform
from deploy.embedded.topics import declared_topics, drop_topics, ensure_topics
from shared.clock import SimulatedClock
from shared.contracts.base import State
from shared.envelope import ReceivedEvent
from tests.support.harness import published
from tests.support.master_data import READERS, define_group, read_states, state_topics
from tests.support.polling import until

SENT = "SELECT NOT EXISTS (SELECT FROM management.outbox WHERE sent_at IS NULL)"
FOUND = "SELECT key, version, record FROM crm.master_data ORDER BY topic, key"


@pytest.fixture(scope="module")
async def group(empty_servers: Platform, clock: SimulatedClock) -> AsyncIterator[Platform]:
    """Yield servers with the master data of the group, which all services have read."""
    await define_group(empty_servers)
    yield empty_servers
    await empty_servers.stop_services()


async def newest(servers: Platform) -> dict[tuple[str, str], ReceivedEvent]:
    """Return the newest state of each record on the topics."""
    received = await published(servers, sorted(state_topics()))
    return {
        (each.event.topic, each.event.record_id): each
        for each in sorted(received, key=lambda each: each.envelope.sequence)
        if isinstance(each.event, State)
    }


async def empty_topics(servers: Platform) -> None:
    async with servers.kafka.admin() as admin:
        await drop_topics(admin)
        await ensure_topics(admin, declared_topics(servers.settings.topics_file, replication=1))


async def test_fresh_service_has_all_after_republication(group: Platform) -> None:
    connection = await asyncpg.connect(group.admin_url)
    before = await newest(group)
    known = await connection.fetch(FOUND)
    await empty_topics(group)
    assert await newest(group) == {}
    await group.start_services(("management",))
    await connection.execute("TRUNCATE crm.master_data, crm.stream_position, crm.complete_topic")

    data = ["--data", str(group.settings.data)]
    result = await asyncio.to_thread(CliRunner().invoke, app, ["republish", *data])
    assert result.output == f"{len(before)} states announced again\n"
    assert await until(lambda: connection.fetchval(SENT))
    again = await newest(group)
    assert {place: each.event for place, each in again.items()} == {
        place: each.event for place, each in before.items()
    }
    assert {each.envelope.sequence for each in again.values()} == {2}

    await read_states(group, "crm")
    found = await connection.fetch(FOUND)
    assert [(row["key"], row["record"]) for row in found] == [
        (row["key"], row["record"]) for row in known
    ]
    assert {row["version"] for row in found} == {2}
    await connection.close()


async def test_audit_accepts_republished_states(group: Platform) -> None:
    data = ["--data", str(group.settings.data)]
    for service in READERS:
        await read_states(group, service)
    result = await asyncio.to_thread(CliRunner().invoke, app, ["audit", *data])
    assert result.exit_code == 0, result.output
