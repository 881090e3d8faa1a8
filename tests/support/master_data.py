"""Master data of the demo group in the databases and topics of the tests."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from deploy.embedded.platform import Platform
from deploy.group_import import import_group
from services.crm.entrypoints import events as crm
from services.reception.entrypoints import events as reception
from services.reporting.entrypoints import events as reporting
from services.workshop.entrypoints import events as workshop
from shared.contracts.base import State
from shared.reactions import Reactions
from shared.service import Service, opened
from tests.support.polling import until
from tests.support.service_settings import settings_of

PARTITIONS = 3
"""Partitions of a topic: fewer than in production, as Kafka and consumers work for each."""

_ALL_SENT = "SELECT NOT EXISTS (SELECT FROM management.outbox WHERE sent_at IS NULL)"

READERS: Mapping[str, Sequence[type[State]]] = {
    "reception": reception.STATES,
    "workshop": workshop.STATES,
    "crm": crm.STATES,
    "reporting": reporting.STATES,
}
"""States that each service reads."""

_REACTIONS: Mapping[str, Reactions[Any]] = {
    "reception": reception.STATE_REACTIONS,
    "workshop": workshop.STATE_REACTIONS,
    "crm": crm.STATE_REACTIONS,
}
"""Reactions to states, which need no dependencies."""


async def define_group(servers: Platform) -> None:
    """Import the group folder, and let each service read the states; none runs afterwards."""
    await servers.start_services(("management",))
    imported = await import_group(
        servers.settings.group_folder, servers.url("management"), servers.issuer
    )
    assert not [each for each in imported if each.refused]
    assert await until(lambda: _all_sent(servers))
    await servers.stop_services()
    for service in READERS:
        await read_states(servers, service)


def state_topics() -> frozenset[str]:
    """Return the topics with master data."""
    return frozenset(each.topic for states in READERS.values() for each in states)


@dataclass(frozen=True)
class SentStates:
    """All records on the topics with master data, and the offsets behind the last ones."""

    records: Sequence[ConsumerRecord]
    ends: Mapping[TopicPartition, int]

    @classmethod
    async def of(cls, servers: Platform) -> "SentStates":
        """Read the topics from their beginnings."""
        async with _reader(servers) as reader:
            ends = await reader.end_offsets(reader.assignment())
            records: list[ConsumerRecord] = []
            while len(records) < sum(ends.values()):
                found = await reader.getmany(timeout_ms=200)
                records += [record for batch in found.values() for record in batch]
            return cls(records, ends)

    async def are_all(self, servers: Platform) -> bool:
        """Return whether no state was sent since."""
        async with _reader(servers) as reader:
            return bool(await reader.end_offsets(reader.assignment()) == self.ends)

    async def send_again(self, servers: Platform) -> None:
        """Send them to emptied topics; who has applied them passes over them."""
        producer = AIOKafkaProducer(**servers.kafka.client)
        await producer.start()
        for each in self.records:
            await producer.send(
                each.topic,
                each.value,
                key=each.key,
                partition=each.partition,
                headers=list(each.headers),
            )
        await producer.stop()


@asynccontextmanager
async def _reader(servers: Platform) -> AsyncIterator[AIOKafkaConsumer]:
    reader = AIOKafkaConsumer(**servers.kafka.client, auto_offset_reset="earliest")
    await reader.start()
    topics = state_topics()
    reader.assign([TopicPartition(topic, each) for topic in topics for each in range(PARTITIONS)])
    try:
        yield reader
    finally:
        await reader.stop()


async def read_states(servers: Platform, service: str) -> None:
    """Read states as the service does, with its group, into its tables, and react to them."""
    on_clock = {"clock_file": servers.settings.clock_file}
    settings = settings_of(servers, service).model_copy(update=on_clock)
    async with opened(service, settings) as foundation:
        service_of_states: Service[Any] = Service(
            foundation,
            None,
            Reactions({}),
            {},
            states=READERS[service],
            state_reactions=_REACTIONS.get(service),
        )
        projection = service_of_states.projection
        assert projection
        await projection.consumer.start()
        await projection.complete()
        await projection.consumer.stop()


async def _all_sent(servers: Platform) -> bool:
    admin = await asyncpg.connect(servers.admin_url)
    try:
        return bool(await admin.fetchval(_ALL_SENT))
    finally:
        await admin.close()
