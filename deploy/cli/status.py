"""``aftersales status``: every process and its backlog."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import psutil
import typer
from confluent_kafka import KafkaException
from pydantic import BaseModel, ValidationError
from rich.box import SIMPLE
from rich.table import Table

from deploy.cli.options import DataFolder, settings_for
from deploy.cli.running import running_platform
from deploy.cli.terminal import console
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.platform import Platform
from deploy.embedded.processes import Running, State
from deploy.embedded.secrets import ADMINISTRATOR, SERVICES
from deploy.embedded.settings import EmbeddedSettings
from deploy.subscribers.administration import Subscribers
from deploy.subscribers.progress import Progress
from shared.kafka import administration_options
from shared.settings import FORWARDER

_SERVERS = ("kafka", "postgres")
_COUNTERS = {
    "lag": "lag",
    "outbox": "outbox",
    "oldest s": "outbox_age_s",
    "due": "due_timers",
    "deferred": "waiting_timers",
    "parked": "parked_keys",
    "dead letters": "dead_letters",
    "conflicts": "conflicts",
    "lost": "lost",
}


class ServiceStatus(BaseModel):
    """Response of a service to ``GET /status``; ages in seconds, all else as counts.

    ``lag`` is absent while no partition is assigned.
    """

    lag: int | None
    outbox: int
    outbox_age_s: float
    due_timers: int
    waiting_timers: int
    parked_keys: int
    dead_letters: int
    conflicts: int
    published: int
    applied: int
    lost: int


@dataclass(frozen=True)
class ProcessStatus:
    """Present state of one process; ``memory`` in bytes, ``uptime_s`` in seconds.

    A server ``responds`` while it is alive, another process when its ``/health/ready`` says so.
    """

    name: str
    pid: int
    port: int
    uptime_s: float
    memory: int
    service: ServiceStatus | None
    alive: bool
    responds: bool


def status(
    *,
    data: DataFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show each process, its memory, and what waits; exit status 1 when something is down.

    Below the processes stand the subscribers with streams of their own, which the forwarder copies.
    """
    settings = settings_for(data)
    rows = asyncio.run(survey(settings))
    if not rows:
        raise EmbeddedError(
            f"nothing runs on {settings.data}; in a deployment, see `docker compose ps` or "
            "`kubectl get pods`, and GET /status of a service"
        )
    streams = _streams(data)
    if as_json:
        console.print_json(data=[_plain(row, streams) for row in rows])
    else:
        console.print(_table(rows))
        if streams:
            console.print(_table_of_streams(streams))
    if not all(_well(row) for row in rows):
        raise typer.Exit(1)


def _streams(data: Path | None) -> list[Progress] | None:
    """Return the subscribers of some stores, or None where Kafka does not tell."""
    try:
        kafka = running_platform(data).kafka.settings_of(ADMINISTRATOR)
        found = Subscribers(administration_options(kafka)).progress()
    except (EmbeddedError, KafkaException, TimeoutError):
        return None
    return [each for each in found if each.subscriber.stores]


async def survey(settings: EmbeddedSettings) -> list[ProcessStatus]:
    """Return the present state of the processes recorded in the data folder.

    Empty when none is recorded.
    """
    platform = Platform(settings)
    state = State.read(platform.state_file)
    if state is None:
        return []
    token = platform.issuer.token("status", roles=["operator"], stores=[])
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(timeout=3, trust_env=False, headers=headers) as client:
        return list(await asyncio.gather(*(_look(client, each) for each in state.processes)))


def one_line(rows: list[ProcessStatus]) -> str:
    """Return the state of the whole platform in one line."""
    alive = sum(row.alive for row in rows)
    memory = sum(row.memory for row in rows) / 1e6
    counters = ", ".join(
        f"{label} {_total(rows, name)}" for label, name in _COUNTERS.items() if label != "oldest s"
    )
    return f"{alive} of {len(rows)} processes, {memory:,.0f} MB; {counters}; Ctrl-C stops"


def _total(rows: list[ProcessStatus], counter: str) -> str:
    counters = [getattr(row.service, counter, None) for row in rows if _is_service(row.name)]
    known = [each for each in counters if each is not None]
    return str(sum(known)) if len(known) == len(counters) else "?"


def _is_service(name: str) -> bool:
    return name.split("-", maxsplit=1)[0] in SERVICES


async def _look(client: httpx.AsyncClient, running: Running) -> ProcessStatus:
    process = running.find()
    service = await _ask(client, running.port) if process and _is_service(running.name) else None
    return ProcessStatus(
        name=running.name,
        pid=running.pid,
        port=running.port,
        uptime_s=time.time() - running.started if process else 0,
        memory=await asyncio.to_thread(_memory, process) if process else 0,
        service=service,
        alive=process is not None,
        responds=process is not None and await _responds(client, running),
    )


async def _responds(client: httpx.AsyncClient, running: Running) -> bool:
    if running.name in _SERVERS:
        return True
    try:
        response = await client.get(f"http://127.0.0.1:{running.port}/health/ready")
    except httpx.HTTPError:
        return False
    return response.is_success


async def _ask(client: httpx.AsyncClient, port: int) -> ServiceStatus | None:
    try:
        response = await client.get(f"http://127.0.0.1:{port}/status")
        return ServiceStatus.model_validate_json(response.raise_for_status().content)
    except (httpx.HTTPError, ValidationError):
        return None


def _memory(process: psutil.Process) -> int:
    """Return the bytes of the process and its children, shared pages counted once."""
    total = 0
    for each in (process, *process.children(recursive=True)):
        try:
            total += each.memory_full_info().pss
        except psutil.Error:
            continue
    return total


def _well(row: ProcessStatus) -> bool:
    return row.responds and (row.service is not None or not _is_service(row.name))


def _plain(row: ProcessStatus, streams: Sequence[Progress] | None) -> dict[str, object]:
    """Return the state of a process; the forwarder's has the streams that it copies."""
    counters: dict[str, object] = row.service.model_dump() if row.service else {}
    if row.name == FORWARDER and streams is not None:
        counters["streams"] = [
            {
                "subscriber": each.subscriber.name,
                "uncopied": each.uncopied,
                "forwarders": each.forwarders,
            }
            for each in streams
        ]
    return {
        "name": row.name,
        "pid": row.pid,
        "port": row.port,
        "alive": row.alive,
        "responds": row.responds,
        "uptime_s": round(row.uptime_s, 1),
        "memory": row.memory,
        **counters,
    }


def _table(rows: list[ProcessStatus]) -> Table:
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("process", no_wrap=True)
    for heading in ("pid", "port", "up s", "MB", *_COUNTERS):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            row.name,
            str(row.pid),
            str(row.port),
            _uptime(row),
            f"{row.memory / 1e6:,.0f}",
            *_counters(row),
        )
    return table


def _uptime(row: ProcessStatus) -> str:
    if not row.alive:
        return "[red]down[/]"
    return f"{row.uptime_s:,.0f}" if row.responds else "[red]not ready[/]"


def _table_of_streams(streams: Sequence[Progress]) -> Table:
    table = Table("subscriber", box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in ("events to copy", "forwarders"):
        table.add_column(heading, justify="right", no_wrap=True)
    for each in streams:
        copying = str(each.forwarders) if each.forwarders else "[red]none[/]"
        table.add_row(each.subscriber.name, f"{each.uncopied:,}", copying)
    return table


def _counters(row: ProcessStatus) -> list[str]:
    if row.service is None:
        silent = "" if _well(row) else "[red]?[/]"
        return [silent for _ in _COUNTERS]
    counters = [getattr(row.service, name) for name in _COUNTERS.values()]
    return ["?" if counter is None else f"{counter:.0f}" for counter in counters]
