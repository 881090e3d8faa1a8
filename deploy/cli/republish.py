"""``aftersales republish``: announce the newest states of all master data again."""

import asyncio

from rich.progress import Progress, TextColumn

from deploy.cli.options import DataFolder, settings_for
from deploy.cli.running import service_url
from deploy.cli.terminal import console, print_line
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.platform import Platform
from deploy.republication import republish_all
from shared.calls import ServiceUnavailableError
from shared.issuer import DevelopmentIssuer


def republish(data: DataFolder = None) -> None:
    """Announce all master data again, for services that have lost states; others are unchanged."""
    url = service_url(data, "management")
    issuer = Platform(settings_for(data)).issuer
    try:
        announced = asyncio.run(_republish(url, issuer))
    except ServiceUnavailableError:
        raise EmbeddedError("management does not respond; republish again later") from None
    print_line(f"{announced} states announced again")


async def _republish(url: str, issuer: DevelopmentIssuer) -> int:
    """Return the number of states; show it as it grows, on a terminal."""
    announced = 0
    columns = TextColumn("{task.completed} states announced again")
    with Progress(
        columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("republishing", total=None)
        async for count in republish_all(url, issuer):
            announced += count
            progress.advance(task, count)
    return announced
