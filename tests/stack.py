"""Real Kafka and PostgreSQL for the tests: started once a session, emptied for each test module."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest_asyncio

from deploy.embedded.platform import Platform
from deploy.embedded.settings import EmbeddedSettings, Ports
from shared.clock import SimulatedClock

MORNING = datetime(2026, 3, 3, 23, 30, tzinfo=UTC)
"""Where the simulated clock stands at first: a Wednesday, 07:30 in Shanghai."""


@pytest_asyncio.fixture(scope="session")
async def _stack(tmp_path_factory) -> AsyncIterator[Platform]:
    folder: Path = tmp_path_factory.mktemp("stack")
    settings = EmbeddedSettings(
        data=folder / "platform", ports=Ports.free(), clock_file=folder / "clock"
    )
    stack = Platform(settings)
    await stack.start(services=())
    yield stack
    await stack.stop()


@pytest_asyncio.fixture(scope="module")
async def servers(_stack: Platform) -> AsyncIterator[Platform]:
    """Kafka and PostgreSQL with empty topics and migrated, empty schemas; no service runs.

    For tests that run one service in their own process, with ``servers.environment(service)``.
    """
    await _stack.stop_services()
    await _stack.empty()
    yield _stack


@pytest_asyncio.fixture(scope="module")
async def clock(servers: Platform) -> SimulatedClock:
    """The simulated clock that all processes of ``servers`` and ``platform`` read, paused."""
    assert servers.settings.clock_file
    clock = SimulatedClock(servers.settings.clock_file)
    clock.set(MORNING)
    return clock


@pytest_asyncio.fixture(scope="module")
async def platform(servers: Platform, clock: SimulatedClock) -> AsyncIterator[Platform]:
    """All four services and the desk as processes, on empty data and the simulated clock."""
    await servers.start_services()
    yield servers
    await servers.stop_services()
