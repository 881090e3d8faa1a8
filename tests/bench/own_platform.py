"""Platform of a single measurement."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from deploy.embedded.platform import ALL, Platform
from deploy.embedded.settings import EmbeddedSettings, Ports
from deploy.group_import import import_group
from shared.clock import SimulatedClock

NINE = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)


@asynccontextmanager
async def own_platform(services: Sequence[str] = ALL) -> AsyncIterator[Platform]:
    """Yield servers and ``services`` on a temporary folder until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        settings = EmbeddedSettings(
            data=data / "platform", ports=Ports.free(), clock_file=data / "clock"
        )
        platform = Platform(settings)
        await platform.start(services=services)
        try:
            if "management" in services:
                await import_group(
                    settings.group_folder, platform.url("management"), platform.issuer
                )
            yield platform
        finally:
            await platform.stop()


def start_business_day(platform: Platform) -> None:
    """Start the platform's clock at nine o'clock of a Wednesday in Shanghai."""
    assert platform.settings.clock_file
    SimulatedClock(platform.settings.clock_file).set(NINE, running=True)
