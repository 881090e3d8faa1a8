"""The whole platform behind one HTTP client."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from deploy.embedded.platform import Platform
from tests.support.api import Api
from tests.support.polling import PATIENCE_S


@pytest_asyncio.fixture(scope="module")
async def api(platform: Platform) -> AsyncIterator[Api]:
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        yield Api(platform, client)
