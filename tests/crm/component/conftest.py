"""Fixtures of the component tests of customer relations."""

from collections.abc import AsyncIterator

import pytest_asyncio

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from tests.support.harness import Publisher, publisher


@pytest_asyncio.fixture(scope="module")
async def outside(servers: Platform, clock: SimulatedClock) -> AsyncIterator[Publisher]:
    """Yield a publisher of other services' events, on the simulated clock."""
    async with publisher(servers) as sending:
        yield sending
