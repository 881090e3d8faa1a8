"""Waiting for what another process does."""

import asyncio
from collections.abc import Callable
from typing import Any

PATIENCE_S = 90.0
"""Time after which a test gives up: no test says how quick this machine is."""


async def until(
    holds: Callable[[], Any], timeout_s: float = PATIENCE_S, pause_s: float = 0.1
) -> bool:
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
