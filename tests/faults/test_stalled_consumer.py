"""Stalled consumer under lag: it reports its state and ends its process."""

import asyncio
import os

import pytest

from deploy.embedded.platform import Platform
from shared import lag_watch
from tests.support.foundation import Bench

TIMEOUT_S = 60.0


async def test_stalled_consumer_ends_its_process(
    servers: Platform, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: asyncio.Future[tuple[int, bool]] = asyncio.get_running_loop().create_future()

    def end(status: int) -> None:
        if not ended.done():
            ended.set_result((status, bench.service.stalled))

    async def hang(*_: object) -> None:
        await ended

    monkeypatch.setattr(lag_watch, "STALL_S", 8.0)
    monkeypatch.setattr(os, "_exit", end)
    async with bench.service.running():
        async with asyncio.timeout(TIMEOUT_S):
            while await bench.service.consumer.lag() != 0:
                await asyncio.sleep(0.1)
        assert not bench.service.stalled
        monkeypatch.setattr(bench.service.consumer._batches, "_handle", hang)
        await bench.send_greeted("o1", 1)
        assert await asyncio.wait_for(ended, TIMEOUT_S) == (75, True)
