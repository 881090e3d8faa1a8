"""Fixtures of the component tests of management."""

from collections.abc import AsyncIterator

import pytest_asyncio

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from tests.support.harness import Publisher, publisher
from tests.support.master_data import define_group


@pytest_asyncio.fixture(scope="module")
async def own_group(empty_servers: Platform, clock: SimulatedClock) -> Platform:
    """Return servers with the master data of the group, which the module may change: they are
    emptied afterwards.
    """
    await define_group(empty_servers)
    return empty_servers


@pytest_asyncio.fixture(scope="module")
async def outside(own_group: Platform) -> AsyncIterator[Publisher]:
    """Yield a publisher of other services' events."""
    async with publisher(own_group) as sending:
        yield sending
