"""``aftersales migrate``: bring database schemas up to date."""

import asyncio
from typing import Annotated

import asyncpg
import typer

from deploy.cli.options import DataFolder
from deploy.cli.running import owner_database_url
from deploy.cli.terminal import print_line
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.secrets import SERVICES
from shared import db
from shared.settings import read_settings


def migrate(
    services: Annotated[
        list[str] | None, typer.Argument(help="Services to migrate.", show_default="all")
    ] = None,
    data: DataFolder = None,
) -> None:
    """Run the numbered migrations that are missing.

    With AFTERSALES_OWNER_DATABASE_URL set, on that database, for one named service; otherwise on
    the running embedded platform.
    """
    wanted = services or list(SERVICES)
    if unknown := sorted(set(wanted) - set(SERVICES)):
        raise EmbeddedError(f"no service {', '.join(unknown)}; there are {', '.join(SERVICES)}")
    owner_url = read_settings().owner_database_url
    if owner_url and len(wanted) != 1:
        raise EmbeddedError("AFTERSALES_OWNER_DATABASE_URL belongs to one service: name it")
    for service in wanted:
        _migrate(service, owner_url or owner_database_url(data, service))
        print_line(f"{service} is up to date")


def _migrate(service: str, owner_url: str) -> None:
    try:
        asyncio.run(db.migrate(owner_url, service))
    except (
        OSError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        db.OlderSchemaError,
    ) as error:
        raise EmbeddedError(f"{service} could not be migrated: {error}") from error
