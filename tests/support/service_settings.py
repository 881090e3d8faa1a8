"""Settings of a service that a test runs in its own process."""

from typing import Any

from deploy.embedded.platform import Platform
from shared.settings import Settings


def settings_of(servers: Platform, service: str) -> Settings:
    """Return the settings of ``service`` on the servers, with the real clock."""
    names: dict[str, Any] = {
        name.removeprefix("AFTERSALES_").lower(): value
        for name, value in servers.environment(service).items()
    }
    return Settings(**names | {"clock_file": None})
