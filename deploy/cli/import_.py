"""``aftersales import``: define what a group folder says, through the commands that people give."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.options import DataFolder, settings_for
from deploy.cli.running import service_url
from deploy.cli.terminal import print_line
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.platform import Platform
from deploy.group_folder import GroupFileError
from deploy.group_import import Imported, import_group
from shared.calls import ServiceUnavailableError


def import_(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="Group folder with YAML files.")
    ],
    data: DataFolder = None,
) -> None:
    """Define what a group folder says in management; what held already is left as it is."""
    url = service_url(data, "management")
    issuer = Platform(settings_for(data)).issuer
    try:
        imported = asyncio.run(import_group(folder, url, issuer, show))
    except GroupFileError as error:
        raise EmbeddedError(str(error)) from None
    except ServiceUnavailableError:
        raise EmbeddedError("management does not respond; import again later") from None
    print_line(summary(imported))
    if any(each.refused for each in imported):
        raise typer.Exit(1)


def show(imported: Imported) -> None:
    """Print a definition that is refused."""
    if imported.refused:
        print_line(f"{imported}")


def summary(imported: Iterable[Imported]) -> str:
    """Return how many definitions of each collection had which result."""
    results = Counter((each.definition.collection, each.result.result) for each in imported)
    return ", ".join(
        f"{name} {count} {result}" for (name, result), count in sorted(results.items())
    )
