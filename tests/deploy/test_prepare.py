"""What is prepared on the servers of a deployment before its services start."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from typer.testing import CliRunner

from deploy.access import Access, Rights, declared_rights
from deploy.cli import app
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.platform import Platform
from deploy.embedded.secrets import PRINCIPALS, roles
from deploy.embedded.topics import declared_topics
from shared.kafka import administration_options


@pytest.fixture(scope="module")
def administrator(servers: Platform) -> dict[str, str]:
    """Return the environment of the commands that prepare the servers."""
    kafka = servers.kafka.variables_of("admin")
    return {
        **{f"AFTERSALES_{name.upper()}": str(value) for name, value in kafka.items()},
        "AFTERSALES_OWNER_DATABASE_URL": servers.postgres.server_url,
    }


@pytest.fixture
async def passwords(servers: Platform, tmp_path: Path) -> AsyncIterator[Path]:
    """Yield the file of the roles' passwords, one of them new; set the old ones at the end."""
    file = tmp_path / "passwords.json"
    file.write_text(json.dumps({**servers.secrets.passwords, "crm_worker": "another-password"}))
    yield file
    connection = await asyncpg.connect(servers.postgres.server_url)
    old = servers.secrets.passwords["crm_worker"]
    await connection.execute(f"ALTER ROLE crm_worker PASSWORD '{old}'")
    await connection.close()


async def test_database_is_prepared_for_named_service(
    servers: Platform, administrator: dict[str, str], passwords: Path
) -> None:
    arguments = ("prepare-database", str(passwords), "crm")
    printed = await asyncio.to_thread(_printed, administrator, *arguments)
    assert printed == "roles and schemas of crm are there\n"
    new = servers.postgres.url("crm_worker", "another-password", "aftersales")
    connection = await asyncpg.connect(new)
    try:
        assert await connection.fetchval("SELECT count(*) FROM outbox") is not None
    finally:
        await connection.close()


def test_kafka_is_prepared_as_declared(
    servers: Platform, administrator: dict[str, str], tmp_path: Path
) -> None:
    access = Access(administration_options(servers.kafka.settings_of("admin")))
    access.set_rights([Rights("crm", reads=["aftersales.reporting.store.v1"])])
    file = tmp_path / "passwords.json"
    file.write_text(json.dumps(servers.secrets.kafka.passwords))
    printed = _printed(administrator, "prepare-kafka", str(file), "--replication", "1")
    topics = [each.name for each in declared_topics(servers.settings.topics_file, 1)]
    assert printed.startswith(f"{len(topics)} topics, and the rights of {len(PRINCIPALS)} users")
    for rights in declared_rights(servers.settings.acls_file, topics, PRINCIPALS):
        assert access.rights_of(rights.principal) == rights.bindings(), rights.principal


@pytest.mark.parametrize(
    ("command", "content", "said"),
    [
        ("prepare-database", "{}", f"it has no password of {roles('reception')[0]}"),
        ("prepare-database", "[", "it is no JSON file of names and passwords"),
        ("prepare-kafka", '{"reception": "x"}', "it has no password of workshop"),
    ],
)
def test_wrong_password_file_is_named(
    administrator: dict[str, str], tmp_path: Path, command: str, content: str, said: str
) -> None:
    file = tmp_path / "passwords.json"
    file.write_text(content)
    with pytest.raises(EmbeddedError, match=said):
        _printed(administrator, command, str(file))


def _printed(environment: dict[str, str], *arguments: str) -> str:
    result = CliRunner().invoke(app, arguments, env=environment)
    if result.exception:
        raise result.exception
    return result.output
