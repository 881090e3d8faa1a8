"""Fixtures of the component tests of management."""

from collections.abc import AsyncIterator

import pytest_asyncio

from deploy.embedded.platform import Platform
from tests.support.harness import Publisher, publisher


@pytest_asyncio.fixture(scope="module")
async def outside(servers: Platform) -> AsyncIterator[Publisher]:
    """Yield a publisher of other services' events."""
    async with publisher(servers) as sending:
        yield sending
