"""Embedded platform with a proxy on each of its connections and small disks under its servers."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.demo.clients import Staff
from deploy.demo.group import write_group
from deploy.embedded.kafka import SCRAM, Kafka
from deploy.embedded.platform import ALL, Platform
from deploy.embedded.processes import Process
from deploy.embedded.secrets import SERVICES
from deploy.embedded.settings import EmbeddedSettings, Ports, free_ports
from deploy.group_folder import read_yaml
from shared.clock import SimulatedClock
from tests.faults.proxy import Proxy, database_write, http_write, kafka_write

MORNING = datetime(2026, 3, 4, 0, 30, tzinfo=UTC)
"""Start of the running clock: a Wednesday, 08:30 in Shanghai."""

_READY_S = 240.0
_STORES = 2
_ORDERS_PER_STORE = 40
_DISK_MB = {"postgres": 1400, "kafka": 700}

Server = Literal["postgres", "kafka"]


class _WiredKafka(Kafka):
    """Broker with a second listener whose advertised address is a proxy's."""

    def __init__(self, settings: EmbeddedSettings, report: Callable[[str], None]) -> None:
        super().__init__(settings, report)
        self.wired_port = free_ports(1)[0]
        self.proxy_port = 0

    async def prepare(self) -> Process:
        process = await super().prepare()
        properties = self._folder / "server.properties"
        local = f"LOCAL://127.0.0.1:{self._settings.ports.kafka}"
        text = properties.read_text()
        text = text.replace(
            f"\nlisteners={local},", f"\nlisteners={local},WIRED://127.0.0.1:{self.wired_port},"
        )
        text = text.replace(
            f"\nadvertised.listeners={local}",
            f"\nadvertised.listeners={local},WIRED://127.0.0.1:{self.proxy_port}",
        )
        text = text.replace(
            "protocol.map=LOCAL:SASL_PLAINTEXT,",
            "protocol.map=LOCAL:SASL_PLAINTEXT,WIRED:SASL_PLAINTEXT,",
        )
        text += f"listener.name.wired.scram-sha-512.sasl.jaas.config={SCRAM};\n"
        properties.write_text(text)
        return process


class Testbed(Platform):
    """Platform of a run. Its services reach Kafka, PostgreSQL and one another, and people
    reach its services, through proxies; the run itself connects directly.
    """

    def __init__(self, folder: Path, seed: int, report: Callable[[str], None]) -> None:
        group = folder / "group"
        write_group(group, _STORES, _ORDERS_PER_STORE, seed)
        settings = EmbeddedSettings(
            data=folder / "platform",
            ports=Ports.free(),
            clock_file=folder / "clock",
            group_folder=group,
            ready_timeout_s=_READY_S,
        )
        super().__init__(settings, report)
        self.kafka: _WiredKafka = _WiredKafka(settings, report)
        self.clock = SimulatedClock(folder / "clock")
        self.clock.set(MORNING, running=True)
        self.service_proxies = {
            name: Proxy(getattr(settings.ports, name), http_write) for name in SERVICES
        }
        self.databases = {name: Proxy(settings.ports.postgres, database_write) for name in SERVICES}
        self.broker = Proxy(self.kafka.wired_port, kafka_write)
        self._folder = folder
        self._mounted: list[Path] = []

    @property
    def proxies(self) -> list[Proxy]:
        return [*self.service_proxies.values(), *self.databases.values(), self.broker]

    @property
    def staff(self) -> Staff:
        return Staff(read_yaml(self.settings.group_folder, "staff.yaml")["staff"], self.issuer)

    @property
    def has_disks(self) -> bool:
        """Whether the servers' data stands on small disks of their own."""
        return bool(self._mounted)

    def environment(self, service: str) -> dict[str, str]:
        own = super().environment(service)
        own["AFTERSALES_KAFKA_BOOTSTRAP"] = f"127.0.0.1:{self.broker.port}"
        for name in SERVICES:
            own[f"AFTERSALES_{name.upper()}_URL"] = self.base_url(name)
        if service in SERVICES:
            direct = f":{self.settings.ports.postgres}/"
            for name in ("AFTERSALES_DATABASE_URL", "AFTERSALES_WORKER_DATABASE_URL"):
                own[name] = own[name].replace(direct, f":{self.databases[service].port}/")
        return own

    def base_url(self, service: str) -> str:
        """Return the base address of a service as people reach it."""
        return f"http://127.0.0.1:{self.service_proxies[service].port}"

    async def start(self, services: Sequence[str] = ALL) -> None:
        for proxy in self.proxies:
            await proxy.start()
        self.kafka.proxy_port = self.broker.port
        self._mount_disks()
        await super().start(services)

    async def stop(self) -> None:
        await super().stop()
        for proxy in self.proxies:
            await proxy.stop()
        for folder in reversed(self._mounted):
            await asyncio.to_thread(_unmount, folder)
        self._mounted.clear()

    def instances(self, name: str) -> list[Process]:
        """Return the process ``name`` and the instances added to it."""
        return [
            process
            for process in self.processes
            if process.name == name or process.name.startswith(f"{name}-")
        ]

    async def halt(self, name: str) -> None:
        """Stop every instance; they can be started again."""
        await asyncio.gather(*(process.stop() for process in self.instances(name)))

    async def revive(self, name: str) -> None:
        """Start every instance that has ended, and wait until all take requests."""
        ended = [process for process in self.instances(name) if not process.alive]
        if ended and name == "postgres":
            await self.postgres.prepare()
        for process in ended:
            process.start()
        await asyncio.gather(*(self.ready(process.name) for process in self.instances(name)))

    async def join(self, service: str) -> Process:
        """Add an instance of a service."""
        return await self.add_instance(service, str(len(self.instances(service)) + 1))

    async def double(self) -> None:
        """Add a second instance of every service, to which people are sent as well."""
        for process in await asyncio.gather(*(self.join(service) for service in SERVICES)):
            self.service_proxies[process.name.partition("-")[0]].targets.append(process.port)

    async def remove_instance(self, process: Process) -> None:
        """Stop an added instance."""
        await self._stop([process.name])

    async def fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        """Return rows as the database's administrator sees them."""
        connection = await asyncpg.connect(self.admin_url, timeout=10)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    async def execute(self, statements: str) -> None:
        """Run statements as the database's administrator, in one transaction."""
        connection = await asyncpg.connect(self.admin_url, timeout=10)
        try:
            await connection.execute(statements)
        finally:
            await connection.close()

    async def members(self, service: str) -> int:
        """Return the present number of consumers in the service's group."""
        async with self.kafka.admin() as admin:
            responses = await admin.describe_consumer_groups([service])
        return len(responses[0].groups[0][5])

    async def rewind(self, service: str) -> int:
        """Set the offsets of a stopped service to 0; return the number of records it will get
        again.
        """
        topics = sorted(
            {
                row["topic"]
                for row in await self.fetch(f"SELECT topic FROM {service}.stream_position")
            }
        )
        consumer = AIOKafkaConsumer(**self.kafka.client, group_id=service, enable_auto_commit=False)
        partitions = [TopicPartition(topic, number) for topic in topics for number in range(12)]
        consumer.assign(partitions)
        await consumer.start()
        try:
            again = sum([await consumer.committed(partition) or 0 for partition in partitions])
            await consumer.commit(dict.fromkeys(partitions, 0))
            return again
        finally:
            await consumer.stop()

    # Small disks

    def _mount_disks(self) -> None:
        """Put the data folder on one small disk and Kafka's part of it on another, logs on none."""
        data = self.settings.data
        logs = self._folder / "logs"
        logs.mkdir()
        data.mkdir(parents=True)
        if not _mount(data, _DISK_MB["postgres"]):
            return
        self._mounted.append(data)
        (data / "kafka").mkdir()
        if _mount(data / "kafka", _DISK_MB["kafka"]):
            self._mounted.append(data / "kafka")
        (data / "logs").symlink_to(logs)

    def fill_disk(self, server: Server) -> None:
        """Fill a server's disk."""
        folder = self._disk(server)
        with (folder / "ballast").open("wb") as ballast:
            free = os.statvfs(folder)
            with suppress(OSError):
                os.posix_fallocate(ballast.fileno(), 0, free.f_bavail * free.f_frsize)

    def clear_disk(self, server: Server) -> None:
        (self._disk(server) / "ballast").unlink(missing_ok=True)

    def _disk(self, server: Server) -> Path:
        data = self.settings.data
        return data / "kafka" if server == "kafka" else data


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", folder], check=False)


def _mount(folder: Path, megabytes: int) -> bool:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder],
        capture_output=True,
        check=False,
    )
    return mounted.returncode == 0
