"""Watch that ends a process whose consumer makes no progress, so that a new one takes over."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog
from aiokafka.errors import KafkaError

log = structlog.get_logger()

STALL_S = 60.0
"""Time of lag without progress after which the process ends."""

_LOOK_AGAIN_S = 5.0
_TAKE_OVER = 75


class LagWatch:
    """Watch of a consumer's progress while records wait."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._progress_at = time.monotonic()

    def note_progress(self) -> None:
        """Record that progress was made just now."""
        self._progress_at = time.monotonic()

    @property
    def stalled(self) -> bool:
        """Whether there is no progress for ``STALL_S``; without lag the watch notes progress."""
        return time.monotonic() - self._progress_at > STALL_S

    async def watch(self, lag: Callable[[], Awaitable[int | None]]) -> None:
        """End the process when records wait and there is no progress for ``STALL_S``."""
        while True:
            await asyncio.sleep(_LOOK_AGAIN_S)
            try:
                waiting = await lag()
            except (KafkaError, OSError, TimeoutError):
                waiting = None
            if not waiting:
                self.note_progress()
            elif self.stalled:
                log.critical("no progress under lag", consumer=self._name, lag=waiting)
                os._exit(_TAKE_OVER)

    def abort_process(self) -> NoReturn:
        """End the process because a batch cannot be applied."""
        log.critical("giving up; a fresh process takes over", consumer=self._name)
        os._exit(_TAKE_OVER)
