"""Fixtures of the component tests of reporting."""

from collections.abc import AsyncIterator

import pytest_asyncio

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from tests.support.harness import Publisher, publisher
from tests.support.rules import group_rules


@pytest_asyncio.fixture(scope="module")
async def outside(servers: Platform, clock: SimulatedClock) -> AsyncIterator[Publisher]:
    """Yield a publisher of other services' events, which has published the group's rules."""
    async with publisher(servers) as sending:
        await sending.publish(*group_rules(), at=clock.now())
        yield sending
