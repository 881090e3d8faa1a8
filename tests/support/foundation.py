"""Foundation of one service on the real Kafka and PostgreSQL, with a consumer that only counts."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.embedded.platform import Platform
from shared.clock import SystemClock
from shared.contracts.reception import CustomerGreeted, VehicleArrived
from shared.db import open_pool
from shared.envelope import Causation, ReceivedEvent, headers_of
from shared.reactions import Reactions
from shared.service import Foundation, Service, opened
from shared.unit_of_work import UnitOfWork, UnitOfWorkFactory
from tests.support.master_data import PARTITIONS
from tests.support.service_settings import settings_of

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
CAUSATION = Causation("correlation", "causation")
TOPIC = VehicleArrived.topic


_FRESH = """
TRUNCATE reception.outbox, reception.stream_head, reception.relay_lease,
         crm.dead_letter, crm.parked_event, crm.stream_position, crm.applied_digests
"""


def greeted(order_id: str, advisor: str = "a1", store_id: str = "S01") -> CustomerGreeted:
    return CustomerGreeted(store_id=store_id, order_id=order_id, advisor_id=advisor, greeted_at=NOW)


@dataclass
class Effects:
    """Calls of the counting handler."""

    advisors: dict[str, list[str]] = field(default_factory=dict)
    fail_with: list[Exception] = field(default_factory=list)

    async def handle(self, _: UnitOfWork, batch: Sequence[ReceivedEvent]) -> None:
        if self.fail_with:
            raise self.fail_with.pop()
        for received in batch:
            event: Any = received.event
            self.advisors.setdefault(event.order_id, []).append(event.advisor_id)


@dataclass
class Bench:
    """Tools of a test: units of work that publish, the service, an administrator's view, raw
    Kafka.
    """

    foundation: Foundation
    service: Service[None]
    uow_factory: UnitOfWorkFactory
    admin: asyncpg.Connection
    effects: Effects
    kafka: Mapping[str, Any]
    producer: AIOKafkaProducer
    begin: dict[TopicPartition, int]

    async def publish(self, *events: CustomerGreeted) -> None:
        stores = {event.store_id for event in events}
        async with self.uow_factory.open(stores, None, CAUSATION) as uow:
            uow.publish(events)

    async def send(self, key: bytes | None, value: bytes | None, headers: dict[str, Any]) -> None:
        """Put a raw record on the order topic."""
        raw = [(name, v.encode() if isinstance(v, str) else v) for name, v in headers.items()]
        await self.producer.send_and_wait(TOPIC, key=key, value=value, headers=raw)

    async def send_greeted(self, order_id: str, *sequences: int) -> None:
        """Put events of one order on the topic, with these sequences."""
        for sequence in sequences:
            event = greeted(order_id)
            headers = headers_of(
                event,
                event_id=f"{order_id}-{sequence}",
                sequence=sequence,
                time=NOW,
                causation=CAUSATION,
            )
            await self.send(order_id.encode(), event.model_dump_json().encode(), headers)

    async def topic(self) -> list[Any]:
        """Return the records that the order topic got in this test."""
        consumer = AIOKafkaConsumer(**self.kafka)
        consumer.assign(list(self.begin))
        await consumer.start()
        try:
            for partition, offset in self.begin.items():
                consumer.seek(partition, offset)
            missing = sum((await consumer.end_offsets(list(self.begin))).values())
            missing -= sum(self.begin.values())
            records: list[Any] = []
            while len(records) < missing:
                for portion in (await consumer.getmany(timeout_ms=200)).values():
                    records += portion
            return records
        finally:
            await consumer.stop()


@pytest_asyncio.fixture
async def bench(servers: Platform) -> AsyncIterator[Bench]:
    """Yield the crm service's foundation, listening to CustomerGreeted."""
    settings = settings_of(servers, "crm")
    effects = Effects()
    reactions = Reactions[None](
        {}, [lambda uow, batch, _: effects.handle(uow, batch)], [CustomerGreeted]
    )
    resources = AsyncExitStack()
    foundation = await resources.enter_async_context(opened("crm", settings))
    service = Service(foundation, None, reactions, {})
    reception = await open_pool(
        settings_of(servers, "reception").database_url, 10, "test reception"
    )
    admin = await asyncpg.connect(servers.admin_url)
    await admin.execute(_FRESH)
    producer = AIOKafkaProducer(**servers.kafka.client)
    await producer.start()
    uow_factory = UnitOfWorkFactory(reception, SystemClock())
    begin = await _ends(servers.kafka.client)
    yield Bench(
        foundation,
        service,
        uow_factory,
        admin,
        effects,
        servers.kafka.client,
        producer,
        begin,
    )
    await resources.aclose()
    await producer.stop()
    await admin.close()
    await reception.close()


async def _ends(kafka: Mapping[str, Any]) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(**kafka)
    await consumer.start()
    try:
        partitions = [TopicPartition(TOPIC, number) for number in range(PARTITIONS)]
        return dict(await consumer.end_offsets(partitions))
    finally:
        await consumer.stop()
