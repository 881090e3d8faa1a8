"""``aftersales import``: define what a group folder says, through the commands that people give."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.options import DataFolder, settings_for
from deploy.cli.running import service_url
from deploy.cli.terminal import print_line
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.platform import Platform
from deploy.group_import import ImportedRules, import_group
from deploy.group_rules import GroupFileError
from shared.calls import ServiceUnavailableError


def import_(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="Group folder with YAML files.")
    ],
    data: DataFolder = None,
) -> None:
    """Define the rules of a group folder in management; what held already is left as it is."""
    url = service_url(data, "management")
    issuer = Platform(settings_for(data)).issuer
    try:
        imported = asyncio.run(import_group(folder, url, issuer, show))
    except GroupFileError as error:
        raise EmbeddedError(str(error)) from None
    except ServiceUnavailableError:
        raise EmbeddedError("management does not respond; import again later") from None
    results = Counter(each.result for each in imported)
    print_line(", ".join(f"{count} {result}" for result, count in results.items()))
    if results["refused"]:
        raise typer.Exit(1)


def show(imported: ImportedRules) -> None:
    """Print the result of one definition."""
    print_line(f"{imported}")
