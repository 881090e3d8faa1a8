"""Values that another service keeps, as they were last known while it is away."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

import structlog

from shared.calls import ApiError, ServiceUnavailableError
from shared.single_flight import SingleFlight

log = structlog.get_logger()

T = TypeVar("T")

_FRESH_S = 1.0
_AGAIN_S = 2.0
_FORGOTTEN_S = 900.0
_PATIENCE_S = 0.5
_PATIENCE_WITHOUT_S = 2.0


@dataclass
class _Known(Generic[T]):
    refreshing: SingleFlight[None]
    value: T | None = None
    fresh_until: float = float("-inf")
    used_at: float = 0.0


class LastKnown(Generic[T]):
    """Values by key; ``ask`` is given the key and the last known value, and returns a newer one.

    Each is asked for at most about once in ``fresh_s`` seconds, and only while it is used. A value
    that is not used for a quarter of an hour is forgotten.
    """

    def __init__(
        self, ask: Callable[[str, T | None], Awaitable[T]], fresh_s: float = _FRESH_S
    ) -> None:
        self._ask, self._fresh_s = ask, fresh_s
        self._known: dict[str, _Known[T]] = {}

    async def get(self, key: str) -> T | None:
        """Return the value, fresh where the service responds in a moment; else the last known one,
        if any.
        """
        known = self._use(key)
        if self._is_old(known):
            patience = _PATIENCE_WITHOUT_S if known.value is None else _PATIENCE_S
            await asyncio.wait({known.refreshing.begin()}, timeout=patience)
        return known.value

    def last(self, key: str) -> T | None:
        """Return the last known value at once; an old one is asked for meanwhile."""
        known = self._use(key)
        if self._is_old(known):
            known.refreshing.begin()
        return known.value

    def _use(self, key: str) -> _Known[T]:
        now = time.monotonic()
        known = self._known.get(key)
        if known is None:
            self._forget_unused(now)
            known = self._known[key] = _Known(SingleFlight(partial(self._refresh, key)))
        known.used_at = now
        return known

    def _is_old(self, known: _Known[T]) -> bool:
        return time.monotonic() > known.fresh_until

    async def _refresh(self, key: str) -> None:
        known, asked_at = self._known[key], time.monotonic()
        try:
            known.value = await self._ask(key, known.value)
        except (ServiceUnavailableError, ApiError) as error:
            known.fresh_until = time.monotonic() + _AGAIN_S
            log.warning("names not asked for", key=key, error=repr(error))
        else:
            known.fresh_until = asked_at + self._fresh_s

    def _forget_unused(self, now: float) -> None:
        for key, known in list(self._known.items()):
            if known.used_at < now - _FORGOTTEN_S:
                del self._known[key]
