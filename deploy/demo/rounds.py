"""Simulated time and real commands: the stores act side by side, then the platform becomes idle.

SimPy decides which person acts at which moment. Actions are queued by store; in each round every
store carries out its queued actions one after the other, up to the first that changes the
workshop's plan, and the platform becomes idle before anything else happens. So neither the network
nor the services' speed can change what a store finds, and a seed gives the same day every time.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import simpy

from shared.clock import SimulatedClock

Action = Callable[[], Awaitable[Any]]
Process = Generator[simpy.Event, Any, Any]

STEP_MIN = 3
"""Minutes between two steps; the platform has to become idle at each of them."""


@dataclass(frozen=True)
class QueuedAction:
    """An action queued by a person of a store; ``done`` will carry the outcome."""

    action: Action
    touches_plan: bool
    done: simpy.Event


class Rounds:
    """Player of a SimPy environment whose time is minutes since ``midnight``, in steps."""

    def __init__(
        self,
        midnight: datetime,
        clock: SimulatedClock,
        wait_until_idle: Callable[[], Awaitable[object]],
        observe: Callable[[str], Awaitable[None]],
    ) -> None:
        self.env = simpy.Environment()
        self._midnight = midnight
        self._clock = clock
        self._wait_until_idle = wait_until_idle
        self._observe = observe
        self._queues: dict[str, deque[QueuedAction]] = {}
        self._touched: set[str] = set()

    @property
    def now(self) -> datetime:
        """The simulated moment."""
        return self._midnight + timedelta(minutes=float(self.env.now))

    def wait(self, minutes: float) -> simpy.Event:
        """Return the event of the step nearest to ``minutes`` from now, but not of this one."""
        steps = max(1, round((self.env.now + minutes) / STEP_MIN) - self.env.now // STEP_MIN)
        return self.env.timeout(steps * STEP_MIN)

    def act(self, store_id: str, action: Action, *, touches_plan: bool) -> simpy.Event:
        """Queue ``action``; the event carries its result or its exception."""
        queued = QueuedAction(action, touches_plan, self.env.event())
        self._queues.setdefault(store_id, deque()).append(queued)
        return queued.done

    async def play(self, until: int) -> None:
        """Play until minute ``until``, or until no action is left."""
        while True:
            while self.env.peek() <= self.env.now:
                self.env.step()
            if any(self._queues.values()):
                await self._round()
            elif self.env.peek() > until:
                return
            else:
                await self.pass_time(int(self.env.peek()))

    async def pass_time(self, minute: int) -> None:
        """Let timers fire until ``minute``, before any action at it."""
        self.env.run(until=minute)
        self._clock.set(self.now)
        await self._come_to_rest(self._touched)
        self._touched = set()

    async def _round(self) -> None:
        """Carry out each store's queued actions up to the first that changes its plan."""
        batches = {
            store_id: _next_batch(queue) for store_id, queue in self._queues.items() if queue
        }
        outcomes = await asyncio.gather(*(_carry_out(batch) for batch in batches.values()))
        touched = {store_id for store_id, batch in batches.items() if batch[-1].touches_plan}
        await self._come_to_rest(touched)
        self._touched |= touched
        for batch, results in zip(batches.values(), outcomes, strict=True):
            for queued, result in zip(batch, results, strict=True):
                if isinstance(result, Exception):
                    queued.done.fail(result)
                else:
                    queued.done.succeed(result)

    async def _come_to_rest(self, acted: Collection[str]) -> None:
        """Wait until the platform is idle, then read the stores whose plan may have changed."""
        await self._wait_until_idle()
        await asyncio.gather(*(self._observe(store_id) for store_id in sorted(acted)))


def _next_batch(queue: deque[QueuedAction]) -> list[QueuedAction]:
    """Return a store's queued actions up to the first that changes its plan."""
    batch = [queue.popleft()]
    while queue and not batch[-1].touches_plan:
        batch.append(queue.popleft())
    return batch


async def _carry_out(batch: Sequence[QueuedAction]) -> list[Any]:
    return [await _outcome(queued.action) for queued in batch]


async def _outcome(action: Action) -> Any:
    """Return the result of an action, or its exception."""
    try:
        return await action()
    except Exception as error:
        return error
