"""Kafka as its principals reach it: what each may do, over TLS and by certificate too."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError as ClientError
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    Message,
    Producer,
    TopicPartition,
)

from deploy.access import declared_rights
from deploy.embedded.certificates import new_certificate
from deploy.embedded.platform import Platform
from deploy.embedded.secrets import PRINCIPALS
from deploy.embedded.settings import free_ports
from deploy.embedded.topics import declared_topics
from services.crm.app import create_app as create_crm
from shared.kafka import administration_options, client_options
from shared.settings import Settings
from tests.support.harness import in_process
from tests.support.polling import PATIENCE_S

_TIMEOUT_S = PATIENCE_S
_DENIED = KafkaError.TOPIC_AUTHORIZATION_FAILED


def topics_of(servers: Platform) -> list[str]:
    return [topic.name for topic in declared_topics(servers.settings.topics_file, 1)]


def written(options: Mapping[str, Any], topics: list[str]) -> dict[str, int]:
    """Return the outcome of one record on each topic: 0, or the error's code."""
    outcome: dict[str, int] = {}

    def note(error: KafkaError | None, message: Message) -> None:
        outcome[str(message.topic())] = error.code() if error else 0

    producer = Producer({**options, "log_level": 0})
    for topic in topics:
        producer.produce(topic, b"x", key=b"x", on_delivery=note)
    producer.flush(_TIMEOUT_S)
    return outcome


def read(options: Mapping[str, Any], topics: list[str]) -> dict[str, int]:
    """Return the outcome of reading each topic to an end: 0, or the error's code."""
    consumer = Consumer(
        {
            **options,
            "group.id": "crm",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )
    outcome: dict[str, int] = {}
    for topic in topics:
        if error := consumer.list_topics(topic, _TIMEOUT_S).topics[topic].error:
            outcome[topic] = error.code()
    visible = [topic for topic in topics if topic not in outcome]
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING) for topic in visible])
    deadline = time.monotonic() + _TIMEOUT_S
    while outcome.keys() != set(topics) and time.monotonic() < deadline:
        message = consumer.poll(1.0)
        if message is not None and message.topic() is not None:
            error = message.error()
            code = error.code() if error else 0
            outcome[str(message.topic())] = 0 if code == KafkaError._PARTITION_EOF else code
    consumer.close()
    return outcome


@pytest.mark.parametrize("principal", PRINCIPALS)
async def test_principal_reads_and_writes_only_what_is_declared(
    servers: Platform, principal: str
) -> None:
    topics = topics_of(servers)
    rights = {
        each.principal: each
        for each in declared_rights(servers.settings.acls_file, topics, PRINCIPALS)
    }[principal]
    options = administration_options(servers.kafka.settings_of(principal))
    assert await asyncio.to_thread(written, options, topics) == {
        topic: 0 if topic in rights.writes else _DENIED for topic in topics
    }
    assert await asyncio.to_thread(read, options, topics) == {
        topic: 0 if topic in rights.reads else _DENIED for topic in topics
    }


async def test_principal_joins_no_group_of_another(servers: Platform) -> None:
    options = administration_options(servers.kafka.settings_of("crm"))
    consumer = Consumer({**options, "group.id": "reception", "log_level": 0})
    consumer.subscribe(["aftersales.workshop.job.v1"])
    message = await asyncio.to_thread(consumer.poll, _TIMEOUT_S)
    await asyncio.to_thread(consumer.close)
    assert message is not None
    error = message.error()
    assert error
    assert error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED


async def brokers(settings: Settings) -> int:
    """Return the number of brokers that the settings reach."""
    client = AIOKafkaAdminClient(**client_options(settings), request_timeout_ms=10_000)
    try:
        await client.start()
        return len((await client.describe_cluster())["brokers"])
    finally:
        await client.close()


@pytest.mark.parametrize(
    "change",
    [
        {"kafka_password": "wrong"},
        {"kafka_username": "nobody"},
        {"kafka_security": "PLAINTEXT", "kafka_username": "", "kafka_password": ""},
    ],
    ids=["wrong password", "unknown user", "no user"],
)
async def test_who_does_not_sign_in_is_refused(servers: Platform, change: dict[str, str]) -> None:
    known = servers.kafka.settings_of("crm")
    assert await brokers(known) == 1
    with pytest.raises(ClientError):
        await brokers(known.model_copy(update=change))


def environment(settings: Settings) -> dict[str, str]:
    """Return the variables that say how Kafka is reached."""
    return {
        f"AFTERSALES_{name.upper()}": str(value)
        for name, value in settings
        if name.startswith("kafka_") and value is not None
    }


async def test_service_runs_over_tls(servers: Platform) -> None:
    settings = servers.kafka.tls_settings_of("crm")
    async with in_process(servers, "crm", create_crm, **environment(settings)) as crm:
        await crm.wait_until_idle()


async def test_service_begins_with_broker_that_is_there(servers: Platform) -> None:
    gone = f"127.0.0.1:{free_ports(1)[0]}"
    known = {"AFTERSALES_KAFKA_BOOTSTRAP": f"{gone}, {servers.kafka.bootstrap}"}
    async with in_process(servers, "crm", create_crm, **known) as crm:
        await crm.wait_until_idle()


async def test_service_runs_with_client_certificate(servers: Platform, tmp_path: Path) -> None:
    made = new_certificate(servers.secrets.kafka.authority, "crm")
    (tmp_path / "crm.pem").write_text(made.certificate)
    (tmp_path / "crm-key.pem").write_text(made.key)
    by_certificate = {
        "kafka_security": "SSL",
        "kafka_bootstrap": f"127.0.0.1:{servers.settings.ports.kafka_mutual_tls}",
        "kafka_username": "",
        "kafka_password": "",
        "kafka_certificate_file": tmp_path / "crm.pem",
        "kafka_key_file": tmp_path / "crm-key.pem",
    }
    settings = servers.kafka.tls_settings_of("crm").model_copy(update=by_certificate)
    async with in_process(servers, "crm", create_crm, **environment(settings)) as crm:
        await crm.wait_until_idle()


async def test_broker_of_unknown_authority_is_refused(servers: Platform) -> None:
    settings = servers.kafka.tls_settings_of("crm")
    assert await brokers(settings) == 1
    with pytest.raises(ClientError):
        await brokers(settings.model_copy(update={"kafka_ca_file": None}))


async def test_rights_that_are_not_declared_are_taken_back(servers: Platform) -> None:
    access = servers.kafka.access
    declared = declared_rights(servers.settings.acls_file, topics_of(servers), PRINCIPALS)
    crm = next(each for each in declared if each.principal == "crm")
    assert await asyncio.to_thread(access.rights_of, "crm") == crm.bindings()
    await asyncio.to_thread(
        access.set_rights, [replace(crm, reads=(*crm.reads, "aftersales.reporting.store.v1"))]
    )
    assert await asyncio.to_thread(access.rights_of, "crm") > crm.bindings()
    await servers._bring_up_to_date()
    assert await asyncio.to_thread(access.rights_of, "crm") == crm.bindings()
