"""``aftersales run``: one service, by its settings."""

import os
import socket
from typing import Annotated

import typer

from deploy.embedded.errors import EmbeddedError
from deploy.embedded.secrets import SERVICES
from deploy.serving import service_command
from shared.settings import (
    DESK,
    FORWARDER,
    SUBSCRIBERS,
    SettingsError,
    lacking,
    read_settings,
)

_PROCESSES = (*SERVICES, DESK, FORWARDER, SUBSCRIBERS)


def run(service: Annotated[str, typer.Argument(help=", ".join(_PROCESSES))]) -> None:
    """Run one service until it is told to stop; its schema must be up to date.

    AFTERSALES_INSTANCE is the name of the machine unless it is set.
    """
    if service not in _PROCESSES:
        raise EmbeddedError(f"no service {service}; there are {', '.join(_PROCESSES)}")
    settings = read_settings()
    if missing := lacking(settings, service):
        raise SettingsError("; ".join(missing))
    command = service_command(service, settings.http_port, settings.http_host)
    os.execve(command[0], command, {"AFTERSALES_INSTANCE": socket.gethostname()} | os.environ)
