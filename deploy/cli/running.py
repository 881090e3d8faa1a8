"""A running platform as commands reach it: its services, its database and its Kafka."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from deploy.cli.options import settings_for
from deploy.embedded import database
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.kafka_clients import KafkaClients
from deploy.embedded.processes import State
from deploy.embedded.secrets import SERVICES, ensure_secrets, roles
from deploy.embedded.settings import Ports
from deploy.management import TokenSource
from shared.credentials import ServiceCredentials
from shared.settings import FORWARDER, Settings, SettingsError, lacking, read_settings, variable

DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        help="The database, as its administrator; {service} stands for each service's name.",
        show_default="AFTERSALES_SERVICE_ADMIN_DATABASE_URL of each service, else the platform "
        "that runs on the data folder",
    ),
]


_KAFKA = variable("kafka_bootstrap")


@dataclass(frozen=True)
class Addresses:
    """The database's address as its administrator, and connections to Kafka."""

    database_url: str
    kafka: KafkaClients


def reach_service(service: str, data: Path | None) -> tuple[str, TokenSource]:
    """Return the address of a service and what gives tokens for it.

    They are a deployment's where AFTERSALES_TOKEN_URL is set, else those of the platform that runs
    on the data folder.

    Raises:
        SettingsError: the deployment's address is not set.
        EmbeddedError: the service does not run on the data folder.
    """
    tokens = token_source(data, service)
    if not isinstance(tokens, ServiceCredentials):
        return f"http://127.0.0.1:{_ports(settings_for(data).data)[service]}", tokens
    settings, name = read_settings(), f"{service}_url"
    if name not in settings.model_fields_set:
        raise SettingsError(f"{variable(name)} is not set")
    return getattr(settings, name), tokens


def token_source(data: Path | None, service: str = "management") -> TokenSource:
    """Return what gives tokens for a service, a deployment's where AFTERSALES_TOKEN_URL is set.

    Raises:
        EmbeddedError: otherwise, the service does not run on the data folder.
    """
    if os.environ.get(variable("token_url")):
        return ServiceCredentials(read_settings(), "administration")
    folder = settings_for(data).data
    if service not in _ports(folder):
        raise EmbeddedError(
            f"{service} does not run on {folder}; in a deployment, set AFTERSALES_TOKEN_URL"
        )
    return ensure_secrets(folder.resolve() / "secrets").issuer()


def administrator_urls(given: str | None, data: Path | None) -> Mapping[str, str]:
    """Return the address of each service's tables as the database's administrator.

    It is the given one, in which ``{service}`` stands for each name, else that of the service's
    server in a deployment, else the running platform's.

    Raises:
        SettingsError: a deployment lacks the address of a service.
        EmbeddedError: no platform runs on the data folder.
    """
    if given:
        return {service: given.replace("{service}", service) for service in SERVICES}
    names = {service: f"{service}_admin_database_url" for service in SERVICES}
    servers = {service: getattr(read_settings(), name) for service, name in names.items()}
    if is_deployment() or any(servers.values()):
        for service, address in servers.items():
            if not address:
                raise SettingsError(
                    f"{variable(names[service])} is not set; or name the database of all services "
                    "by --database-url"
                )
        return {service: _in_database(address) for service, address in servers.items()}
    needed = variable(names[SERVICES[0]])
    return dict.fromkeys(SERVICES, _database_url(data, "postgres", needed))


def _in_database(server: str) -> str:
    """Return the address of the platform's database on a server."""
    return urlsplit(server)._replace(path=f"/{database.DATABASE}").geturl()


def running_platform(data: Path | None) -> Addresses:
    """Return the addresses of the platform that runs on the data folder.

    Raises:
        EmbeddedError: no platform runs there.
    """
    running = settings_for(data).model_copy(update={"ports": running_ports(data)})
    return Addresses(_database_url(data, "postgres", _KAFKA), KafkaClients(running))


def running_ports(data: Path | None) -> Ports:
    """Return the ports of the platform that runs on the data folder.

    Raises:
        EmbeddedError: no platform runs there.
    """
    _server_ports(data, _KAFKA)
    settings = settings_for(data)
    state = State.read(settings.data / "state.json")
    return settings.ports.model_copy(update=state.ports if state else {})


def is_deployment() -> bool:
    """Return whether the environment says which Kafka to use, as in a deployment."""
    return _KAFKA in os.environ


def kafka_settings(data: Path | None, principal: str) -> Settings:
    """Return the Kafka of the environment, else the running platform's, for ``principal``.

    Raises:
        SettingsError: the environment lacks a setting of Kafka.
        EmbeddedError: neither is there.
    """
    if is_deployment():
        settings = read_settings()
        if missing := lacking(settings, FORWARDER):
            raise SettingsError("; ".join(missing))
        return settings
    return running_platform(data).kafka.settings_of(principal)


def owner_database_url(data: Path | None, service: str) -> str:
    """Return the address of the running platform's database as the owner of a service's schema.

    Raises:
        EmbeddedError: no platform runs on the data folder.
    """
    return _database_url(data, roles(service)[0], variable("owner_database_url"))


def _database_url(data: Path | None, role: str, needed: str) -> str:
    port = _server_ports(data, needed)["postgres"]
    passwords = settings_for(data).data / "secrets" / "passwords.json"
    password = json.loads(passwords.read_text())[role]
    return f"postgresql://{role}:{password}@127.0.0.1:{port}/aftersales"


def _server_ports(data: Path | None, needed: str) -> dict[str, int]:
    """Return the ports of a running platform; ``needed`` is what a deployment sets instead."""
    folder = settings_for(data).data
    ports = _ports(folder)
    if not {"kafka", "postgres"} <= ports.keys():
        raise EmbeddedError(
            f"nothing runs on {folder}; in a deployment, set {needed}, and what else "
            "docs/operations.md names for this command"
        )
    return ports


def _ports(folder: Path) -> dict[str, int]:
    """Return the ports of the processes that run on the data folder, by name."""
    state = State.read(folder / "state.json")
    return {each.name: each.port for each in state.alive()} if state else {}
