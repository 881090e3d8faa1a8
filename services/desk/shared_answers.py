"""What many people look at is asked from the services once for all of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

FRESH_S = 0.9
_FORGOTTEN_S = 60.0

Key = tuple[str, ...]
"""What an answer belongs to (mostly a store), then its kind and what else tells it apart."""


@dataclass
class _Answer:
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    asked_at: float = float("-inf")
    value: Any = None
    error: Exception | None = None


class SharedAnswers:
    """Answers by store and kind; each is asked at most about once a second, failures included.

    Only people who may see the kind in that store may ask here: an answer is shared as it is.
    """

    def __init__(self) -> None:
        self._answers: dict[Key, _Answer] = {}

    async def get(
        self, key: Key, ask: Callable[[], Awaitable[Any]], fresh_s: float = FRESH_S
    ) -> Any:
        """The answer under ``key``, asked again when it is older than ``fresh_s`` seconds."""
        answer = self._answers.setdefault(key, _Answer())
        async with answer.asking:
            if time.monotonic() - answer.asked_at > fresh_s:
                await self._ask(answer, ask)
        self._forget_old()
        if answer.error:
            raise answer.error
        return answer.value

    def drop(self, store_id: str) -> None:
        """Ask anew next time for what belongs to a store, because somebody changed something."""
        for key, answer in self._answers.items():
            if key[0] == store_id:
                answer.asked_at = float("-inf")

    async def _ask(self, answer: _Answer, ask: Callable[[], Awaitable[Any]]) -> None:
        try:
            answer.value, answer.error = await ask(), None
        except Exception as error:
            answer.error = error
        answer.asked_at = time.monotonic()

    def _forget_old(self) -> None:
        limit = time.monotonic() - _FORGOTTEN_S
        for key in [key for key, answer in self._answers.items() if answer.asked_at < limit]:
            if not self._answers[key].asking.locked():
                del self._answers[key]
