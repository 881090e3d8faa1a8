"""Fixtures of the component tests of reception."""

from collections.abc import AsyncIterator

import pytest_asyncio

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from tests.support.harness import Publisher, publisher
from tests.support.rules import group_rules


@pytest_asyncio.fixture(scope="module", autouse=True)
async def management(servers: Platform, clock: SimulatedClock) -> AsyncIterator[Publisher]:
    """Yield the publisher of management's states, which has published the group's rules."""
    async with publisher(servers) as sending:
        await sending.publish(*group_rules(), at=clock.now())
        yield sending
