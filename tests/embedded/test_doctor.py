"""Faults of a deployment, each made on purpose, and what the doctor says about them."""

import asyncio
import json
import ssl
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic
from typer.testing import CliRunner

from deploy.access import Rights, declared_rights
from deploy.cli import app
from deploy.cli.doctor import examine
from deploy.doctor import database
from deploy.doctor import kafka as doctor_of_kafka
from deploy.doctor.channels import look_at_channels
from deploy.doctor.database import look_at_database
from deploy.doctor.files import look_at_files
from deploy.doctor.findings import Finding
from deploy.doctor.issuer import look_at_issuer
from deploy.doctor.kafka import _Client, look_at_kafka
from deploy.doctor.services import look_at_services
from deploy.doctor.subscribers import look_at_subscribers
from deploy.embedded.certificates import Certified, new_authority, new_certificate
from deploy.embedded.platform import Platform
from deploy.embedded.secrets import ADMINISTRATOR, PRINCIPALS, SERVICES, roles
from deploy.embedded.settings import free_ports
from deploy.embedded.topics import declared_topics, ensure_topics
from deploy.subscribers.administration import Subscribers
from deploy.subscribers.changes import Attempt
from deploy.subscribers.model import Offer, Subscriber
from shared.issuer import DevelopmentIssuer
from shared.kafka import administration_options
from shared.settings import SUBSCRIBERS, Settings
from tests.support.fake_servers import mail_server
from tests.support.master_data import PARTITIONS
from tests.support.polling import until
from tests.support.service_settings import settings_of

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
CUSTOMERS = "aftersales.crm.customer.v1"
JOBS = "aftersales.workshop.job.v1"


def errors(findings: Sequence[Finding]) -> list[str]:
    """Return what is wrong, without what to do, which each of them says."""
    wrong = [each for each in findings if each.level != "ok"]
    assert all(each.remedy for each in wrong)
    return [each.seen for each in wrong]


def declared(servers: Platform) -> list[NewTopic]:
    return declared_topics(servers.settings.topics_file, 1)


def rights_of_crm(servers: Platform) -> Rights:
    names = [topic.name for topic in declared(servers)]
    rights = declared_rights(servers.settings.acls_file, names, PRINCIPALS)
    return next(each for each in rights if each.principal == "crm")


@pytest_asyncio.fixture(scope="module", autouse=True)
async def no_deadlines(servers: Platform) -> None:
    """Remove the deadlines that came with the master data: no service runs that meets them."""
    connection = await asyncpg.connect(servers.admin_url)
    await connection.execute("DELETE FROM crm.timer")
    await connection.close()


async def kafka(servers: Platform, settings: Settings | None = None, **changes: Any) -> list[str]:
    """Return what is wrong with Kafka for crm, whose settings differ by ``changes``."""
    own = (settings or servers.kafka.settings_of("crm")).model_copy(update=changes)
    rights = rights_of_crm(servers)
    return errors(await asyncio.to_thread(look_at_kafka, own, rights, declared(servers)))


async def test_platform_without_faults_is_well(servers: Platform) -> None:
    assert await kafka(servers) == []
    assert await kafka(servers, servers.kafka.tls_settings_of("crm")) == []
    settings = settings_of(servers, "crm")
    assert errors(await look_at_database(settings, "crm", NOW)) == []


async def test_unreachable_broker_is_named(servers: Platform) -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    assert await kafka(servers, kafka_bootstrap=address) == [
        f"{address} cannot be reached (Connection refused)"
    ]
    assert await kafka(servers, kafka_bootstrap="kafka") == ["kafka is no host:port"]


async def test_user_who_cannot_sign_in_is_named(servers: Platform) -> None:
    assert await kafka(servers, kafka_password="wrong") == ["the broker does not let crm sign in"]


class Silent(BaseHTTPRequestHandler):
    """Handler of requests that logs nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def tls_server(made: Certified, folder: Path) -> Iterator[str]:
    """Yield the address of a server that shows a certificate."""
    (folder / "server.pem").write_text(made.key + made.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def ends_in(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


@pytest.mark.parametrize(
    ("hosts", "ends", "sentence"),
    [
        (["kafka.example"], ends_in(90), "the certificate of ADDRESS is for another name"),
        (["127.0.0.2"], ends_in(90), "the certificate of ADDRESS is for another name"),
        (["127.0.0.1"], ends_in(-1), "the certificate of ADDRESS has expired"),
        (["127.0.0.1"], ends_in(9), f"the certificate of ADDRESS ends on {ends_in(9):%Y-%m-%d}"),
    ],
    ids=["other name", "other address", "expired", "expires soon"],
)
async def test_wrong_certificate_is_explained(
    servers: Platform, tmp_path: Path, hosts: list[str], ends: datetime, sentence: str
) -> None:
    made = new_certificate(servers.secrets.kafka.authority, "broker", hosts, ends)
    settings = servers.kafka.tls_settings_of("crm")
    with tls_server(made, tmp_path) as address:
        seen = await kafka(servers, settings, kafka_bootstrap=address)
    assert seen[0] == sentence.replace("ADDRESS", address)


async def test_unknown_authority_is_explained(servers: Platform, tmp_path: Path) -> None:
    other = new_authority("another")
    made = new_certificate(other, "broker", ["127.0.0.1"])
    with tls_server(made, tmp_path) as address:
        settings = servers.kafka.tls_settings_of("crm")
        (seen,) = await kafka(servers, settings, kafka_bootstrap=address)
    assert seen.startswith(f"the certificate of {address} is not trusted")


async def test_broker_without_tls_is_explained(servers: Platform) -> None:
    plain = servers.kafka.bootstrap
    (seen,) = await kafka(servers, servers.kafka.tls_settings_of("crm"), kafka_bootstrap=plain)
    assert seen.startswith(f"{plain} does not speak TLS")


async def test_missing_topic_is_named(servers: Platform) -> None:
    async with servers.kafka.admin() as admin:
        await admin.delete_topics([CUSTOMERS])
        try:
            seen = await kafka(servers)
        finally:
            await ensure_topics(admin, declared(servers))
    assert f"topic {CUSTOMERS} does not exist" in seen


async def test_missing_rights_are_named(servers: Platform) -> None:
    access, rights = servers.kafka.access, rights_of_crm(servers)
    fewer = replace(
        rights,
        reads=[topic for topic in rights.reads if topic != JOBS],
        joins=["crm.state"],
    )
    await asyncio.to_thread(access.set_rights, [fewer])
    try:
        seen = await kafka(servers)
    finally:
        await asyncio.to_thread(access.set_rights, [rights])
    assert seen == [f"crm may not see topic {JOBS}", "crm may not join consumer group crm"]


async def test_topic_without_leader_is_named(
    servers: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = _Client._described

    def without_leader(client: _Client, name: str) -> Any:
        topic: Any = described(client, name)
        if name == JOBS:
            topic.partitions[1].leader = None
        return topic

    monkeypatch.setattr(_Client, "_described", without_leader)
    assert await kafka(servers) == [f"topic {JOBS} has no leader for 1 partitions"]


async def test_topic_that_differs_is_named(servers: Platform) -> None:
    topics = declared(servers)
    wider = [
        NewTopic(JOBS, 12, 1, topic_configs={**topic.topic_configs, "retention.ms": "1000"})
        for topic in topics
        if topic.name == JOBS
    ]
    administrator = servers.kafka.settings_of(ADMINISTRATOR)
    rights = replace(rights_of_crm(servers), joins=())
    seen = errors(await asyncio.to_thread(look_at_kafka, administrator, rights, wider))
    assert seen == [
        f"topic {JOBS} has 3 partitions, declared are 12",
        f"topic {JOBS} has retention.ms=-1, declared is 1000",
    ]


@asynccontextmanager
async def with_records(servers: Platform, number: int, ahead_s: float = 0) -> AsyncIterator[None]:
    """Send records to a topic that crm reads, and make the topic anew afterwards."""
    sent_at = int((time.time() + ahead_s) * 1000)
    async with AIOKafkaProducer(**servers.kafka.client) as producer:
        for _ in range(number):
            await producer.send_and_wait(JOBS, b"{}", timestamp_ms=sent_at)
    try:
        yield
    finally:
        async with servers.kafka.admin() as admin:
            await admin.delete_topics([JOBS])
            await ensure_topics(admin, declared(servers))


async def test_lag_of_consumer_group_is_counted(
    servers: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_of_kafka, "_MUCH_LAG", 4)
    async with with_records(servers, 5):
        async with AIOKafkaConsumer(**servers.kafka.client, group_id="crm") as group:
            places = [TopicPartition(JOBS, number) for number in range(PARTITIONS)]
            group.assign(places)
            await group.commit(dict.fromkeys(places, 0))
        assert await kafka(servers) == ["5 records wait for consumer group crm"]


async def test_clock_ahead_of_this_machine_is_named(servers: Platform) -> None:
    async with with_records(servers, 1, ahead_s=90):
        (seen,) = await kafka(servers)
    assert seen.startswith(f"the newest record of topic {JOBS} is ")
    assert seen.endswith("s ahead of this machine's clock")


@pytest_asyncio.fixture
async def insurer(servers: Platform) -> AsyncIterator[tuple[Subscribers, Subscriber]]:
    """Yield the administration, and a subscriber of one store, which is removed afterwards."""
    offer = Offer.declared(servers.settings.topics_file)
    subscriber = Subscriber.checked("insurer", [JOBS], ["S01"], offer)
    subscribers = Subscribers(administration_options(servers.kafka.settings_of(SUBSCRIBERS)))
    await asyncio.to_thread(subscribers.add, subscriber, offer, Attempt("tests", "add"))
    yield subscribers, subscriber
    await asyncio.to_thread(subscribers.remove, "insurer", Attempt("tests", "remove"))


async def of_subscribers(servers: Platform, **changes: Any) -> list[str]:
    others = servers.kafka.tls_settings_of(SUBSCRIBERS)
    named = {
        "subscriber_kafka_bootstrap": others.kafka_bootstrap,
        "subscriber_kafka_ca_file": others.kafka_ca_file,
    }
    settings = servers.kafka.settings_of(SUBSCRIBERS).model_copy(update=named | changes)
    return errors(await asyncio.to_thread(look_at_subscribers, settings))


async def test_subscriber_without_forwarder_is_named(
    servers: Platform, insurer: tuple[Subscribers, Subscriber]
) -> None:
    idle = "no forwarder copies events for insurer"
    assert await of_subscribers(servers) == [idle]
    subscribers, subscriber = insurer
    access = servers.kafka.access
    await asyncio.to_thread(access.set_rights, [Rights(subscriber.user)])
    other = "subscriber.insurer has other rights than it should"
    assert await of_subscribers(servers) == [other, idle]
    await asyncio.to_thread(access.remove_user, subscriber.user)
    no_user = "insurer has no user subscriber.insurer"
    assert await until(lambda: _are(of_subscribers(servers), [no_user, idle]))
    await asyncio.to_thread(subscribers.rotate, "insurer", Attempt("tests", "rotate"))
    stream = subscriber.streams[JOBS]
    async with servers.kafka.admin() as admin:
        await admin.delete_topics([stream])
    gone = f"topic {stream} of insurer does not exist"
    assert await until(lambda: _are(of_subscribers(servers), [gone, idle]))


async def _are(asked: Awaitable[list[str]], wanted: list[str]) -> bool:
    return await asked == wanted


async def test_listener_of_subscribers_is_doubted(servers: Platform) -> None:
    assert await of_subscribers(servers) == []
    other = servers.kafka.tls_settings_of(SUBSCRIBERS).kafka_bootstrap
    no_authority, untrusted = await of_subscribers(servers, subscriber_kafka_ca_file=None)
    assert no_authority == f"no authority of {other} is set for subscribers"
    assert untrusted.startswith(f"the certificate of {other} is not trusted")
    (plain,) = await of_subscribers(servers, subscriber_kafka_bootstrap="")
    assert plain.startswith(f"{servers.kafka.bootstrap} takes SASL_PLAINTEXT, but subscribers")


async def test_service_that_desk_misses_is_named() -> None:
    nowhere = f"http://127.0.0.1:{free_ports(1)[0]}"
    with issuer(lambda path, _: (503 if path.startswith("/busy") else 200, {})) as address:
        ready = {f"{name}_url": address for name in (*SERVICES, SUBSCRIBERS)}
        assert errors(await look_at_services(Settings.model_validate(ready))) == []
        wrong = ready | {"crm_url": nowhere, "reporting_url": f"{address}/busy"}
        away, unready = errors(await look_at_services(Settings.model_validate(wrong)))
    assert away.startswith(f"crm gives no answer at {nowhere}")
    assert unready.startswith("reporting is not ready (503 at ")


async def of_database(servers: Platform, **changes: str) -> list[str]:
    settings = settings_of(servers, "crm").model_copy(update=changes)
    return errors(await look_at_database(settings, "crm", NOW))


async def test_database_that_cannot_be_used_is_explained(servers: Platform) -> None:
    right = servers.database_url("crm")
    port = servers.settings.ports.postgres
    password = servers.secrets.passwords["crm"]
    name = "AFTERSALES_DATABASE_URL"
    away = free_ports(1)[0]
    for wrong, sentence in {
        right.replace(f":{port}/", f":{away}/"): (
            f"{name} leads to no server (127.0.0.1:{away}: Connection refused)"
        ),
        right + "?sslmode=verify-full&sslrootcert=/nowhere/ca": (
            f"{name} names a file that is not there, or a socket (127.0.0.1:{port}: No such file "
            "or directory)"
        ),
        right.replace(password, "wrong"): f"{name} is refused: wrong password",
        right + "_2": f"{name} names a database that does not exist",
    }.items():
        assert await of_database(servers, database_url=wrong) == [sentence]


async def test_wrong_authorities_are_told_before_connecting(
    servers: Platform, tmp_path: Path
) -> None:
    (tmp_path / "ca").write_text("no certificate")
    settings = servers.kafka.tls_settings_of("crm")
    (seen,) = await kafka(
        servers,
        settings,
        kafka_bootstrap=f"127.0.0.1:{free_ports(1)[0]}",
        kafka_ca_file=tmp_path / "ca",
    )
    assert seen.startswith("the files for TLS cannot be used (")


async def test_channels_that_are_away_are_named() -> None:
    port = free_ports(1)[0]
    gateways = {"sms_gateway_url": f"http://127.0.0.1:{port}", "sms_gateway_secret": "x"}
    away = gateways | {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_sender": "s@a.example"}
    assert errors(look_at_channels(Settings.model_validate(away))) == [
        f"mail server 127.0.0.1:{port} cannot be used (Connection refused)",
        f"127.0.0.1:{port} cannot be reached (Connection refused)",
    ]
    assert look_at_channels(Settings()) == []
    async with mail_server() as mail:
        with issuer(lambda *_: (200, {})) as gateway:
            there = away | {
                "smtp_port": mail.port,
                "smtp_security": "none",
                "sms_gateway_url": gateway,
            }
            found = look_at_channels(Settings.model_validate(there))
    assert [each.level for each in found] == ["ok", "ok"]
    assert mail.taken == []


async def test_look_makes_no_clock(servers: Platform, tmp_path: Path) -> None:
    file = tmp_path / "clock"
    settings = settings_of(servers, "crm").model_copy(update={"clock_file": file})
    assert errors(await examine("crm", settings, servers.settings)) == [
        f"AFTERSALES_CLOCK_FILE: {file} cannot be read (No such file or directory)"
    ]
    assert not file.exists()


@asynccontextmanager
async def changed(servers: Platform, statement: str, back: str) -> AsyncIterator[None]:
    """Change the database as its administrator, and change it back."""
    connection = await asyncpg.connect(servers.admin_url)
    try:
        await connection.execute(statement)
        yield
    finally:
        await connection.execute(back)
        await connection.close()


async def test_missing_extension_is_named(servers: Platform) -> None:
    name = "EXTENSION pg_stat_statements"
    async with changed(servers, f"DROP {name}", f"CREATE {name}"):
        assert await of_database(servers) == ["extension pg_stat_statements is missing"]


async def test_schema_of_another_version_is_named(servers: Platform) -> None:
    owner = servers.database_url(roles("crm")[0])
    assert await of_database(servers, owner_database_url=owner) == []
    of_first = "UPDATE crm.migrations SET digest = {} WHERE from_revision = 'initial'"
    connection = await asyncpg.connect(servers.admin_url)
    digest = await connection.fetchval(
        "SELECT digest FROM crm.migrations WHERE from_revision = 'initial'"
    )
    await connection.close()
    async with changed(servers, of_first.format("'other'"), of_first.format(f"'{digest}'")):
        seen = await of_database(servers, owner_database_url=owner)
    assert seen == ["the schema of crm is another version's"]


async def test_stuck_deadlines_and_dead_letters_are_counted(servers: Platform) -> None:
    timer = (
        "INSERT INTO crm.timer (timer_id, store_id, kind, entity_id, due_at, data, next_attempt_at"
        ", given_up_at) VALUES (gen_random_uuid(), 'S01', 'k', '{}', '2026-03-03', '{{}}', "
        "'2026-03-03', {});"
    )
    made = timer.format("a", "NULL") + timer.format("b", "now()")
    async with changed(servers, made, "DELETE FROM crm.timer WHERE kind = 'k'"):
        seen = await of_database(servers)
    assert seen == [
        "1 deadlines are due and not handled",
        "1 dead letters wait for a decision",
    ]


async def test_event_that_was_never_sent_is_named(
    servers: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_OLD_S", 0.0)
    event = (
        "INSERT INTO crm.outbox (id, store_id, topic, aggregatetype, aggregateid, sequence, type"
        ", payload, headers) VALUES (gen_random_uuid(), 'S01', 't', 'a', 'k', 1, 'x', '{}', '{}')"
    )
    async with changed(servers, event, "DELETE FROM crm.outbox WHERE topic = 't'"):
        (seen,) = await of_database(servers)
    assert seen.startswith("the oldest event has waited to be sent for ")


async def test_clock_that_differs_is_named(
    servers: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = SimpleNamespace(time=lambda: datetime.now(UTC).timestamp() + 90)
    monkeypatch.setattr(database, "time", ahead)
    assert await of_database(servers) == [
        "the clocks of this machine and of the database differ by 90 s"
    ]


@contextmanager
def issuer(respond: Callable[[str, str], tuple[int, Any]]) -> Iterator[str]:
    """Yield the address of an issuer that responds to a path with a status and JSON."""

    class Handler(Silent):
        def do_GET(self) -> None:
            address = f"http://{self.headers['Host']}"
            status, content = respond(self.path, address)
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        do_PUT = do_POST  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


async def of_issuer(
    servers: Platform,
    service: str = "reception",
    *,
    audience: str = "aftersales",
    issues_as: str = "",
    **changes: Any,
) -> list[str]:
    """Return what is wrong with an issuer of ES256 tokens, for a service."""
    keys = json.loads(servers.secrets.jwks_file.read_text())

    def respond(path: str, address: str) -> tuple[int, Any]:
        key = servers.secrets.issuer_key_file
        development = DevelopmentIssuer(key, issues_as or address, audience)
        token = development.token("reception", roles=["system"], stores=[])
        return {
            "/.well-known/openid-configuration": (200, {"issuer": address}),
            "/jwks": (200, keys),
            "/token": (200, {"access_token": token}),
        }.get(path, (404, {}))

    with issuer(respond) as address:
        settings = Settings.model_validate(
            {
                "issuer": address,
                "jwks_url": f"{address}/jwks",
                "token_url": f"{address}/token",
                "client_id": "reception",
                "client_secret": "x",
            }
            | {name: str(value).replace("ADDRESS", address) for name, value in changes.items()}
        )
        return errors(await look_at_issuer(settings, service))


async def test_issuer_without_faults_is_well(servers: Platform) -> None:
    assert await of_issuer(servers) == []


async def test_issuer_of_another_audience_is_explained(servers: Platform) -> None:
    (seen,) = await of_issuer(servers, audience="billing")
    assert seen.startswith("the issuer's token is not accepted")
    assert "aud is another audience" in seen


async def test_issuer_that_is_away_or_wrong_is_explained(servers: Platform) -> None:
    nowhere = f"http://127.0.0.1:{free_ports(1)[0]}"
    (away,) = await of_issuer(servers, jwks_url=f"{nowhere}/jwks")
    assert away.startswith(f"{nowhere}/jwks gives no answer")
    assert await of_issuer(servers, issuer=nowhere, issues_as=nowhere) == []
    (unseen,) = await of_issuer(servers, "desk", issuer=nowhere, issues_as=nowhere)
    assert unseen.startswith(f"{nowhere}/.well-known/openid-configuration gives no answer")
    (other,) = await of_issuer(servers, issuer="ADDRESS/")
    assert other.startswith("the issuer calls itself http://127.0.0.1:")
    (refused,) = await of_issuer(servers, token_url="ADDRESS/nothing")
    assert refused == "the issuer gives reception no token (404)"


async def test_files_that_are_refused_are_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "files"
    (absent,) = await look_at_files(str(place), "")
    assert (absent.level, place.exists()) == ("warning", False)
    place.mkdir()
    (well,) = await look_at_files(str(place), "")
    assert (well.level, list(place.iterdir())) == ("ok", [place / "doctor"])
    (place / "doctor").rmdir()
    (place / "doctor").write_text("")
    (folder,) = errors(await look_at_files(str(place), ""))
    assert folder.startswith(f"{place} refuses")

    def respond(path: str, address: str) -> tuple[int, Any]:
        return 403, {}

    with issuer(respond) as address:
        monkeypatch.setenv("AWS_ENDPOINT", address)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_REGION", "cn-east-1")
        (s3,) = errors(await look_at_files("s3://pictures/aftersales", "wrong"))
    assert s3.startswith("s3://pictures/aftersales refuses")
    assert "lacked the necessary privileges" in s3


async def test_command_prints_lines_or_json_and_exits(servers: Platform) -> None:
    ports = servers.settings.ports.model_dump()
    environment = {f"AFTERSALES_EMBEDDED_PORTS__{n.upper()}": str(p) for n, p in ports.items()}
    environment["AFTERSALES_EMBEDDED_TOPICS_FILE"] = str(servers.settings.topics_file)
    words = ["doctor", "crm", "--data", str(servers.settings.data)]
    well = await asyncio.to_thread(CliRunner().invoke, app, words, env=environment)
    assert well.exit_code == 0, well.output
    assert all(line.startswith("ok ") for line in well.output.splitlines())
    environment["AFTERSALES_EMBEDDED_PORTS__KAFKA"] = str(free_ports(1)[0])
    ill = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--json"], env=environment)
    assert ill.exit_code == 1
    wrong = [each for each in json.loads(ill.output) if each["level"] == "error"]
    assert [(each["service"], each["area"]) for each in wrong] == [("crm", "kafka")]
