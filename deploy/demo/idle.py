"""Waiting until the platform is idle, with no work under way."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from deploy.demo.clients import Client, Person

_PAUSE_S = 0.03
_TIMEOUT_S = 60.0
_BACKLOG = ("lag", "outbox", "due_timers")
_STATE = (*_BACKLOG, "parked_keys", "dead_letters", "published", "applied")

Round = Mapping[str, Mapping[str, Any]]


class NotIdleError(Exception):
    """Work that stays under way, or is stuck for good."""


class IdleWaiter:
    """Poll of every service until outbox, lag and due timers are zero twice in a row."""

    def __init__(self, services: Mapping[str, Client], operator: Person) -> None:
        self._services = services
        self._operator = operator
        self._last: Round = {}

    async def wait(self) -> Round:
        """Return the state of each service once two consecutive equal rounds show no backlog.

        The two rounds matter: an event can pass from one service to the next between the responses
        of a single round, but then the counts of published and applied events differ in the next.
        When nothing has happened since the last time, that round is the first of the two.

        Raises:
            NotIdleError: after a minute.
        """
        deadline = time.monotonic() + _TIMEOUT_S
        before, self._last = self._last, await self._round()
        while self._last != before or backlog(self._last):
            if time.monotonic() > deadline:
                behind = backlog(self._last)
                raise NotIdleError(f"still under way after {_TIMEOUT_S:.0f} s: {behind}")
            if backlog(self._last):
                await asyncio.sleep(_PAUSE_S)
            before, self._last = self._last, await self._round()
        return self._last

    async def _round(self) -> Round:
        responses = await asyncio.gather(
            *(client.get(self._operator, "/status") for client in self._services.values())
        )
        return {
            name: {counter: response[counter] for counter in _STATE}
            for name, response in zip(self._services, responses, strict=True)
        }


def backlog(state: Round) -> dict[str, dict[str, Any]]:
    """Return the backlog by service; a consumer without partitions counts as being behind."""
    behind = {
        name: {counter: response[counter] for counter in _BACKLOG if response[counter] != 0}
        for name, response in state.items()
    }
    return {name: counters for name, counters in behind.items() if counters}
