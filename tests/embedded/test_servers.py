"""Environment of a service after the servers have been started."""

import json
from dataclasses import asdict

import asyncpg
import pytest

from deploy.embedded.errors import EmbeddedError
from deploy.embedded.platform import Platform
from deploy.embedded.secrets import SERVICES, roles
from deploy.embedded.settings import EmbeddedSettings
from deploy.embedded.topics import declared_topics
from shared.db import open_pool
from tests.bench import group, group_size, ingest
from tests.bench.__main__ import show_figures, show_ingest
from tests.bench.group_size import Comparison, Rounds, Size


async def test_every_declared_topic_exists_with_partitions(servers: Platform) -> None:
    declared = declared_topics(servers.settings.topics_file, replication=1)
    async with servers.kafka.admin() as admin:
        found = {topic["topic"]: topic for topic in await admin.describe_topics()}
    partitions = {topic.name: len(found[topic.name]["partitions"]) for topic in declared}
    assert partitions == {topic.name: topic.num_partitions for topic in declared}


def test_every_stream_has_twelve_partitions_in_production() -> None:
    declared = declared_topics(EmbeddedSettings().topics_file, replication=3)
    found = {topic.name: (topic.num_partitions, topic.replication_factor) for topic in declared}
    internal = [name for name in found if name.startswith("aftersales.subscribers.")]
    assert [found.pop(name) for name in internal] == [(1, 3), (1, 3)]
    assert set(found.values()) == {(12, 3)}


@pytest.mark.parametrize("service", SERVICES)
async def test_each_role_works_in_its_own_schema(servers: Platform, service: str) -> None:
    for role in roles(service):
        connection = await asyncpg.connect(servers.database_url(role))
        assert await connection.fetchval("SELECT current_schema()") == service
        await connection.close()


async def test_runtime_role_sees_no_row_of_another_store(servers: Platform) -> None:
    _, runtime, _ = roles("reception")
    admin = await asyncpg.connect(servers.admin_url)
    await admin.execute(
        "INSERT INTO reception.stream_head VALUES ('t', 'a', 'S01', 1), ('t', 'b', 'S02', 1)"
    )
    await admin.close()
    service = await asyncpg.connect(servers.database_url(runtime))
    await service.execute("SELECT set_config('app.stores', 'S01', false)")
    stores = await service.fetch("SELECT store_id FROM stream_head")
    await service.close()
    assert [row["store_id"] for row in stores] == ["S01"]


async def test_service_cannot_read_schema_of_another(servers: Platform) -> None:
    connection = await asyncpg.connect(servers.database_url("crm"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch("SELECT * FROM reception.outbox")
    await connection.close()


async def test_pool_behind_pooler_leaves_nothing_in_session(servers: Platform) -> None:
    for pooler, kept in ((True, (0, "0")), (False, (2, "1min"))):
        pool = await open_pool(servers.database_url("crm"), 1, "test", pooler=pooler)
        for _ in range(2):
            assert await pool.fetchval("SELECT $1::int", 1) == 1
        found = (
            await pool.fetchval("SELECT count(*) FROM pg_prepared_statements"),
            await pool.fetchval("SHOW idle_in_transaction_session_timeout"),
        )
        await pool.close()
        assert found == kept


async def test_emptied_servers_have_no_rows(servers: Platform) -> None:
    connection = await asyncpg.connect(servers.admin_url)
    await connection.execute("INSERT INTO crm.stream_head VALUES ('topic', 'key', 'S01', 1)")
    await connection.close()
    await servers.empty()
    connection = await asyncpg.connect(servers.admin_url)
    assert await connection.fetchval("SELECT count(*) FROM crm.stream_head") == 0
    await connection.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE crm.migrations SET digest = 'another' WHERE from_revision = 'initial'",
        "UPDATE crm.migrations SET to_revision = '9999' WHERE from_revision = 'initial'",
        "ALTER TABLE crm.migrations DROP COLUMN digest",
    ],
    ids=["changed", "gone", "from before digests"],
)
async def test_data_of_another_schema_is_refused(servers: Platform, change: str) -> None:
    connection = await asyncpg.connect(servers.admin_url)
    await connection.execute(change)
    with pytest.raises(EmbeddedError) as refused:
        await servers._bring_up_to_date()
    assert str(refused.value) == (
        f"{servers.settings.data} holds data of another version (crm): "
        "start with --reset-data to remove it and begin again"
    )
    await connection.close()
    await servers.empty()


async def test_migrations_are_applied_once(servers: Platform) -> None:
    connection = await asyncpg.connect(servers.admin_url)
    before = await connection.fetch("SELECT * FROM crm.migrations ORDER BY id")
    await servers._bring_up_to_date()
    assert await connection.fetch("SELECT * FROM crm.migrations ORDER BY id") == before
    assert all(row["digest"] for row in before)
    await connection.close()


async def test_ingest_bench_applies_every_event_each_round(
    servers: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    found = await ingest.measure(servers, events=1, seed=1, rounds=2)
    connection = await asyncpg.connect(servers.admin_url)
    assert await connection.fetchval("SELECT count(*) FROM bench.effect") == found.events
    assert await connection.fetchval("SELECT count(*) FROM reporting.event_log") == found.events
    await connection.close()
    show_ingest(found, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert shown["events"] == found.events > 1
    assert min(shown.values()) > 0
    show_ingest(found, as_json=False)
    assert len(capsys.readouterr().out.splitlines()) == 3


async def test_group_bench_measures_what_was_imported(
    empty_servers: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = await group_size.load(empty_servers, Size(stores=2, parts=200, operations=150))
    await group_size.measure([loaded], Rounds(starts=1, visits=2))
    effect = await group.measure(empty_servers, events=2000, changes=2)
    assert loaded.records > 400
    show_figures(asdict(effect) | Comparison(loaded, loaded).figures, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert shown["effect_p50_s"] <= shown["effect_p99_s"]
    ratios = [shown[f"{name}_ratio"] for name in ("start", "memory", "opening", "quote")]
    assert ratios == [1, 1, 1, 1]
    assert min(value for name, value in shown.items() if name != "events_left") > 0
