"""The whole platform on one machine: Kafka, PostgreSQL, the five services and the desk."""

import asyncio
import fcntl
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

import httpx
from aiokafka.admin import NewTopic

from deploy.access import declared_rights
from deploy.embedded import database
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.kafka import Kafka
from deploy.embedded.postgres import Postgres
from deploy.embedded.processes import (
    Launch,
    Process,
    Running,
    State,
    execute,
    kill_left_over,
    owned_secrets,
    ports_taken,
)
from deploy.embedded.secrets import PRINCIPALS, SERVICES, Secrets, ensure_secrets, roles
from deploy.embedded.settings import EmbeddedSettings, free_ports
from deploy.embedded.topics import declared_topics, drop_topics, ensure_topics
from deploy.serving import service_command
from shared.db import OlderSchemaError, migrate
from shared.issuer import DevelopmentIssuer
from shared.settings import DESK, FORWARDER, SUBSCRIBERS

_EMPTY, _KEPT = "empty", "kept"
ALL = (*SERVICES, DESK)
_OWN_FILES = (
    "kafka",
    "postgres",
    "postgres.new",
    "secrets",
    "files",
    "tax-invoices",
    "sessions",
    "logs",
    "state.json",
    "lock",
)
_SERVER_PORTS = ("kafka", "kafka_controller", "kafka_tls", "kafka_mutual_tls", "postgres")
_BACKOFF_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_STEADY_S = 60.0

Report = Callable[[str], None]
CommandOf = Callable[[str, int], Sequence[str]]


CALLS_IN_ITS_OWN_NAME = "reception"
"""The service that needs a token of its own, here from the development issuer."""


RECOGNISE_VEHICLES = ("reception", "crm")
"""Services that must recognize the same plate and VIN, by a key of both."""


@dataclass
class _Restarts:
    """Recent restarts of a process, and the earliest time of the next one."""

    count: int = 0
    started_at: float = 0.0

    def pause_s(self) -> float:
        if time.monotonic() - self.started_at > _STEADY_S:
            self.count = 0
        pause = _BACKOFF_S[min(self.count, len(_BACKOFF_S) - 1)]
        self.count += 1
        return pause


class Platform:
    """The processes on one data folder. Use it from one event loop in one lasting thread.

    ``report`` receives each step in one line. ``command_of`` gives the command line of a service by
    name and port, for a process that stands in for it; ``launch`` starts services and desk.
    """

    def __init__(
        self,
        settings: EmbeddedSettings,
        report: Report = lambda _: None,
        command_of: CommandOf = service_command,
        launch: Launch = execute,
    ) -> None:
        self.settings = settings
        self.launch = launch
        self._report = report
        self._command_of = command_of
        self._processes: dict[str, Process] = {}
        self._lock: IO[str] | None = None
        self._secrets: Secrets | None = None
        self._has_empty_copy = False
        self._kept_topics: frozenset[str] = frozenset()
        self.kafka = Kafka(settings, report)

    # Parts of the platform

    @property
    def state_file(self) -> Path:
        return self.settings.data / "state.json"

    @property
    def secrets(self) -> Secrets:
        """Key files and passwords; made when the data folder has none."""
        if self._secrets is None:
            self._secrets = ensure_secrets(self.settings.data.resolve() / "secrets")
        return self._secrets

    @property
    def postgres(self) -> Postgres:
        return Postgres(self.settings, self.secrets.passwords["postgres"])

    @property
    def admin_url(self) -> str:
        """The superuser's address of the platform's database; row-level security does not apply."""
        return self.database_url("postgres")

    @cached_property
    def issuer(self) -> DevelopmentIssuer:
        """Issuer of tokens that this platform's services accept."""
        return self.secrets.issuer()

    def database_url(self, role: str) -> str:
        """Return the address of the platform's database for ``role`` (see ``secrets.roles``)."""
        return self.postgres.url(role, self.secrets.passwords[role], database.DATABASE)

    def url(self, name: str) -> str:
        """Return the base address of a service, of the desk, or of an added instance."""
        process = self._processes.get(name)
        port = process.port if process else getattr(self.settings.ports, name)
        return f"http://127.0.0.1:{port}"

    def process(self, name: str) -> Process:
        """Return the process ``kafka``, ``postgres``, ``desk``, a service or an added instance."""
        try:
            return self._processes[name]
        except KeyError:
            raise EmbeddedError(f"no process {name} was started") from None

    @property
    def processes(self) -> list[Process]:
        """All processes in the order in which they were started."""
        return list(self._processes.values())

    def environment(self, service: str) -> dict[str, str]:
        """Return the settings of ``service`` (or of the desk) as environment variables."""
        common = {
            "JWKS_FILE": self.secrets.jwks_file,
            "CLAIMS_WITHOUT_RECORD": True,
            "PUBLIC_URL": self.url(DESK),
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": getattr(self.settings.ports, service),
            **{f"{name.upper()}_URL": self.url(name) for name in (*SERVICES, SUBSCRIBERS)},
        }
        if self.settings.clock_file:
            common["CLOCK_FILE"] = self.settings.clock_file.resolve()
        own = self._own_settings.get(service, self._service_settings)(service)
        return {f"AFTERSALES_{name}": str(value) for name, value in {**common, **own}.items()}

    @property
    def _own_settings(self) -> Mapping[str, Callable[[str], dict[str, object]]]:
        return {
            DESK: self._desk_settings,
            FORWARDER: self._kafka_settings,
            SUBSCRIBERS: self._subscribers_settings,
        }

    def _kafka_settings(self, principal: str) -> dict[str, object]:
        return {name.upper(): value for name, value in self.kafka.variables_of(principal).items()}

    def _subscribers_settings(self, principal: str) -> dict[str, object]:
        others = self.kafka.tls_settings_of(principal)
        return {
            **self._kafka_settings(principal),
            "SUBSCRIBER_KAFKA_BOOTSTRAP": others.kafka_bootstrap,
            "SUBSCRIBER_KAFKA_CA_FILE": others.kafka_ca_file,
        }

    def _issuing(self) -> dict[str, object]:
        return {"ISSUER_KEY_FILE": self.secrets.issuer_key_file}

    def _desk_settings(self, _: str) -> dict[str, object]:
        return {
            **self._issuing(),
            "DESK_SECRET_FILE": self.secrets.desk_secret_file,
            "DESK_SESSIONS": self.settings.data.resolve() / "sessions",
        }

    def _service_settings(self, service: str) -> dict[str, object]:
        _, runtime, worker = roles(service)
        return {
            **self._kafka_settings(service),
            "DATABASE_URL": self.database_url(runtime),
            "WORKER_DATABASE_URL": self.database_url(worker),
            "KEYS_FILE": self.secrets.keys_files[service],
            "TAX_INVOICE_FOLDER": self.settings.data.resolve() / "tax-invoices",
            "FILES": self.settings.data.resolve() / "files",
            "INSTANCE": "1",
            **(self._issuing() if service == CALLS_IN_ITS_OWN_NAME else {}),
            **(
                {"RECOGNITION_KEYS_FILE": self.secrets.recognition_keys_file}
                if service in RECOGNISE_VEHICLES
                else {}
            ),
        }

    @property
    def _topics(self) -> list[NewTopic]:
        return declared_topics(self.settings.topics_file, replication=1)

    # Starting

    async def start(self, services: Sequence[str] = ALL) -> None:
        """Start the servers, bring database and topics up to date, start ``services``.

        Raises :class:`EmbeddedError` in one line, with everything stopped again, when a port is
        taken, the data folder is in use, or a process does not come up.
        """
        self._take_folder()
        try:
            self._check_ports([*_SERVER_PORTS, *services])
            await self._start_servers()
            await self._bring_up_to_date()
            await self.start_services(services)
        except BaseException:
            await self.stop()
            raise

    def _take_folder(self) -> None:
        _own(self.settings.data)
        lock = (self.settings.data / "lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            state = State.read(self.state_file)
            by = f" by pid {state.supervisor.pid}" if state else ""
            raise EmbeddedError(f"{self.settings.data} is already in use{by}") from None
        self._lock = lock
        state = State.read(self.state_file)
        for left_over in kill_left_over(state) if state else ():
            self._report(f"{left_over.name}: ended pid {left_over.pid}, left by an earlier run")

    def _check_ports(self, names: Sequence[str]) -> None:
        wanted = {name: getattr(self.settings.ports, name) for name in names}
        if taken := ports_taken(wanted):
            raise EmbeddedError("; ".join(taken))

    async def _start_servers(self) -> None:
        self._report("starting Kafka and PostgreSQL")
        for server in (await self.kafka.prepare(), await self.postgres.prepare()):
            self._run(server)
        await asyncio.gather(
            self._until_ready(self.process("kafka"), self.kafka.is_responding),
            self._until_ready(self.process("postgres"), self.postgres.is_responding),
        )

    async def _bring_up_to_date(self) -> None:
        self._report("preparing database and topics")
        await self._migrate()
        async with self.kafka.admin() as admin:
            await ensure_topics(admin, self._topics)
        await asyncio.to_thread(self._set_access)

    def _set_access(self) -> None:
        """Give Kafka's users their passwords and the rights that are declared."""
        passwords = self.secrets.kafka.passwords
        topics = [topic.name for topic in self._topics]
        rights = declared_rights(self.settings.acls_file, topics, PRINCIPALS)
        self.kafka.access.set_passwords({name: passwords[name] for name in PRINCIPALS})
        self.kafka.access.set_rights(rights)

    async def _migrate(self) -> None:
        await database.ensure_database(self.postgres.server_url, self.secrets.passwords)
        await database.ensure_schemas(self.admin_url)
        for service in SERVICES:
            await self._migrate_schema(service)

    async def _migrate_schema(self, service: str) -> None:
        try:
            await migrate(self.database_url(roles(service)[0]), service)
        except OlderSchemaError:
            raise EmbeddedError(
                f"{self.settings.data} holds data of another version ({service}): "
                "start with --reset-data to remove it and begin again"
            ) from None

    async def empty(self) -> None:
        """Empty the running servers of all events and rows. No service may be running."""
        self._require_no_service()
        if self._has_empty_copy:
            await self._restore_database(_EMPTY)
        else:
            await database.drop_database(self.postgres.server_url)
            await self._migrate()
            await database.keep(self.postgres.server_url, _EMPTY)
            self._has_empty_copy = True
        await self._empty_topics()
        self._kept_topics = frozenset()

    async def keep(self, topics: Collection[str]) -> None:
        """Keep all rows, and the events of ``topics``, until the servers are emptied.

        No service may be running.
        """
        self._require_no_service()
        await database.keep(self.postgres.server_url, _KEPT)
        self._kept_topics = frozenset(topics)

    @property
    def has_kept(self) -> bool:
        """Whether rows and events are kept."""
        return bool(self._kept_topics)

    async def restore(self, *, with_events: bool = True) -> None:
        """Leave the rows that are kept, the events only where wanted, and no others.

        No service may be running.
        """
        self._require_no_service()
        await self._restore_database(_KEPT)
        await self._empty_topics(self._kept_topics if with_events else ())

    def _require_no_service(self) -> None:
        if busy := [name for name in self._processes if name not in ("kafka", "postgres")]:
            raise EmbeddedError(f"stop {', '.join(busy)} before the data is removed")

    async def _restore_database(self, copy: str) -> None:
        await database.restore(self.postgres.server_url, copy)
        await database.ensure_schemas(self.admin_url)

    async def _empty_topics(self, keep: Collection[str] = ()) -> None:
        async with self.kafka.admin() as admin:
            await drop_topics(admin, keep)
            await ensure_topics(admin, self._topics)

    async def start_services(self, services: Sequence[str] = ALL) -> None:
        """Start ``services`` together and wait until each says that it is ready."""
        if services:
            self._report(f"starting {', '.join(services)}")
        for service in services:
            self._run(self._service(service, service, getattr(self.settings.ports, service), {}))
        await asyncio.gather(*(self.ready(service) for service in services))

    async def add_instance(self, service: str, instance: str, **overrides: str) -> Process:
        """Start one more process of ``service`` on a free port, called ``service-instance``."""
        port = free_ports(1)[0]
        own = {"AFTERSALES_INSTANCE": instance, "AFTERSALES_HTTP_PORT": str(port), **overrides}
        process = self._service(f"{service}-{instance}", service, port, own)
        self._run(process)
        await self.ready(process.name)
        return process

    async def restart(self, name: str, **overrides: str) -> None:
        """Start ``name`` again, after stopping it if it runs, and wait until it is ready."""
        process = self.process(name)
        await process.stop()
        process.start(**overrides)
        self._write_state()
        await self.ready(name)

    async def ready(self, name: str) -> None:
        """Wait until ``name`` takes requests."""
        servers = {"kafka": self.kafka.is_responding, "postgres": self.postgres.is_responding}
        process = self.process(name)
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            await self._until_ready(
                process, servers.get(name) or (lambda: _is_responding(client, process.port))
            )

    def _service(self, name: str, service: str, port: int, own: dict[str, str]) -> Process:
        return Process(
            name,
            port,
            self._command_of(service, port),
            {**owned_secrets(service), **self.environment(service), **own},
            self.settings.data / "logs" / f"{name}.log",
            launch=self.launch,
        )

    def _run(self, process: Process) -> None:
        process.start()
        self._processes[process.name] = process
        self._write_state()

    async def _until_ready(
        self, process: Process, is_responding: Callable[[], Awaitable[bool]]
    ) -> None:
        deadline = time.monotonic() + self.settings.ready_timeout_s
        while not await is_responding():
            if not process.alive:
                raise EmbeddedError(
                    f"{process.name} ended while it started: {process.last_words()} ({process.log})"
                )
            if time.monotonic() > deadline:
                waited = self.settings.ready_timeout_s
                raise EmbeddedError(
                    f"{process.name} was not ready after {waited:.0f} s ({process.log})"
                )
            await asyncio.sleep(0.1)

    # Running

    async def supervise(self) -> None:
        """Restart ended processes, with a growing pause, until cancelled."""
        await asyncio.gather(*(self._keep_alive(process) for process in self.processes))

    async def _keep_alive(self, process: Process) -> None:
        restarts = _Restarts()
        while True:
            await asyncio.sleep(0.5)
            if process.wanted and not process.alive:
                await self._revive(process, restarts)

    async def _revive(self, process: Process, restarts: _Restarts) -> None:
        pause = restarts.pause_s()
        self._report(
            f"{process.name} ended ({process.exit_status()}), starting it again in {pause:.0f} s; "
            f"see {process.log}"
        )
        await asyncio.sleep(pause)
        restarts.started_at = time.monotonic()
        process.start()
        self._write_state()

    def _write_state(self) -> None:
        State(
            supervisor=Running.of("supervisor", os.getpid(), 0),
            processes=tuple(each.running for each in self._processes.values()),
            ports=self.settings.ports.model_dump(),
        ).write(self.state_file)

    # Stopping

    async def stop_services(self) -> None:
        """Stop desk and services, and leave Kafka and PostgreSQL running."""
        await self._stop([name for name in self._processes if name not in ("kafka", "postgres")])

    async def stop(self) -> None:
        """Stop everything in reverse order; a process that does not end in time is killed."""
        await self.stop_services()
        await self._stop(["kafka"])
        await self._stop(["postgres"])
        if self._lock:
            self.state_file.unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    async def _stop(self, names: Sequence[str]) -> None:
        known = [self._processes.pop(name) for name in names if name in self._processes]
        for process, ended in zip(
            known, await asyncio.gather(*(each.stop() for each in known)), strict=True
        ):
            if not ended:
                self._report(f"{process.name} did not end in time and was killed")
        if known:
            self._write_state()


def _own(folder: Path) -> None:
    """Create the data folder or restrict its access; other accounts cannot read it.

    The restriction also holds for files that are made from now on.

    Raises:
        EmbeddedError: it is another account's.
    """
    os.umask(0o077)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        folder.chmod(0o700)
    except PermissionError:
        owner = folder.stat().st_uid
        raise EmbeddedError(
            f"{folder} belongs to account {owner}, so it cannot be closed to others (mode 0700)"
        ) from None


def remove_data(settings: EmbeddedSettings) -> None:
    """Delete the files that a platform keeps in its data folder, and no others."""
    state = State.read(settings.data / "state.json")
    if state and state.supervisor.find():
        raise EmbeddedError(f"{settings.data} is in use by pid {state.supervisor.pid}")
    for name in _OWN_FILES:
        path = settings.data / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


async def _is_responding(client: httpx.AsyncClient, port: int) -> bool:
    try:
        response = await client.get(f"http://127.0.0.1:{port}/health/ready")
    except httpx.HTTPError:
        return False
    return response.is_success
