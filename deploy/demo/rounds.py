"""Simulated time and real commands: each store does one thing at a time, then all settles.

SimPy decides who wants to do what at which minute. What they want is queued by store; in each
round the first wish of every store is carried out, the stores side by side, and the platform comes
to rest before anything else happens. So neither the network nor the services' pace can change the
order of what a store does, and a seed gives the same day every time.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Generator
from datetime import datetime, timedelta
from typing import Any

import simpy

from shared.clock import SteppedClock

Action = Callable[[], Awaitable[Any]]
Process = Generator[simpy.Event, Any, Any]


class Rounds:
    """Plays a SimPy environment whose time is whole minutes since ``midnight``."""

    def __init__(
        self,
        midnight: datetime,
        clock: SteppedClock,
        settle: Callable[[], Awaitable[object]],
        observe: Callable[[str], Awaitable[None]],
    ) -> None:
        self.env = simpy.Environment()
        self._midnight = midnight
        self._clock = clock
        self._settle = settle
        self._observe = observe
        self._wishes: dict[str, deque[tuple[Action, simpy.Event]]] = {}
        self._acted: set[str] = set()

    @property
    def now(self) -> datetime:
        """The simulated moment."""
        return self._midnight + timedelta(minutes=float(self.env.now))

    def act(self, store_id: str, action: Action) -> simpy.Event:
        """Ask for ``action`` in its turn; the event carries its result or its exception."""
        done = self.env.event()
        self._wishes.setdefault(store_id, deque()).append((action, done))
        return done

    async def play(self, until: int) -> None:
        """Go on until minute ``until``, or until nobody has anything left to do."""
        while True:
            while self.env.peek() <= self.env.now:
                self.env.step()
            if any(self._wishes.values()):
                await self._round()
            elif self.env.peek() > until:
                return
            else:
                await self.pass_time(int(self.env.peek()))

    async def pass_time(self, minute: int) -> None:
        """Let deadlines pass until ``minute``, before anybody does anything at it."""
        self.env.run(until=minute)
        self._clock.set(self.now)
        await self._come_to_rest(self._acted)
        self._acted = set()

    async def _round(self) -> None:
        """Carry out one wish of every store that has any."""
        turns = {store: wishes.popleft() for store, wishes in self._wishes.items() if wishes}
        results = await asyncio.gather(*(_outcome(action) for action, _ in turns.values()))
        await self._come_to_rest(turns.keys())
        self._acted |= turns.keys()
        for (_, done), result in zip(turns.values(), results, strict=True):
            if isinstance(result, Exception):
                done.fail(result)
            else:
                done.succeed(result)

    async def _come_to_rest(self, acted: Collection[str]) -> None:
        """Wait for the platform, then look at the stores in which something was done."""
        await self._settle()
        await asyncio.gather(*(self._observe(store_id) for store_id in sorted(acted)))


async def _outcome(action: Action) -> Any:
    """The result of an action, or its exception."""
    try:
        return await action()
    except Exception as error:
        return error
