"""Other systems that read events: what they see, and commands about them."""

import asyncio
import getpass
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from typer.testing import CliRunner, Result

from deploy.cli import app
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.platform import Platform
from deploy.embedded.secrets import ADMINISTRATOR
from deploy.embedded.settings import free_ports
from deploy.subscribers.administration import Subscribers
from deploy.subscribers.changes import Attempt
from deploy.subscribers.forwarder import SOURCE_OFFSET, Forwarder
from deploy.subscribers.model import Offer, Subscriber
from shared.contracts.violations import RuleViolation
from shared.ids import new_id
from shared.kafka import administration_options, client_options
from shared.settings import FORWARDER
from tests.support.handover import pasted
from tests.support.master_data import PARTITIONS
from tests.support.polling import PATIENCE_S, until

ORDERS, JOBS = "aftersales.reception.order.v1", "aftersales.workshop.job.v1"
STORES = ("S01", "S02", "S03")
_TIMEOUT_S = PATIENCE_S

Command = Callable[..., Result]


@pytest.fixture
def command(servers: Platform) -> Command:
    """Return ``aftersales subscriber`` on the servers, which knows their data folder alone."""

    def run(*words: str) -> Result:
        options = ("--data", str(servers.settings.data))
        return CliRunner().invoke(app, ["subscriber", *words, *options])

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


def given(told: Result, folder: Path) -> dict[str, str]:
    """Return the variables that the command gives to the owner of a subscriber."""
    assert told.exit_code == 0, told.output
    return pasted(told.stdout, folder)


async def first_events(
    servers: Platform, told: Result, topics: Sequence[str], group: str = ""
) -> list[ConsumerRecord]:
    """Return what a client reads that knows only what the command printed."""
    with TemporaryDirectory() as folder:
        variables = given(told, Path(folder))
        settings = servers.kafka.tls_settings_of(ADMINISTRATOR).model_copy(
            update={
                "kafka_bootstrap": variables["KAFKA_BOOTSTRAP"],
                "kafka_ca_file": Path(variables["KAFKA_CA"]),
                "kafka_username": variables["KAFKA_USER"],
                "kafka_password": variables["KAFKA_PASSWORD"],
            }
        )
        options = client_options(settings)
    async with AIOKafkaConsumer(
        *topics,
        **options,
        group_id=group or variables["KAFKA_GROUP"],
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
    servers: Platform, command: Command, tmp_path: Path
) -> None:
    await send(servers, ORDERS, 20)
    told = await asyncio.to_thread(command, "add", "finance", "--topics", "reception.order")
    assert given(told, tmp_path)["KAFKA_TOPICS"] == ORDERS
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
    assert [(each["lag"], each["last_read"], each["uncopied"]) for each in before] == [
        (None, None, None)
    ]
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


async def test_list_tells_what_is_not_copied(servers: Platform, command: Command) -> None:
    words = ("--topics", "reception.order", "--stores", "S01")
    await asyncio.to_thread(command, "add", "insurer-4", *words)
    await send(servers, ORDERS, 10)

    async def uncopied() -> tuple[int, int]:
        (found,) = json.loads((await asyncio.to_thread(command, "list", "--json")).output)
        return found["uncopied"], found["forwarders"]

    waiting, forwarders = await uncopied()
    assert waiting >= 10
    assert forwarders == 0
    async with forwarding(servers):
        assert await until(lambda: _is(uncopied, (0, 1)))


async def _is(asked: Callable[[], Awaitable[object]], wanted: object) -> bool:
    return await asked() == wanted


async def test_kafka_that_cannot_be_used_is_explained(
    servers: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = f"127.0.0.1:{free_ports(1)[0]}"
    settings = servers.kafka.variables_of("reporting")
    reporting = {f"AFTERSALES_{name.upper()}": str(value) for name, value in settings.items()}
    for changed, sentence in (
        ({"AFTERSALES_KAFKA_BOOTSTRAP": away}, f"Kafka: {away} cannot be reached"),
        ({"AFTERSALES_KAFKA_PASSWORD": "x"}, "Kafka: the broker does not let reporting sign in"),
        ({}, "Kafka: reporting may not alter users and rights"),
    ):
        for name, value in (reporting | changed).items():
            monkeypatch.setenv(name, value)
        words = ["subscriber", "add", "finance", "--topics", "reception.order"]
        result = await asyncio.to_thread(CliRunner().invoke, app, words)
        assert isinstance(result.exception, EmbeddedError), result.output
        assert str(result.exception).startswith(sentence)
        assert ": " in str(result.exception).removeprefix(sentence)


async def test_rotated_password_replaces_the_old_one(servers: Platform, command: Command) -> None:
    await send(servers, ORDERS, 5)
    old = await asyncio.to_thread(command, "add", "finance", "--topics", "reception.order")
    new = await asyncio.to_thread(command, "rotate", "finance")
    assert await first_events(servers, new, [ORDERS])
    with pytest.raises(KafkaError):
        await first_events(servers, old, [ORDERS])


async def test_removed_subscriber_leaves_nothing(
    servers: Platform, command: Command, no_subscribers: Subscribers, tmp_path: Path
) -> None:
    words = ("--topics", "reception.order", "--stores", "S02")
    told = await asyncio.to_thread(command, "add", "insurer-3", *words)
    stream = given(told, tmp_path)["KAFKA_TOPICS"]
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
        (["add", "finance", "--topics", "reception.order", "--stores", ""], "no store is named"),
        (
            ["add", "finance", "--topics", "management.staff", "--stores", "S01"],
            "aftersales.management.staff.v1 holds master data of the whole group, which cannot be "
            "divided by stores",
        ),
        (
            ["add", "finance", "--topics", "reception.order", "--stores", "S01,S99"],
            "there is no store S99; there are S01, S02, S03",
        ),
        (["rotate", "nobody"], "there is no subscriber nobody"),
        (["remove", "nobody"], "there is no subscriber nobody"),
    ],
    ids=[
        "unknown topic",
        "no topic",
        "empty stores",
        "master data",
        "no store",
        "rotate",
        "remove",
    ],
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
        Subscriber.checked(name, [ORDERS], None, Offer({ORDERS: {}}))


async def test_name_is_taken_once(command: Command) -> None:
    words = ("add", "finance", "--topics", "reception.order")
    assert (await asyncio.to_thread(command, *words)).exit_code == 0
    again = await asyncio.to_thread(command, *words)
    assert str(again.exception) == "there is a subscriber finance already"


async def test_changes_at_once_wait_for_each_other(
    servers: Platform, no_subscribers: Subscribers
) -> None:
    offer = Offer.declared(servers.settings.topics_file)
    subscriber = Subscriber.checked("one-of-three", [ORDERS], None, offer)
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
