"""The whole platform behind one HTTP client."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from deploy.embedded.platform import Platform
from tests.support.api import Api


@pytest_asyncio.fixture(scope="module")
async def api(platform: Platform) -> AsyncIterator[Api]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield Api(platform, client)
