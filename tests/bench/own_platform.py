"""Platform of a single measurement."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx

from deploy.embedded.platform import ALL, Platform
from deploy.embedded.settings import EmbeddedSettings, Ports
from deploy.group_import import import_group
from shared.clock import SimulatedClock
from shared.settings import DESK
from tests.support.api import Api

NINE = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)


@asynccontextmanager
async def own_platform(
    services: Sequence[str] = ALL, ready_timeout_s: float = 90.0
) -> AsyncIterator[Platform]:
    """Yield servers and ``services`` on a temporary folder until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        settings = EmbeddedSettings(
            data=data / "platform",
            ports=Ports.free(),
            clock_file=data / "clock",
            ready_timeout_s=ready_timeout_s,
        )
        platform = Platform(settings)
        start_business_day(platform)
        await platform.start(services=services)
        try:
            if "management" in services:
                await import_group(
                    settings.group_folder, platform.url("management"), platform.issuer
                )
                await _until_known(platform, tuple(each for each in services if each != DESK))
            yield platform
        finally:
            await platform.stop()


async def _until_known(platform: Platform, services: tuple[str, ...]) -> None:
    """Wait until the services have read what was imported."""
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        await Api(platform, client).wait_until_idle(services)


def start_business_day(platform: Platform) -> None:
    """Start the platform's clock at nine o'clock of a Wednesday in Shanghai."""
    _clock(platform).set(NINE, running=True)


def business_now(platform: Platform) -> datetime:
    """Return the present time of the platform's clock."""
    return _clock(platform).now()


def _clock(platform: Platform) -> SimulatedClock:
    assert platform.settings.clock_file
    return SimulatedClock(platform.settings.clock_file)
