"""Tables as persistence declares them, compared with the database by name."""

import pkgutil
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from deploy.embedded.platform import Platform
from deploy.embedded.secrets import SERVICES
from shared.table import Table

_COLUMNS = """
SELECT column_name, data_type FROM information_schema.columns
WHERE table_schema = $1 AND table_name = $2
"""


def _declared() -> list[Any]:
    return [
        pytest.param(service, value, id=f"{service}.{value.name}")
        for service in SERVICES
        for module in _modules(f"services.{service}.persistence")
        for value in vars(module).values()
        if isinstance(value, Table)
    ]


def _modules(package: str) -> list[Any]:
    path = import_module(package).__path__
    return [import_module(each.name) for each in pkgutil.iter_modules(path, f"{package}.")]


@pytest_asyncio.fixture(scope="module")
async def admin(servers: Platform) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection of the database's administrator."""
    connection = await asyncpg.connect(servers.admin_url)
    yield connection
    await connection.close()


async def column_types(admin: asyncpg.Connection, service: str, table: str) -> dict[str, str]:
    return {row[0]: row[1] for row in await admin.fetch(_COLUMNS, service, table)}


@pytest.mark.parametrize(("service", "table"), _declared())
async def test_declared_columns_are_those_of_catalog(
    admin: asyncpg.Connection, service: str, table: Table[Any]
) -> None:
    types = await column_types(admin, service, table.name)
    assert {*table.written, *table.separate} == types.keys()


@pytest.mark.parametrize(("service", "table"), _declared())
async def test_declared_json_fields_are_jsonb(
    admin: asyncpg.Connection, service: str, table: Table[Any]
) -> None:
    types = await column_types(admin, service, table.name)
    assert {name for name in table.fields if types[name] == "jsonb"} == {*table.json}
