"""The whole platform behind one HTTP client."""

import httpx
import pytest_asyncio

from tests.support.api import Api


@pytest_asyncio.fixture(scope="module")
async def api(platform):
    async with httpx.AsyncClient(timeout=30) as client:
        yield Api(platform, client)
