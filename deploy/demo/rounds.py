"""Simulated time and real commands: the stores act side by side, then the platform settles.

SimPy decides who wants to do what at which moment. What they want is queued by store; in each round
every store carries out its wishes one after the other, up to the first that touches the workshop's
plan, and the platform comes to rest before anything else happens. So neither the network nor the
services' pace can change what a store finds, and a seed gives the same day every time.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import simpy

from shared.clock import SteppedClock

Action = Callable[[], Awaitable[Any]]
Process = Generator[simpy.Event, Any, Any]

STEP_MIN = 3
"""People do things at every third minute; the platform has to come to rest at each of them."""


@dataclass(frozen=True)
class Wish:
    """Something that somebody of a store wants to do; ``done`` will carry the outcome."""

    action: Action
    touches_plan: bool
    done: simpy.Event


class Rounds:
    """Plays a SimPy environment whose time is minutes since ``midnight``, in steps."""

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
        self._wishes: dict[str, deque[Wish]] = {}
        self._touched: set[str] = set()

    @property
    def now(self) -> datetime:
        """The simulated moment."""
        return self._midnight + timedelta(minutes=float(self.env.now))

    def wait(self, minutes: float) -> simpy.Event:
        """The event of the step nearest to ``minutes`` from now, but not of this one."""
        steps = max(1, round((self.env.now + minutes) / STEP_MIN) - self.env.now // STEP_MIN)
        return self.env.timeout(steps * STEP_MIN)

    def act(self, store_id: str, action: Action, *, touches_plan: bool) -> simpy.Event:
        """Ask for ``action`` in its turn; the event carries its result or its exception."""
        wish = Wish(action, touches_plan, self.env.event())
        self._wishes.setdefault(store_id, deque()).append(wish)
        return wish.done

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
        await self._come_to_rest(self._touched)
        self._touched = set()

    async def _round(self) -> None:
        """Carry out what every store wants, until its plan is touched."""
        turns = {store_id: _turn(wishes) for store_id, wishes in self._wishes.items() if wishes}
        outcomes = await asyncio.gather(*(_carry_out(turn) for turn in turns.values()))
        touched = {store_id for store_id, turn in turns.items() if turn[-1].touches_plan}
        await self._come_to_rest(touched)
        self._touched |= touched
        for turn, results in zip(turns.values(), outcomes, strict=True):
            for wish, result in zip(turn, results, strict=True):
                if isinstance(result, Exception):
                    wish.done.fail(result)
                else:
                    wish.done.succeed(result)

    async def _come_to_rest(self, acted: Collection[str]) -> None:
        """Wait for the platform, then look at the stores whose plan may have changed."""
        await self._settle()
        await asyncio.gather(*(self._observe(store_id) for store_id in sorted(acted)))


def _turn(wishes: deque[Wish]) -> list[Wish]:
    """Take a store's wishes up to the first that touches its plan."""
    turn = [wishes.popleft()]
    while wishes and not turn[-1].touches_plan:
        turn.append(wishes.popleft())
    return turn


async def _carry_out(turn: Sequence[Wish]) -> list[Any]:
    return [await _outcome(wish.action) for wish in turn]


async def _outcome(action: Action) -> Any:
    """The result of an action, or its exception."""
    try:
        return await action()
    except Exception as error:
        return error
