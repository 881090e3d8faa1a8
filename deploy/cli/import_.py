"""``aftersales import``: define what a group folder says, through the commands that people give."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from deploy.cli.options import DataFolder, settings_for
from deploy.cli.running import service_url
from deploy.cli.terminal import console, print_line
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.platform import Platform
from deploy.group_folder import GroupFileError, read_group
from deploy.group_import import Imported, define_all
from shared.calls import ServiceUnavailableError
from shared.clients.management.models import Definition
from shared.issuer import DevelopmentIssuer


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
        imported = asyncio.run(_import(read_group(folder), url, issuer))
    except GroupFileError as error:
        raise EmbeddedError(str(error)) from None
    except ServiceUnavailableError:
        raise EmbeddedError("management does not respond; import again later") from None
    for line in summary(imported):
        print_line(line)
    if any(each.refused for each in imported):
        raise typer.Exit(1)


async def _import(
    definitions: Sequence[Definition], url: str, issuer: DevelopmentIssuer
) -> list[Imported]:
    """Send the definitions; show how many are sent, on a terminal, and those to look at."""
    imported: list[Imported] = []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("importing", total=len(definitions))
        async for portion in define_all(definitions, url, issuer):
            for each in portion:
                show(each)
            imported += portion
            progress.advance(task, len(portion))
    return imported


def show(imported: Imported) -> None:
    """Print a definition that is refused, or that may be a mistake."""
    if imported.remarkable:
        print_line(f"{imported}")


def summary(imported: Iterable[Imported]) -> list[str]:
    """Return a line for each collection: how many definitions had which result."""
    results: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for each in imported:
        results[each.definition.collection][each.result.result] += 1
    return [
        f"{collection}: {', '.join(f'{count} {result}' for result, count in counted.items())}"
        for collection, counted in results.items()
    ]
