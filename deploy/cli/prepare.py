"""``aftersales prepare-database`` and ``prepare-kafka``: what services find when they start."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import asyncpg
import typer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from deploy.access import Access, declared_rights
from deploy.cli.terminal import print_line
from deploy.embedded import database
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.secrets import PRINCIPALS, SERVICES, roles
from deploy.embedded.settings import EmbeddedSettings
from deploy.embedded.topics import declared_topics, ensure_topics
from shared.kafka import administration_options, client_options
from shared.settings import Settings, read_settings

_PREPARATION_LOCK = 0x50_F7_E5

Passwords = Annotated[
    Path, typer.Argument(help="JSON file: names with their passwords.", exists=True)
]


def prepare_database(
    passwords: Passwords,
    services: Annotated[
        list[str] | None, typer.Argument(help="Services of this server.", show_default="all")
    ] = None,
) -> None:
    """Make roles, database, schemas and extensions that are missing, and set the roles' passwords.

    AFTERSALES_OWNER_DATABASE_URL is the address of the server's own database as its administrator.
    """
    server_url, wanted = read_settings().owner_database_url, services or list(SERVICES)
    if not server_url:
        raise EmbeddedError("AFTERSALES_OWNER_DATABASE_URL is not set")
    if unknown := sorted(set(wanted) - set(SERVICES)):
        raise EmbeddedError(f"no service {', '.join(unknown)}; there are {', '.join(SERVICES)}")
    own = _read(passwords, [role for service in wanted for role in roles(service)])
    try:
        asyncio.run(_prepare_database(server_url, own, wanted))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise EmbeddedError(f"the database could not be prepared: {error}") from error
    print_line(f"roles and schemas of {', '.join(wanted)} are there")


async def _prepare_database(
    server_url: str, passwords: Mapping[str, str], services: Sequence[str]
) -> None:
    """Prepare a server, one program at a time."""
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _PREPARATION_LOCK)
        await database.ensure_database(server_url, passwords, services)
        address = urlsplit(server_url)._replace(path=f"/{database.DATABASE}")
        await database.ensure_schemas(address.geturl(), services)
    finally:
        await connection.close()


def prepare_kafka(
    passwords: Passwords,
    replication: Annotated[int, typer.Option(min=1, help="Copies of each topic.")] = 3,
) -> None:
    """Make the topics and users that are missing, and give each user exactly the declared rights.

    The AFTERSALES_KAFKA_ settings name Kafka and its administrator.
    """
    settings = read_settings()
    declared, own = EmbeddedSettings(), _read(passwords, PRINCIPALS)
    topics = declared_topics(declared.topics_file, replication)
    rights = declared_rights(declared.acls_file, [each.name for each in topics], PRINCIPALS)
    try:
        asyncio.run(_ensure_topics(settings, topics))
    except (OSError, KafkaError) as error:
        raise EmbeddedError(f"Kafka could not be prepared: {error}") from error
    access = Access(administration_options(settings))
    access.set_passwords(own)
    access.set_rights(rights)
    print_line(f"{len(topics)} topics, and the rights of {len(rights)} users, are as declared")


async def _ensure_topics(settings: Settings, topics: Sequence[NewTopic]) -> None:
    client = AIOKafkaAdminClient(**client_options(settings), request_timeout_ms=10_000)
    await client.start()
    try:
        await ensure_topics(client, list(topics))
    finally:
        await client.close()


def _read(file: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the passwords of ``names`` that a file holds."""
    try:
        found = json.loads(file.read_text())
        return {name: found[name] for name in names}
    except KeyError as error:
        raise EmbeddedError(f"{file}: it has no password of {error.args[0]}") from error
    except (OSError, ValueError, TypeError) as error:
        raise EmbeddedError(f"{file}: it is no JSON file of names and passwords") from error
