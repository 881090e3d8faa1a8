"""Mutations of the foundation: the checks of a run detect each of them.

Every scenario runs on real Kafka and PostgreSQL, first with the code as it is and then with one
mutation; the audit must find nothing the first time and something the second.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence, Set
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition
from faststream import AckPolicy

from deploy.audit import run_audit
from deploy.embedded.platform import Platform
from services.reporting.app import create_app
from shared import consumer, inbox, outbox, relay, unit_of_work
from shared.clock import SimulatedClock
from shared.contracts import Event
from shared.contracts.reception import CustomerGreeted
from shared.db import Connection, open_pool
from shared.envelope import Causation, Record
from shared.inbound_records import InboundRecord, read_inbound_record
from shared.kafka import client_options
from shared.relay import Relay
from shared.unit_of_work import UnitOfWorkFactory
from tests.support.harness import in_process
from tests.support.master_data import PARTITIONS
from tests.support.polling import until
from tests.support.service_settings import settings_of

TOPIC = CustomerGreeted.topic
CHECKS = {
    "sequence per topic and key",
    "outbox rows are the topics' events",
    "stream heads stand at the last event",
    "positions stand at the last contiguous event",
    "each event is logged once",
}
PARTIES = {"kafka", "reception", "reporting"}
TIMEOUT_S = 60.0
EVENTS = 12


class KilledError(BaseException):
    """Stand-in for ``kill -9``, which no handler of the product can see."""


@dataclass
class RelayHarness:
    """Reception that publishes, its relays, and reporting that consumes, all in this process."""

    servers: Platform
    clock: SimulatedClock
    uow_factory: UnitOfWorkFactory
    admin: asyncpg.Connection

    async def publish(self, *order_ids: str) -> None:
        """Publish one event an order, each in a transaction of its own, all at the same time."""

        async def one(order_id: str) -> None:
            event = CustomerGreeted(
                store_id="S01", order_id=order_id, advisor_id="a1", greeted_at=self.clock.now()
            )
            async with self.uow_factory.open(["S01"], None, Causation("test", "test")) as uow:
                uow.publish([event])

        await asyncio.gather(*(one(order_id) for order_id in order_ids))

    @asynccontextmanager
    async def relaying(self, holder: str = "one") -> AsyncIterator[Relay]:
        settings = settings_of(self.servers, "reception")
        relay = Relay(settings.worker_database_url, client_options(settings), holder)
        task = asyncio.create_task(relay.run())
        try:
            yield relay
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, KilledError):
                await task

    async def relay_all(self) -> None:
        """Relay until all events are sent."""
        async with self.relaying():
            assert await until(self._all_sent, TIMEOUT_S)

    async def _all_sent(self) -> bool:
        return not await self.admin.fetchval(
            "SELECT count(*) FROM reception.outbox WHERE sent_at IS NULL"
        )

    async def report_all(self) -> None:
        """Run reporting until it has consumed everything."""
        async with in_process(self.servers, "reporting", create_app) as reporting:
            await reporting.wait_until_idle()

    async def report_until_killed(self, killed: asyncio.Event) -> None:
        """Run reporting until it dies, at the first batch."""
        async with in_process(self.servers, "reporting", create_app):
            await asyncio.wait_for(killed.wait(), TIMEOUT_S)

    async def findings(self) -> list[str]:
        """Return the audit's findings about the streams and their effects."""
        result = await run_audit(
            self.servers.admin_url, self.servers.kafka.client, self.servers.settings
        )
        return [
            str(difference)
            for check in result.checks
            if check.name in CHECKS and check.service in PARTIES
            for difference in check.differences
        ]

    async def records(self) -> dict[bytes, list[int]]:
        """Return the sequences of each key as they stand in the topic, repetitions included."""
        consumer = AIOKafkaConsumer(**self.servers.kafka.client)
        partitions = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.start()
        try:
            await consumer.seek_to_beginning(*partitions)
            ends = await consumer.end_offsets(partitions)
            sequences: dict[bytes, list[int]] = defaultdict(list)
            while any(
                [await consumer.position(partition) < ends[partition] for partition in partitions]
            ):
                for portion in (await consumer.getmany(timeout_ms=200)).values():
                    for record in portion:
                        sequence = int(dict(record.headers)["ce_sequence"])
                        sequences[record.key].append(sequence)
            return sequences
        finally:
            await consumer.stop()

    async def rewind(self) -> None:
        """Have the whole topic delivered to reporting again."""
        consumer = AIOKafkaConsumer(**self.servers.kafka.client, group_id="reporting")
        partitions = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        await consumer.start()
        await consumer.commit(dict.fromkeys(partitions, 0))
        await consumer.stop()


@pytest_asyncio.fixture
async def relay_harness(servers: Platform, clock: SimulatedClock) -> AsyncIterator[RelayHarness]:
    await servers.restore()
    admin = await asyncpg.connect(servers.admin_url)
    pool = await open_pool(settings_of(servers, "reception").database_url, 10, "mutations")
    yield RelayHarness(servers, clock, UnitOfWorkFactory(pool, clock), admin)
    await pool.close()
    await admin.close()


Act = Callable[[RelayHarness], Awaitable[None]]


async def both(relay_harness: RelayHarness, act: Act, mutate: Callable[[], None]) -> list[str]:
    """Return findings after the mutated act, once the act without it has been seen to be clean."""
    await act(relay_harness)
    assert await relay_harness.findings() == []
    mutate()
    await act(relay_harness)
    return await relay_harness.findings()


async def test_unchecked_positions_are_detected(
    relay_harness: RelayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def deliver_twice(relay_harness: RelayHarness) -> None:
        await relay_harness.publish(*(f"o{number}" for number in range(EVENTS)))
        await relay_harness.relay_all()
        await relay_harness.report_all()
        await relay_harness.rewind()
        await relay_harness.report_all()

    def forget_positions() -> None:
        apply_in_sequence = inbox.apply_in_sequence

        def anything_goes(
            records: Iterable[InboundRecord],
            known: Mapping[inbox.Key, int],
            apply_one: Callable[[InboundRecord], bool],
            compacted: Set[str],
            stops: Mapping[inbox.Key, int] | None,
        ) -> inbox.BatchOutcome[InboundRecord]:
            records = list(records)
            lowest = {
                key: min(each.sequence for each in records if each.stream == key) - 1
                for key in known
            }
            return apply_in_sequence(records, lowest, apply_one, compacted, stops)

        monkeypatch.setattr(inbox, "apply_in_sequence", anything_goes)

    assert await both(relay_harness, deliver_twice, forget_positions)


def killing_once(monkeypatch: pytest.MonkeyPatch, point: str) -> asyncio.Event:
    """Have the next unit of work of a consumed batch die at ``point``."""
    killed = asyncio.Event()

    def failpoint(name: str) -> None:
        if name == point and not killed.is_set():
            killed.set()
            raise KilledError

    monkeypatch.setattr(unit_of_work, "failpoint", failpoint)
    return killed


def consume_with_a_kill(monkeypatch: pytest.MonkeyPatch) -> Act:
    async def act(relay_harness: RelayHarness) -> None:
        await relay_harness.publish(*(f"o{number}" for number in range(EVENTS)))
        await relay_harness.relay_all()
        killed = killing_once(monkeypatch, "before_commit")
        await relay_harness.report_until_killed(killed)
        await relay_harness.publish("last")
        await relay_harness.relay_all()
        await relay_harness.report_all()

    return act


async def test_batch_acknowledged_before_commit_is_detected(
    relay_harness: RelayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    class AcknowledgedFirst:
        MANUAL = AckPolicy.ACK_FIRST

    async def nothing(*_: object) -> None:
        return

    def acknowledge_first() -> None:
        monkeypatch.setattr(consumer, "AckPolicy", AcknowledgedFirst)
        monkeypatch.setattr(consumer.Consumer, "_commit_offsets", nothing)

    assert await both(relay_harness, consume_with_a_kill(monkeypatch), acknowledge_first)


async def test_offsets_committed_before_database_are_detected(
    relay_harness: RelayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def commit_offsets_first() -> None:
        async def consume(self: consumer.Consumer, records: tuple[Record, ...]) -> None:
            await self._commit_offsets(records)
            await self._apply_with_retry([read_inbound_record(record) for record in records])

        monkeypatch.setattr(consumer.Consumer, "consume", consume)

    assert await both(relay_harness, consume_with_a_kill(monkeypatch), commit_offsets_first)


async def test_relays_without_lease_are_detected(
    relay_harness: RelayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def two_relays() -> dict[bytes, list[int]]:
        async with relay_harness.relaying("first"), relay_harness.relaying("second"):
            for _ in range(EVENTS):
                await relay_harness.publish(*(["o1"] * 4 + ["o2"] * 4))
            assert await until(relay_harness._all_sent, TIMEOUT_S)
        return await relay_harness.records()

    def in_sequence(records: dict[bytes, list[int]]) -> bool:
        """Return whether nothing is repeated or overtaken."""
        return all(a + 1 == b for found in records.values() for a, b in pairwise(found))

    async def granted(*_: object) -> bool:
        return True

    assert in_sequence(await two_relays())
    monkeypatch.setattr(Relay, "_take_lease", granted)
    monkeypatch.setattr(relay, "_HEARTBEAT", "SELECT $1::text IS NOT NULL")
    assert not in_sequence(await two_relays())


async def test_outbox_marked_before_acknowledgment_is_detected(
    relay_harness: RelayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def die_while_sending(relay_harness: RelayHarness) -> None:
        await relay_harness.publish(*(f"o{number}" for number in range(EVENTS)))
        killed = asyncio.Event()

        def failpoint(name: str) -> None:
            if name == "before_produce" and not killed.is_set():
                killed.set()
                raise KilledError

        monkeypatch.setattr(relay, "failpoint", failpoint)
        async with relay_harness.relaying("first"):
            await asyncio.wait_for(killed.wait(), TIMEOUT_S)
        await relay_harness.relay_all()
        await relay_harness.report_all()

    def mark_first() -> None:
        async def send_marked(self: Relay, connection: Connection) -> None:
            rows = await connection.fetch(relay._UNSENT, relay._KEYS_A_ROUND)
            await connection.execute(
                relay._MARK_SENT, [row["id"] for row in rows], [row["created_at"] for row in rows]
            )
            await self._send(rows)

        monkeypatch.setattr(Relay, "_round", send_marked)

    findings = await both(relay_harness, die_while_sending, mark_first)
    assert any("records in the topic" in finding for finding in findings)


async def test_sequence_taken_outside_lock_is_detected(
    relay_harness: RelayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def everybody_at_once(relay_harness: RelayHarness) -> None:
        await relay_harness.publish(*(f"o{number % 2}" for number in range(EVENTS)))
        await relay_harness.relay_all()
        await relay_harness.report_all()

    def read_then_write() -> None:
        async def apply_one(
            connection: Connection, keys: Sequence[tuple[str, str]], _: Sequence[Event]
        ) -> dict[tuple[str, str], int]:
            (topic, key) = keys[0]
            last = await connection.fetchval(
                "SELECT last_sequence FROM stream_head WHERE topic = $1 AND key = $2", topic, key
            )
            await asyncio.sleep(0.05)
            await connection.execute(
                "UPDATE stream_head SET last_sequence = $3 WHERE topic = $1 AND key = $2",
                topic,
                key,
                last + 1,
            )
            return {(topic, key): last + 1}

        monkeypatch.setattr(outbox, "_take_sequences", apply_one)

    findings = await both(relay_harness, everybody_at_once, read_then_write)
    assert any("next sequence" in finding or "last_sequence" in finding for finding in findings)
