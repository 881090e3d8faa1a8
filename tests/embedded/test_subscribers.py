"""Other systems that read events: what they see, and commands about them."""

import asyncio
import getpass
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from typer.testing import CliRunner, Result

from deploy.cli import app
from deploy.embedded.platform import Platform
from deploy.embedded.secrets import ADMINISTRATOR
from deploy.subscribers.administration import Subscribers
from deploy.subscribers.changes import Attempt
from deploy.subscribers.forwarder import SOURCE_OFFSET, Forwarder
from deploy.subscribers.model import Offer, Subscriber
from shared.contracts.violations import RuleViolation
from shared.ids import new_id
from shared.kafka import administration_options, client_options
from shared.settings import FORWARDER
from tests.support.master_data import PARTITIONS
from tests.support.polling import PATIENCE_S, until

ORDERS, JOBS = "aftersales.reception.order.v1", "aftersales.workshop.job.v1"
STORES = ("S01", "S02", "S03")
_TIMEOUT_S = PATIENCE_S

Command = Callable[..., Result]


@pytest.fixture
def command(servers: Platform) -> Command:
    """Return ``aftersales subscriber`` on the servers."""
    environment = {"AFTERSALES_EMBEDDED_PORTS__KAFKA_TLS": str(servers.settings.ports.kafka_tls)}

    def run(*words: str) -> Result:
        options = ("--data", str(servers.settings.data))
        return CliRunner().invoke(app, ["subscriber", *words, *options], env=environment)

    return run


@pytest_asyncio.fixture(autouse=True)
async def no_subscribers(servers: Platform) -> AsyncIterator[Subscribers]:
    """Remove the subscribers of a test."""
    subscribers = Subscribers(administration_options(servers.kafka.settings_of(ADMINISTRATOR)))
    yield subscribers
    for name in await asyncio.to_thread(subscribers.all):
        await asyncio.to_thread(subscribers.remove, name, Attempt("tests", str(new_id())))


@asynccontextmanager
async def forwarding(servers: Platform) -> AsyncIterator[None]:
    """Run the forwarder, as its own user."""
    forwarder = Forwarder(client_options(servers.kafka.settings_of("forwarder")))
    running = asyncio.create_task(forwarder.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def send(servers: Platform, topic: str, events: int) -> None:
    """Send events of seven keys of three stores; a key is one store's."""
    async with AIOKafkaProducer(**servers.kafka.client) as producer:
        for number in range(events):
            store = STORES[number % 7 % 3].encode()
            headers = [("ce_storeid", store), ("ce_id", str(number).encode())]
            key = f"order-{number % 7}".encode()
            await producer.send(topic, str(number).encode(), key=key, headers=headers)
        await producer.flush()


async def records(servers: Platform, topic: str) -> list[ConsumerRecord]:
    """Return all records of a topic, those of a partition in their order."""
    places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    async with AIOKafkaConsumer(**servers.kafka.client, enable_auto_commit=False) as consumer:
        consumer.assign(places)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(places)
        found: list[ConsumerRecord] = []
        while len(found) < sum(ends.values()):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found += batch
    return sorted(found, key=lambda each: (each.partition, each.offset))


def copied(original: ConsumerRecord) -> tuple[object, ...]:
    """Return all of a record that a copy keeps."""
    return (original.partition, original.key, original.value, original.timestamp, original.headers)


def source(copy: ConsumerRecord) -> tuple[object, ...]:
    """Return what a copy says about its original."""
    *headers, (name, _) = copy.headers
    assert name == SOURCE_OFFSET
    return (copy.partition, copy.key, copy.value, copy.timestamp, tuple(headers))


async def all_copied(servers: Platform, subscriber: Subscriber, topic: str) -> None:
    """Wait until the stream of the subscriber has each event that it sees once, in order."""
    wanted = [
        copied(each)
        for each in await records(servers, topic)
        if dict(each.headers).get("ce_storeid", b"").decode() in subscriber.stores
    ]

    async def is_there() -> bool:
        return len(await records(servers, subscriber.streams[topic])) >= len(wanted)

    assert wanted
    assert await until(is_there, _TIMEOUT_S)
    assert [source(each) for each in await records(servers, subscriber.streams[topic])] == wanted


def shown(result: Result, label: str) -> str:
    """Return a value that the command has printed under a label."""
    assert result.exit_code == 0, result.output
    line = next(line for line in result.output.splitlines() if line.startswith(label))
    return line.removeprefix(label).split("(")[0].strip()


async def first_events(
    servers: Platform, told: Result, topics: Sequence[str], group: str = ""
) -> list[ConsumerRecord]:
    """Return what a client reads that knows only what the command printed."""
    settings = servers.kafka.tls_settings_of(ADMINISTRATOR).model_copy(
        update={
            "kafka_bootstrap": shown(told, "bootstrap"),
            "kafka_security": shown(told, "security"),
            "kafka_ca_file": shown(told, "CA file"),
            "kafka_username": shown(told, "user"),
            "kafka_password": shown(told, "password"),
        }
    )
    async with AIOKafkaConsumer(
        *topics,
        **client_options(settings),
        group_id=group or shown(told, "groups").replace("…", "first"),
        auto_offset_reset="earliest",
    ) as consumer:
        async with asyncio.timeout(_TIMEOUT_S):
            found: list[ConsumerRecord] = []
            while not found:
                for batch in (await consumer.getmany(timeout_ms=500)).values():
                    found += batch
        await consumer.commit()
        return found


async def test_subscriber_of_all_stores_reads_given_topics(
    servers: Platform, command: Command
) -> None:
    await send(servers, ORDERS, 20)
    told = await asyncio.to_thread(command, "add", "finance", "--topics", "reception.order")
    assert shown(told, "topics") == ORDERS
    assert await first_events(servers, told, [ORDERS])
    with pytest.raises(TopicAuthorizationFailedError):
        await first_events(servers, told, [JOBS])
    with pytest.raises(GroupAuthorizationFailedError):
        await first_events(servers, told, [ORDERS], "reporting")


async def test_subscriber_of_some_stores_gets_events_in_order(
    servers: Platform, command: Command, no_subscribers: Subscribers
) -> None:
    words = ("--topics", f"{ORDERS},workshop.job", "--stores", "S01,S03")
    told = await asyncio.to_thread(command, "add", "insurer-1", *words)
    subscriber = await asyncio.to_thread(no_subscribers.one, "insurer-1")
    await servers.start_services((FORWARDER,))
    for topic in (ORDERS, JOBS):
        await send(servers, topic, 60)
        await all_copied(servers, subscriber, topic)
    await servers.stop_services()
    seen = await first_events(servers, told, [subscriber.streams[ORDERS]])
    assert {dict(each.headers)["ce_storeid"] for each in seen} <= {b"S01", b"S03"}
    with pytest.raises(TopicAuthorizationFailedError):
        await first_events(servers, told, [ORDERS])


async def test_restart_of_forwarder_loses_and_repeats_nothing(
    servers: Platform, command: Command, no_subscribers: Subscribers
) -> None:
    await send(servers, ORDERS, 300)
    words = ("--topics", "reception.order", "--stores", "S02")
    await asyncio.to_thread(command, "add", "insurer-2", *words)
    subscriber = await asyncio.to_thread(no_subscribers.one, "insurer-2")
    async with forwarding(servers):
        await until(lambda: _has_records(servers, subscriber), _TIMEOUT_S)
    await send(servers, ORDERS, 300)
    async with AIOKafkaConsumer(
        **servers.kafka.client, group_id=subscriber.forwarding_group
    ) as group:
        places = [TopicPartition(ORDERS, number) for number in range(PARTITIONS)]
        group.assign(places)
        await group.commit(dict.fromkeys(places, 0))
    async with forwarding(servers):
        await all_copied(servers, subscriber, ORDERS)


async def _has_records(servers: Platform, subscriber: Subscriber) -> bool:
    return bool(await records(servers, subscriber.streams[ORDERS]))


async def test_list_shows_lag_and_last_read(servers: Platform, command: Command) -> None:
    told = await asyncio.to_thread(command, "add", "finance", "--topics", "reception.order")
    before = json.loads((await asyncio.to_thread(command, "list", "--json")).output)
    assert [(each["lag"], each["last_read"]) for each in before] == [(None, None)]
    await send(servers, ORDERS, 20)
    await first_events(servers, told, [ORDERS])
    await send(servers, ORDERS, 5)
    (after,) = json.loads((await asyncio.to_thread(command, "list", "--json")).output)
    assert after["lag"] >= 5
    assert after["last_read"]
    assert after["groups"] == ["subscriber.finance.first"]
    table = (await asyncio.to_thread(command, "list")).output
    assert "finance" in table
    assert "password" not in table


async def test_rotated_password_replaces_the_old_one(servers: Platform, command: Command) -> None:
    await send(servers, ORDERS, 5)
    old = await asyncio.to_thread(command, "add", "finance", "--topics", "reception.order")
    new = await asyncio.to_thread(command, "rotate", "finance")
    assert await first_events(servers, new, [ORDERS])
    with pytest.raises(KafkaError):
        await first_events(servers, old, [ORDERS])


async def test_removed_subscriber_leaves_nothing(
    servers: Platform, command: Command, no_subscribers: Subscribers
) -> None:
    words = ("--topics", "reception.order", "--stores", "S02")
    told = await asyncio.to_thread(command, "add", "insurer-3", *words)
    stream = shown(told, "topics")
    removed = await asyncio.to_thread(command, "remove", "insurer-3")
    assert removed.output == "subscriber insurer-3 is removed\n"
    with pytest.raises(KafkaError):
        await first_events(servers, told, [stream])
    access = servers.kafka.access
    assert "subscriber.insurer-3" not in await asyncio.to_thread(access.users)
    assert not await asyncio.to_thread(access.rights_of, "subscriber.insurer-3")
    async with servers.kafka.admin() as admin:
        assert stream not in await admin.list_topics()
    assert not await asyncio.to_thread(no_subscribers.all)
    added, removed_then = (await asyncio.to_thread(no_subscribers.changes))[-2:]
    assert [added.kind, removed_then.kind] == ["added", "removed"]
    assert removed_then.subscriber == added.subscriber
    assert removed_then.by == f"cli:{getpass.getuser()}"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["add", "finance", "--topics", "reception.orders"], "there is no topic reception.orders"),
        (["add", "finance", "--topics", ","], "no topic is named"),
        (
            ["add", "finance", "--topics", "management.staff", "--stores", "S01"],
            "aftersales.management.staff.v1 holds master data of the whole group, which cannot be "
            "divided by stores",
        ),
        (["rotate", "nobody"], "there is no subscriber nobody"),
        (["remove", "nobody"], "there is no subscriber nobody"),
    ],
    ids=["unknown topic", "no topic", "master data", "rotate unknown", "remove unknown"],
)
async def test_what_cannot_be_done_is_said(
    command: Command, words: list[str], sentence: str
) -> None:
    result = await asyncio.to_thread(command, *words)
    assert isinstance(result.exception, RuleViolation)
    assert str(result.exception).startswith(sentence)


@pytest.mark.parametrize(
    "name", ["", "Insurer", "1insurer", "a.b", "a*", "a-", "a--b", "保险", "a b", "a" * 41]
)
def test_odd_name_is_refused_with_the_rule(name: str) -> None:
    with pytest.raises(RuleViolation, match="lower-case letters, digits and single hyphens"):
        Subscriber.checked(name, [ORDERS], [], Offer({ORDERS: {}}))


async def test_name_is_taken_once(command: Command) -> None:
    words = ("add", "finance", "--topics", "reception.order")
    assert (await asyncio.to_thread(command, *words)).exit_code == 0
    again = await asyncio.to_thread(command, *words)
    assert str(again.exception) == "there is a subscriber finance already"


async def test_changes_at_once_wait_for_each_other(
    servers: Platform, no_subscribers: Subscribers
) -> None:
    offer = Offer.declared(servers.settings.topics_file)
    subscriber = Subscriber.checked("one-of-three", [ORDERS], [], offer)
    options = administration_options(servers.kafka.settings_of(ADMINISTRATOR))
    attempts = [
        asyncio.to_thread(Subscribers(options).add, subscriber, offer, Attempt("tests", key))
        for key in ("first", "second", "third")
    ]
    answers = await asyncio.gather(*attempts, return_exceptions=True)
    refused = [each.rule for each in answers if isinstance(each, RuleViolation)]
    assert refused == ["subscriber_exists"] * 2
    made = [each for each in no_subscribers.changes() if each.subscriber == subscriber]
    assert [each.kind for each in made] == ["added"]
