"""Addresses of a running platform: its database and its Kafka."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.options import settings_for
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.processes import State

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        help="The database, as its administrator.",
        show_default="the platform that runs on the data folder",
    ),
]


@dataclass(frozen=True)
class Addresses:
    """The database's address as its administrator, and Kafka's bootstrap address."""

    database_url: str
    kafka_bootstrap: str


def service_url(data: Path | None, service: str) -> str:
    """Return the base address of a service of the platform that runs on the data folder.

    Raises:
        EmbeddedError: the service does not run there.
    """
    folder = settings_for(data).data
    ports = _ports(folder)
    if service not in ports:
        raise EmbeddedError(f"{service} does not run on {folder}")
    return f"http://127.0.0.1:{ports[service]}"


def running_platform(data: Path | None) -> Addresses:
    """Return the addresses of the platform that runs on the data folder.

    Raises:
        EmbeddedError: no platform runs there.
    """
    folder = settings_for(data).data
    ports = _ports(folder)
    if not {"kafka", "postgres"} <= ports.keys():
        raise EmbeddedError(f"nothing runs on {folder}")
    password = json.loads((folder / "secrets" / "passwords.json").read_text())["postgres"]
    return Addresses(
        f"postgresql://postgres:{password}@127.0.0.1:{ports['postgres']}/aftersales",
        f"127.0.0.1:{ports['kafka']}",
    )


def _ports(folder: Path) -> dict[str, int]:
    """Return the ports of the processes that run on the data folder, by name."""
    state = State.read(folder / "state.json")
    return {each.name: each.port for each in state.alive()} if state else {}
