"""``aftersales up``: the whole platform, until it is told to stop."""

import asyncio
import os
import signal
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.live import Live
from rich.text import Text

from deploy.cli.import_ import show
from deploy.cli.options import DataFolder, settings_for
from deploy.cli.status import one_line, survey
from deploy.cli.terminal import console, print_line
from deploy.embedded.kafka import kafka_libraries
from deploy.embedded.platform import ALL, CommandOf, Platform, remove_data
from deploy.embedded.secrets import SERVICES
from deploy.embedded.settings import EmbeddedSettings
from deploy.group_folder import GroupFileError
from deploy.group_import import import_group
from deploy.serving import service_command
from shared.calls import ServiceUnavailableError
from shared.settings import DESK, FORWARDER, SUBSCRIBERS

_REFRESH_S = 2.0
_INTERRUPTED = 130


def up(
    *,
    reset_data: Annotated[
        bool, typer.Option("--reset-data", help="Remove the kept data first.")
    ] = False,
    data: DataFolder = None,
) -> None:
    """Start Kafka, PostgreSQL, the five services and the desk; Ctrl-C stops them all."""
    settings = settings_for(data)
    kafka_libraries(settings.cache, print_line)
    if reset_data:
        remove_data(settings)
    if not asyncio.run(run_until_told(settings)):
        raise typer.Exit(_INTERRUPTED)


async def run_until_told(
    settings: EmbeddedSettings,
    command_of: CommandOf = service_command,
    notes: Sequence[str] = (),
) -> bool:
    """Run until a signal arrives, and return whether the platform had come up by then.

    ``notes`` are lines to show under the addresses.
    """
    stop_asked = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop_asked.set)
    platform = Platform(settings, print_line, command_of)
    starting = asyncio.create_task(platform.start((*ALL, FORWARDER, SUBSCRIBERS)))
    came_up = await _first(starting, stop_asked)
    if came_up:
        await _import_what_is_new(platform)
        _show_addresses(platform)
        for note in notes:
            print_line(note)
        await _watch(platform, stop_asked)
        print_line("stopping")
        await platform.stop()
    print_line("stopped, nothing is left running")
    return came_up


async def _import_what_is_new(platform: Platform) -> None:
    """Define what the group folder says and was never defined; say what was refused."""
    try:
        await import_group(
            platform.settings.group_folder,
            platform.url("management"),
            platform.issuer,
            show,
            only_new=True,
        )
    except (GroupFileError, ServiceUnavailableError) as error:
        print_line(f"the group folder was not imported: {error}")


async def _first(starting: asyncio.Task[None], stop_asked: asyncio.Event) -> bool:
    """Return whether the start completed before the stop was requested.

    A failed start raises.
    """
    asked = asyncio.create_task(stop_asked.wait())
    await asyncio.wait((starting, asked), return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if starting.done():
        await starting
        return True
    print_line("stopping")
    starting.cancel()
    await asyncio.wait((starting,))
    return False


def _show_addresses(platform: Platform) -> None:
    print_line(f"desk       {platform.url(DESK)}")
    for service in SERVICES:
        print_line(f"{service:<10} {platform.url(service)}/openapi.json")
    data = platform.settings.data
    print_line(f"data and logs are in {data}")
    print_line(f"Ctrl-C, or `aftersales down --data {data}`, stops everything (pid {os.getpid()})")


async def _watch(platform: Platform, stop_asked: asyncio.Event) -> None:
    supervision = asyncio.create_task(platform.supervise())
    display = asyncio.create_task(_display(platform))
    stopping = asyncio.create_task(stop_asked.wait())
    tasks = (supervision, display, stopping)
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _display(platform: Platform) -> None:
    if not console.is_terminal:
        await asyncio.Event().wait()
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            line = one_line(await survey(platform.settings))
            live.update(Text(line, no_wrap=False, overflow="fold"), refresh=True)
            await asyncio.sleep(_REFRESH_S)
