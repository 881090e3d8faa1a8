"""The platform's database: one schema and three roles per service."""

from collections.abc import Mapping, Sequence

import asyncpg

from deploy.embedded.secrets import SERVICES, roles
from shared.db import Connection

DATABASE = "aftersales"
_EXTENSIONS = ("btree_gist", "pg_stat_statements")


async def ensure_database(
    server_url: str, passwords: Mapping[str, str], services: Sequence[str] = SERVICES
) -> None:
    """Create the roles and the database if they are missing, and set the roles' passwords."""
    connection = await asyncpg.connect(server_url)
    try:
        for service in services:
            for role in roles(service):
                await _ensure_role(connection, role, passwords[role])
        if not await connection.fetchval(
            "SELECT true FROM pg_database WHERE datname = $1", DATABASE
        ):
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()


async def ensure_schemas(admin_url: str, services: Sequence[str] = SERVICES) -> None:
    """Create the extensions, and each service's schema with its owner and search paths."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC")
        for extension in _EXTENSIONS:
            await connection.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
        for service in services:
            await _ensure_schema(connection, service)
    finally:
        await connection.close()


async def drop_database(server_url: str) -> None:
    """Remove the database with all its contents, even if clients are connected."""
    connection = await asyncpg.connect(server_url)
    try:
        await _drop(connection, DATABASE)
    finally:
        await connection.close()


async def keep(server_url: str, copy: str) -> None:
    """Store a copy of the database for :func:`restore`; no client may be connected."""
    connection = await asyncpg.connect(server_url)
    try:
        await _drop(connection, f"{DATABASE}_{copy}")
        await connection.execute(f"CREATE DATABASE {DATABASE}_{copy} TEMPLATE {DATABASE}")
    finally:
        await connection.close()


async def restore(server_url: str, copy: str) -> None:
    """Replace the database by a stored copy, even if clients are connected.

    Rights and search paths of the database itself are not part of it (see `ensure_schemas`).
    """
    connection = await asyncpg.connect(server_url)
    try:
        await _drop(connection, DATABASE)
        await connection.execute(f"CREATE DATABASE {DATABASE} TEMPLATE {DATABASE}_{copy}")
    finally:
        await connection.close()


async def _drop(connection: Connection, name: str) -> None:
    await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


async def _ensure_role(connection: Connection, role: str, password: str) -> None:
    if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
        await connection.execute(f"CREATE ROLE {role} LOGIN")
    set_password = await connection.fetchval(
        "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)", role, password
    )
    await connection.execute(set_password)


async def _ensure_schema(connection: Connection, service: str) -> None:
    owner = roles(service)[0]
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {owner}")
    # The migration tool says CREATE SCHEMA IF NOT EXISTS, which needs the right all the same.
    await connection.execute(f"GRANT CREATE ON DATABASE {DATABASE} TO {owner}")
    for role in roles(service):
        await connection.execute(f"GRANT CONNECT ON DATABASE {DATABASE} TO {role}")
        await connection.execute(f"GRANT USAGE ON SCHEMA {service} TO {role}")
        await connection.execute(
            f"ALTER ROLE {role} IN DATABASE {DATABASE} SET search_path = {service}"
        )
