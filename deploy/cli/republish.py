"""``aftersales republish``: announce the newest states of all master data again."""

import asyncio

from rich.progress import Progress, TextColumn

from deploy.cli.options import DataFolder
from deploy.cli.running import reach_service
from deploy.cli.terminal import console, error_line, print_line
from deploy.embedded.errors import EmbeddedError
from deploy.management import TokenSource
from deploy.republication import republish_all
from shared.calls import ApiError, ServiceUnavailableError


def republish(data: DataFolder = None) -> None:
    """Announce all master data again, for services that have lost states; others are unchanged."""
    url, tokens = reach_service("management", data)
    try:
        announced = asyncio.run(_republish(url, tokens))
    except ApiError as error:
        raise EmbeddedError(error_line(error, {})) from None
    except ServiceUnavailableError as error:
        raise EmbeddedError(f"{error.service} does not respond; republish again later") from None
    print_line(f"{announced} states announced again")


async def _republish(url: str, tokens: TokenSource) -> int:
    """Return the number of states; show it as it grows, on a terminal."""
    announced = 0
    columns = TextColumn("{task.completed} states announced again")
    with Progress(
        columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("republishing", total=None)
        async for count in republish_all(url, tokens):
            announced += count
            progress.advance(task, count)
    return announced
