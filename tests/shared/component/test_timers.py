"""Deadlines on the real database: those that wait for other systems hold no other up."""

import asyncio
from collections import deque
from contextlib import suppress
from datetime import timedelta

import pytest_asyncio

from shared import timers
from shared.timers import Deadline, NotYetError, Timer, Timers
from shared.unit import Unit
from tests.shared.component.conftest import CAUSE, Bench


class Outside:
    """A system that answers nobody until it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.most_at_once = 0
        self.answers = asyncio.Event()
        self._waiting = 0

    async def ask(self, _: str, subject: str) -> str:
        self.asked.append(subject)
        self._waiting += 1
        self.most_at_once = max(self.most_at_once, self._waiting)
        await self.answers.wait()
        self._waiting -= 1
        return f"answer to {subject}"


@pytest_asyncio.fixture
async def outside(bench: Bench):
    """Ten remote deadlines and three others are due; ``fired`` sees them."""
    service, outside, fired = bench.service, Outside(), deque[tuple[str, object]]()

    async def fire(_: Unit, timer: Timer) -> None:
        fired.append((timer.subject, timer.prepared))

    deadlines = {
        "remote": Deadline(fire, prepare=outside.ask, apart=4),
        "near": Deadline(fire),
    }
    async with service.units.open(["S01"]) as unit:
        for kind, count in (("remote", 10), ("near", 3)):
            for number in range(count):
                await timers.schedule(
                    unit,
                    kind,
                    f"{kind}-{number}",
                    store_id="S01",
                    due_at=unit.now - timedelta(seconds=60 - number),
                    cause=CAUSE,
                )
    running = asyncio.create_task(
        Timers(service.workers, service.units, service.clock, deadlines).run()
    )
    yield outside, fired
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_slow_system_delays_only_what_waits_for_it(outside) -> None:
    slow, fired = outside
    async with asyncio.timeout(20):
        while len(fired) < 3 or len(slow.asked) < 4:
            await asyncio.sleep(0.02)
    assert [subject for subject, _ in fired] == ["near-0", "near-1", "near-2"]
    slow.answers.set()
    async with asyncio.timeout(20):
        while len(fired) < 13:
            await asyncio.sleep(0.02)
    answered = dict(list(fired)[3:])
    assert answered == {f"remote-{n}": f"answer to remote-{n}" for n in range(10)}
    assert slow.most_at_once == 4


async def test_what_waits_for_another_system_is_told_apart_until_that_is_back(bench: Bench) -> None:
    service, away = bench.service, [True]

    async def ask(_store_id: str, _subject: str) -> None:
        if away:
            raise NotYetError("away")

    async def fire(_unit: Unit, _timer: Timer) -> None: ...

    watching = Timers(
        service.workers, service.units, service.clock, {"remote": Deadline(fire, prepare=ask)}
    )
    async with service.units.open(["S01"]) as unit:
        for subject in ("a", "b"):
            await timers.schedule(
                unit, "remote", subject, store_id="S01", due_at=unit.now, cause=CAUSE
            )
    running = asyncio.create_task(watching.run())
    async with asyncio.timeout(20):
        while watching.waiting < 2:
            await asyncio.sleep(0.02)
        away.clear()
        while watching.waiting:
            await asyncio.sleep(0.02)
    left = await service.workers.fetchval("SELECT count(*) FROM timer WHERE kind = 'remote'")
    assert left == 0
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
