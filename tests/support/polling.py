"""Waiting for what another process does."""

import asyncio
from collections.abc import Callable
from typing import Any


async def until(holds: Callable[[], Any], timeout_s: float, pause_s: float = 0.1) -> bool:
    """Wait for ``holds()`` (or its awaited result) to be true; return whether it became so in
    time.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while True:
        response = holds()
        if asyncio.iscoroutine(response):
            response = await response
        if response:
            return True
        if loop.time() > deadline:
            return False
        await asyncio.sleep(pause_s)
