"""One shared call for many callers who ask for the same result at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runner of ``work`` once at a time; callers in the meantime wait for the same outcome.

    It goes on when a waiting caller is cancelled.
    """

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._task: asyncio.Task[T] | None = None

    @property
    def busy(self) -> bool:
        """Whether the work is in progress."""
        return self._task is not None and not self._task.done()

    def begin(self) -> asyncio.Task[T]:
        """Return the work in progress, started if there is none; its error may go unread."""
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run())
            self._task.add_done_callback(_read)
        return self._task

    async def outcome(self) -> T:
        """Return the outcome of the work in progress, or of work started now."""
        return await asyncio.shield(self.begin())

    async def _run(self) -> T:
        return await self._work()


def _read(task: "asyncio.Task[T]") -> None:
    if not task.cancelled():
        task.exception()
