"""Consumer on a real broker: order, duplicates, malformed records, decisions."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from deploy.embedded.platform import Platform
from shared import dead_lettering
from shared.contracts.reception import CustomerGreeted
from shared.db import Connection
from shared.envelope import ReceivedEvent, headers_of
from shared.unit_of_work import UnitOfWork
from tests.support.foundation import CAUSATION, NOW, Bench, greeted
from tests.support.polling import PATIENCE_S

BROKEN = "aftersales.reception.CustomerGreeted.v1"


def headers(order_id: str, sequence: int, **changes: Any) -> dict[str, Any]:
    made = headers_of(
        greeted(order_id),
        event_id=f"{order_id}-{sequence}",
        sequence=sequence,
        time=NOW,
        causation=CAUSATION,
    )
    return {name: v for name, v in (made | changes).items() if v is not ...}


def advised(received: ReceivedEvent) -> CustomerGreeted:
    assert isinstance(received.event, CustomerGreeted)
    return received.event


async def send(bench: Bench, order_id: str, sequence: int, **changes: Any) -> None:
    value = greeted(order_id, f"a{sequence}").model_dump_json().encode()
    await bench.send(order_id.encode(), value, headers(order_id, sequence, **changes))


@asynccontextmanager
async def running(bench: Bench) -> AsyncIterator[None]:
    async with bench.service.running():
        yield


async def wait_until_idle(bench: Bench) -> None:
    """Wait until no record waits."""
    async with asyncio.timeout(PATIENCE_S):
        idle_rounds = 0
        while idle_rounds < 3:
            await asyncio.sleep(0.1)
            idle_rounds = idle_rounds + 1 if await bench.service.consumer.lag() == 0 else 0


async def dead(bench: Bench) -> list[asyncpg.Record]:
    return await bench.admin.fetch(
        "SELECT * FROM crm.dead_letter WHERE resolved_at IS NULL ORDER BY dead_letter_id"
    )


async def test_duplicates_and_disorder_have_one_effect_in_sequence(bench: Bench) -> None:
    for sequence in (1, 3, 3, 2, 1, 5, 4, 2):
        await send(bench, "o1", sequence)
    async with running(bench):
        await wait_until_idle(bench)
    assert bench.effects.advisors == {"o1": ["a1", "a2", "a3", "a4", "a5"]}
    assert await bench.admin.fetchval("SELECT count(*) FROM crm.parked_event") == 0


@pytest.mark.parametrize(
    ("key", "value", "changes", "reason"),
    [
        (b"o1", b"{broken", {}, "Invalid JSON"),
        (b"o1", None, {}, "Invalid JSON"),
        (b"o1", b'{"store_id": "S01"}', {}, "Field required"),
        (b"o1", ..., {"ce_type": "aftersales.reception.CustomerGreeted.v7"}, "unknown version"),
        (b"o1", ..., {"ce_type": None}, "ce_type"),
        (b"o1", ..., {"ce_id": None}, "ce_id"),
        (b"o1", ..., {"ce_id": b"\xff\xfe"}, "ce_id"),
        (b"o1", ..., {"ce_id": b"o1\0"}, "ce_id"),
    ],
)
async def test_malformed_record_parks_only_its_key(
    bench: Bench, key: bytes | None, value: Any, changes: dict[str, Any], reason: str
) -> None:
    body = greeted("o1").model_dump_json().encode() if value is ... else value
    await bench.send(key, body, headers("o1", 1, **changes))
    await send(bench, "o1", 2)
    await send(bench, "o2", 1)
    async with running(bench):
        await wait_until_idle(bench)
        letters = await dead(bench)
        assert [letter["sequence"] for letter in letters] == [1]
        assert reason in letters[0]["error"]
        assert letters[0]["value"] == body
        assert bench.effects.advisors == {"o2": ["a1"]}

        await bench.admin.execute("UPDATE crm.dead_letter SET decision = 'skip'")
        async with asyncio.timeout(PATIENCE_S):
            while await dead(bench):
                await asyncio.sleep(0.1)
    assert bench.effects.advisors == {"o1": ["a2"], "o2": ["a1"]}


@pytest.mark.parametrize(
    ("key", "changes"),
    [
        (None, {}),
        (b"", {}),
        (b"o1", {"ce_sequence": "0"}),
        (b"o1", {"ce_sequence": None}),
        (b"o1", {"ce_storeid": None}),
        (b"o1", {"ce_storeid": "S01,S02"}),
        (b"o1", {"ce_sequence": "9" * 5000}),
        (b"o1", {"ce_sequence": "9" * 19}),
        (b"o1", {"ce_sequence": "9" * 13}),
        (b"\xff", {}),
        (b"o1\0", {}),
        (bytes(range(33, 126)) * 50, {}),
    ],
)
async def test_unaddressed_record_is_dead_lettered_alone(
    bench: Bench, key: bytes | None, changes: dict[str, Any]
) -> None:
    value = greeted("o1").model_dump_json().encode()
    await bench.send(key, value, headers("o1", 1, **changes))
    await send(bench, "o1", 1)
    async with running(bench):
        await wait_until_idle(bench)
    assert bench.effects.advisors == {"o1": ["a1"]}
    assert [letter["store_id"] for letter in await dead(bench)] == [""]


async def test_unknown_event_type_is_counted_and_passed(bench: Bench) -> None:
    await send(bench, "o1", 1, ce_type="aftersales.reception.NeverHeardOf.v1")
    await send(bench, "o1", 2)
    async with running(bench):
        await wait_until_idle(bench)
    assert bench.service.consumer.unknown == 1
    assert bench.effects.advisors == {"o1": ["a2"]}
    assert await dead(bench) == []


async def test_repaired_event_is_replayed_before_later_ones(bench: Bench) -> None:
    await bench.send(b"o1", b"{broken", headers("o1", 1))
    await send(bench, "o1", 2)
    async with running(bench):
        await wait_until_idle(bench)
        assert len(await dead(bench)) == 1
        await bench.admin.execute(
            "UPDATE crm.dead_letter SET value = $1, decision = 'replay'",
            greeted("o1", "repaired").model_dump_json().encode(),
        )
        async with asyncio.timeout(PATIENCE_S):
            while await dead(bench):
                await asyncio.sleep(0.1)
    assert bench.effects.advisors == {"o1": ["repaired", "a2"]}


async def test_failing_event_is_dead_lettered_alone(bench: Bench) -> None:
    class PoisonedError(Exception):
        pass

    good = bench.effects.handle

    async def handle(uow: UnitOfWork, batch: Sequence[ReceivedEvent]) -> None:
        if any(advised(received).order_id == "o2" for received in batch):
            raise PoisonedError
        await good(uow, batch)

    bench.service.consumer._batches._handle = handle
    for order_id in ("o1", "o2", "o3"):
        await send(bench, order_id, 1)
    async with running(bench):
        await wait_until_idle(bench)
    assert bench.effects.advisors == {"o1": ["a1"], "o3": ["a1"]}
    assert ["PoisonedError" in letter["error"] for letter in await dead(bench)] == [True]


async def test_dead_letter_is_inserted_after_database_outage(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handle(uow: UnitOfWork, batch: Sequence[ReceivedEvent]) -> None:
        raise LookupError

    consumer = bench.service.consumer
    consumer._batches._handle = handle
    insert, failures = dead_lettering.insert, [ConnectionError("unavailable")]

    async def insert_later(connection: Connection, name: str, dead: Any) -> None:
        if dead and failures:
            raise failures.pop()
        await insert(connection, name, dead)

    monkeypatch.setattr(dead_lettering, "insert", insert_later)
    await send(bench, "o1", 1)
    async with running(bench):
        await wait_until_idle(bench)
    assert failures == []
    assert ["LookupError" in letter["error"] for letter in await dead(bench)] == [True]


async def test_transient_failure_is_retried(bench: Bench) -> None:
    bench.effects.fail_with = [asyncpg.DeadlockDetectedError("x"), ConnectionError("y")]
    await send(bench, "o1", 1)
    async with running(bench):
        await wait_until_idle(bench)
    assert bench.effects.advisors == {"o1": ["a1"]}
    assert await dead(bench) == []


async def test_record_of_another_store_is_dead_lettered_alone(bench: Bench) -> None:
    await bench.send(b"o1", b"x", headers("o1", 1, ce_storeid="S02"))
    async with running(bench):
        await wait_until_idle(bench)
        await send(bench, "o1", 1)
        await wait_until_idle(bench)
    assert bench.effects.advisors == {"o1": ["a1"]}
    assert [letter["store_id"] for letter in await dead(bench)] == ["S02"]


async def test_redelivered_topic_changes_nothing(servers: Platform, bench: Bench) -> None:
    for sequence in (1, 2, 3):
        await send(bench, "o1", sequence)
    async with running(bench):
        await wait_until_idle(bench)
        client = bench.service.consumer._client
        for partition, offset in bench.begin.items():
            client.seek(partition, offset)
        await asyncio.sleep(1)
        await wait_until_idle(bench)
    assert bench.effects.advisors == {"o1": ["a1", "a2", "a3"]}


async def test_skip_decision_survives_rereading_topic(servers: Platform, bench: Bench) -> None:
    await bench.send(b"o1", b"{broken", headers("o1", 1))
    await send(bench, "o1", 2)
    async with running(bench):
        await wait_until_idle(bench)
        await bench.admin.execute("UPDATE crm.dead_letter SET decision = 'skip'")
        async with asyncio.timeout(PATIENCE_S):
            while await dead(bench):
                await asyncio.sleep(0.1)
        await bench.admin.execute("TRUNCATE crm.stream_position, crm.parked_event")
        client = bench.service.consumer._client
        for partition, offset in bench.begin.items():
            client.seek(partition, offset)
        async with asyncio.timeout(PATIENCE_S):
            while bench.effects.advisors != {"o1": ["a2", "a2"]}:
                await asyncio.sleep(0.1)
    assert await dead(bench) == []


async def test_failed_replay_leaves_dead_letter_open(bench: Bench) -> None:
    async def handle(_uow: UnitOfWork, _batch: Sequence[ReceivedEvent]) -> None:
        raise LookupError("still unknown")

    bench.service.consumer._batches._handle = handle
    await send(bench, "o1", 1)
    async with running(bench):
        await wait_until_idle(bench)
        await bench.admin.execute(
            "UPDATE crm.dead_letter SET decision = 'replay', error = 'before'"
        )
        async with asyncio.timeout(PATIENCE_S):
            while (await dead(bench))[0]["error"] == "before":
                await asyncio.sleep(0.1)
        [letter] = await dead(bench)
        assert (letter["decision"], letter["error"]) == (None, "LookupError('still unknown')")


async def test_malformed_record_behind_gap_is_dead_lettered_alone(bench: Bench) -> None:
    good = bench.effects.handle

    async def handle(uow: UnitOfWork, batch: Sequence[ReceivedEvent]) -> None:
        if any(advised(received).advisor_id == "a2" for received in batch):
            raise LookupError("no such advisor")
        await good(uow, batch)

    bench.service.consumer._batches._handle = handle
    async with running(bench):
        for sequence in (3, 2, 1):
            await send(bench, "o1", sequence)
            await wait_until_idle(bench)
        [letter] = await dead(bench)
        assert letter["sequence"] == 2
        assert bench.effects.advisors == {"o1": ["a1"]}
        await bench.admin.execute("UPDATE crm.dead_letter SET decision = 'skip'")
        async with asyncio.timeout(PATIENCE_S):
            while await dead(bench):
                await asyncio.sleep(0.1)
    assert bench.effects.advisors == {"o1": ["a1", "a3"]}
    assert await bench.admin.fetchval("SELECT count(*) FROM crm.parked_event") == 0
