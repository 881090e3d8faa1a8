"""Command lines of the services' processes."""

import sys

from shared.settings import DESK, FORWARDER, SUBSCRIBERS

_MODULES = {
    FORWARDER: "deploy.subscribers.app",
    SUBSCRIBERS: "deploy.subscribers.administration_app",
}


def service_command(service: str, port: int, host: str = "127.0.0.1") -> tuple[str, ...]:
    """Return the command that starts a service's process, which listens on ``host`` and ``port``.

    The desk takes both from its settings.
    """
    if service == DESK:
        return (sys.executable, "-m", "services.desk.app")
    factory = f"{_MODULES.get(service, f'services.{service}.app')}:create_app"
    return (sys.executable, "-m", "shared.server", factory, host, str(port))
