"""Cache of responses that many people look at: each is requested once for all of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

FRESH_S = 0.9
_FORGOTTEN_S = 60.0

T = TypeVar("T")

Key = tuple[str, ...]
"""Key of a response: its owner (mostly a store), then its kind and further distinguishing
values.
"""


@dataclass
class _CachedResponse:
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked_at: float = float("-inf")
    fresh_s: float = FRESH_S
    value: Any = None
    error: Exception | None = None


class ResponseCache:
    """Responses by store and kind; each is requested at most about once a second, failures
    included.

    Only people who may see the kind in that store may ask here: a response is shared as it is.
    """

    def __init__(self) -> None:
        self._responses: dict[Key, _CachedResponse] = {}

    async def get(self, key: Key, ask: Callable[[], Awaitable[T]], fresh_s: float = FRESH_S) -> T:
        """Return the response under ``key``, asked again when it is older than ``fresh_s``
        seconds.
        """
        cached = self._responses.setdefault(key, _CachedResponse())
        async with cached.asking:
            if time.monotonic() - cached.asked_at > fresh_s:
                await self._ask(cached, ask)
            cached.fresh_s = fresh_s
        self._forget_old()
        if cached.error:
            raise cached.error
        value: T = cached.value
        return value

    def drop(self, store_id: str) -> None:
        """Drop the responses of a store after a change, so that they are requested again."""
        for key, cached in self._responses.items():
            if key[0] == store_id:
                cached.asked_at = float("-inf")

    async def _ask(self, cached: _CachedResponse, ask: Callable[[], Awaitable[Any]]) -> None:
        try:
            cached.value, cached.error = await ask(), None
        except Exception as error:
            cached.error = error
        cached.asked_at = time.monotonic()

    def _forget_old(self) -> None:
        now = time.monotonic()
        for key, cached in list(self._responses.items()):
            is_old = now - cached.asked_at > max(_FORGOTTEN_S, cached.fresh_s)
            if is_old and not cached.asking.locked():
                del self._responses[key]
