"""Timers on the real database: waiting, failed or refused ones delay no other kind."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest

from shared import timers
from shared.timers import Lane, RetryLaterError, StaleStateError, Timer, TimerHandler, Timers
from shared.unit_of_work import UnitOfWork
from tests.support.foundation import CAUSATION, Bench
from tests.support.locks import is_waited_for
from tests.support.polling import PATIENCE_S

_TIMEOUT_S = PATIENCE_S
_MANY = 1000


class SlowService:
    """System that responds to no request until it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.most_at_once = 0
        self.is_responding = asyncio.Event()
        self._waiting = 0

    async def ask(self, _: str, entity_id: str, _deps: None) -> str:
        self.asked.append(entity_id)
        self._waiting += 1
        self.most_at_once = max(self.most_at_once, self._waiting)
        try:
            await self.is_responding.wait()
        finally:
            self._waiting -= 1
        return f"response to {entity_id}"


class Fired(list[Timer]):
    """Fired timers, in their order."""

    async def fire(self, _: UnitOfWork, timer: Timer, _deps: None) -> None:
        self.append(timer)

    @property
    def entity_ids(self) -> list[str]:
        return [timer.entity_id for timer in self]


async def _set(bench: Bench, kind: str, count: int = 1, *, past_s: int = 60) -> None:
    """Set timers of a kind that are due, the first of them the longest ago."""
    async with bench.service.uow_factory.open(["S01"], None, CAUSATION) as uow:
        for number in range(count):
            await timers.schedule(
                uow,
                kind,
                f"{kind}-{number}",
                store_id="S01",
                due_at=uow.now - timedelta(seconds=past_s) + timedelta(milliseconds=number),
            )


async def _rows(bench: Bench, kind: str) -> list[Any]:
    return await bench.service.workers.fetch(
        "SELECT *, next_attempt_at > clock_timestamp() AS rests FROM timer WHERE kind = $1", kind
    )


async def _try_again_now(bench: Bench) -> None:
    """End every retry pause."""
    await bench.service.workers.execute("UPDATE timer SET next_attempt_at = '-infinity'")


async def _until(condition: Any) -> None:
    async with asyncio.timeout(_TIMEOUT_S):
        while not (await condition() if asyncio.iscoroutinefunction(condition) else condition()):
            await asyncio.sleep(0.02)


@asynccontextmanager
async def _running(
    bench: Bench, timer_handlers: Mapping[str, TimerHandler[None]]
) -> AsyncIterator[None]:
    service = bench.service
    await service.workers.execute("DELETE FROM timer")
    watching = Timers(
        "crm",
        service.workers,
        service.uow_factory,
        timer_handlers,
        None,
        service.consumer.catch_up,
    )
    task = asyncio.create_task(watching.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_timer_brought_forward_while_firing_fires_again(bench: Bench) -> None:
    fired: list[Timer] = []

    async def bring_forward() -> None:
        async with bench.service.uow_factory.open(["S01"], None, CAUSATION) as uow:
            await timers.bring_forward(uow, "nightly", ["S01"])

    async def fire(uow: UnitOfWork, timer: Timer, _: None) -> None:
        fired.append(timer)
        if len(fired) > 1:
            return
        change = asyncio.create_task(bring_forward())

        async def is_made() -> bool:
            return change.done() or await is_waited_for(uow.connection)

        await _until(is_made)
        tomorrow = uow.now + timedelta(days=1)
        await timers.schedule(uow, "nightly", timer.entity_id, store_id="S01", due_at=tomorrow)

    async with _running(bench, {"nightly": TimerHandler(fire)}):
        await _set(bench, "nightly")
        await _until(lambda: len(fired) == 2)
    assert fired[0].entity_id == fired[1].entity_id


async def test_waiting_timers_delay_no_other_type(bench: Bench) -> None:
    slow, fired = SlowService(), Fired()
    timer_handlers = {
        "registration": TimerHandler(fired.fire, prepare=slow.ask, lane=Lane("slow: persons", 4)),
        "reminder": TimerHandler(fired.fire, prepare=slow.ask, lane=Lane("slow: reminders", 4)),
        "near": TimerHandler(fired.fire),
        "other": TimerHandler(fired.fire),
    }
    async with _running(bench, timer_handlers):
        await _set(bench, "registration", _MANY)
        await _until(lambda: len(slow.asked) == 4)
        for kind in ("near", "other", "reminder"):
            await _set(bench, kind, 3, past_s=0)
        await _until(lambda: len(fired) == 6 and len(slow.asked) == 7)
        assert Counter(slow.asked) == Counter(
            [f"registration-{n}" for n in range(4)] + [f"reminder-{n}" for n in range(3)]
        )
        assert len(await _rows(bench, "registration")) == _MANY
        assert [timer for timer in fired.entity_ids if timer.startswith("near")] == [
            f"near-{n}" for n in range(3)
        ]
        slow.is_responding.set()
        await _until(lambda: len(fired) == _MANY + 9)
    responses = {timer.entity_id: timer.prepared for timer in fired if timer.prepared}
    assert responses == {entity_id: f"response to {entity_id}" for entity_id in slow.asked}
    assert slow.most_at_once <= 8


async def test_timer_of_unresponsive_service_is_deferred(bench: Bench) -> None:
    timer_handlers = {
        "remote": TimerHandler[None](
            Fired().fire, prepare=SlowService().ask, lane=Lane("slow", 1, 0.05)
        )
    }
    async with _running(bench, timer_handlers):
        await _set(bench, "remote", 3)

        async def all_rest() -> bool:
            return all(row["rests"] for row in await _rows(bench, "remote"))

        await _until(all_rest)
    assert {row["failures"] for row in await _rows(bench, "remote")} == {0}


async def test_deferred_timer_fires_when_service_returns(bench: Bench) -> None:
    unavailable, fired = [True], Fired()

    async def ask(_store_id: str, _entity_id: str, _deps: None) -> None:
        if unavailable:
            raise RetryLaterError("unavailable")

    async with _running(bench, {"remote": TimerHandler(fired.fire, prepare=ask, attempts=3)}):
        await _set(bench, "remote", 2)

        async def both_wait() -> bool:
            return [row["attempts"] for row in await _rows(bench, "remote")] == [1, 1]

        await _until(both_wait)
        assert {row["error"] for row in await _rows(bench, "remote")} == {
            "RetryLaterError: unavailable"
        }
        unavailable.clear()
        await _try_again_now(bench)
        await _until(lambda: len(fired) == 2)
    assert await _rows(bench, "remote") == []


@pytest.mark.parametrize(
    ("error", "tries"),
    [(ValueError("wrong\nplate 浙A12345"), 2), (RetryLaterError("unavailable"), 3)],
)
async def test_timer_is_dead_lettered_at_its_limit(
    bench: Bench, error: Exception, tries: int
) -> None:
    tried, fired = [], Fired()

    async def fail(_uow: UnitOfWork, timer: Timer, _deps: None) -> None:
        tried.append(timer.entity_id)
        raise error

    timer_handlers = {
        "failing": TimerHandler(fail, failures=2, attempts=3),
        "near": TimerHandler(fired.fire),
    }
    async with _running(bench, timer_handlers):
        await _set(bench, "failing")

        async def given_up() -> bool:
            await _try_again_now(bench)
            return (await _rows(bench, "failing"))[0]["given_up_at"] is not None

        await _until(given_up)
        await _set(bench, "near")
        await _until(lambda: len(fired) == 1)
        assert len(tried) == tries
        (row,) = await _rows(bench, "failing")
        assert "浙A12345" not in row["error"]
        await _set(bench, "failing")
        await _until(lambda: len(tried) > tries)


async def test_new_timer_fires_before_failed_one(bench: Bench) -> None:
    tried: list[str] = []

    async def fail(_uow: UnitOfWork, timer: Timer, _deps: None) -> None:
        tried.append(timer.entity_id)
        raise ValueError

    async with _running(bench, {"failing": TimerHandler(fail, failures=100)}):
        await _set(bench, "failing", 12)
        await _until(lambda: len(set(tried)) == 12)
    assert tried[:12] == [f"failing-{n}" for n in range(12)]


async def test_stale_timer_preparation_is_no_failure(bench: Bench) -> None:
    tried: list[str] = []

    async def stale(_uow: UnitOfWork, timer: Timer, _deps: None) -> None:
        tried.append(timer.entity_id)
        raise StaleStateError

    async with _running(bench, {"stale": TimerHandler(stale, failures=1)}):
        await _set(bench, "stale")
        await _until(lambda: len(tried) == 3)
        assert [row["attempts"] for row in await _rows(bench, "stale")] == [0]


async def test_two_timer_types_in_one_lane_are_rejected(bench: Bench) -> None:
    timer_handlers = dict.fromkeys(
        ("a", "b"), TimerHandler[None](Fired().fire, lane=Lane("shared"))
    )
    with pytest.raises(ValueError, match="shared"):
        async with _running(bench, timer_handlers):
            pass
