"""Deadlines as rows: they survive restarts and fire once, in one transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import structlog

from shared.clock import Clock
from shared.db import TRANSIENT, Pool
from shared.envelope import Cause
from shared.ids import new_id
from shared.unit import Unit, Units

log = structlog.get_logger()

_POLL_S = 0.1
_PORTION = 200

_SCHEDULE = """
INSERT INTO timer (timer_id, store_id, kind, subject, due_at, data)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (kind, subject) DO UPDATE SET due_at = excluded.due_at, data = excluded.data
"""

_SCHEDULE_MISSING = """
INSERT INTO timer (timer_id, store_id, kind, subject, due_at, data)
VALUES ($1, $2, $3, $2, $4, $5)
ON CONFLICT (kind, subject) DO NOTHING
"""

_DUE = """
SELECT timer_id, store_id, kind, subject FROM timer
WHERE due_at <= $1 AND kind = ANY ($2) ORDER BY due_at, timer_id LIMIT $3
"""

_CLAIM = """
DELETE FROM timer WHERE timer_id = (
    SELECT timer_id FROM timer WHERE timer_id = $1 AND due_at <= $2 FOR UPDATE SKIP LOCKED)
RETURNING timer_id, store_id, kind, subject, due_at, data
"""

Outcome = Literal["done", "waits", "failed"]
"""Forgotten, or prepared anew at once; waiting for another system; to be tried again otherwise."""


@dataclass(frozen=True)
class Timer:
    """A deadline that has passed."""

    store_id: str
    subject: str
    due_at: datetime
    data: Mapping[str, Any]
    cause: Cause
    prepared: Any = None


@dataclass(frozen=True)
class Deadline:
    """What happens when a deadline of one kind has passed.

    ``prepare`` computes, from store and subject and outside any transaction, what ``fire`` will
    apply. ``lock`` takes the locks that commands take before they touch the timer; without it two
    of them could wait for each other. ``fire`` acts, in the transaction that forgets the timer.
    Deadlines that take long or wait for other systems are handled ``apart``, so many at a time, and
    no others wait for them; 0 is the common row, one after the other.
    """

    fire: Callable[[Unit, Timer], Awaitable[None]]
    lock: Callable[[Unit, str, str], Awaitable[Any]] | None = None
    prepare: Callable[[str, str], Awaitable[Any]] | None = None
    apart: int = 0


class NotYetError(Exception):
    """What the deadline needs is not there yet; the timer stays and fires again."""


class StalePreparationError(Exception):
    """What was prepared no longer fits; the timer stays and is prepared anew."""


async def schedule(
    unit: Unit,
    kind: str,
    subject: str,
    *,
    store_id: str,
    due_at: datetime,
    cause: Cause,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Set the one deadline of ``kind`` for ``subject``, moving it where it exists."""
    content = {"correlation_id": cause.correlation_id, **(data or {})}
    await unit.connection.execute(_SCHEDULE, new_id(), store_id, kind, subject, due_at, content)


async def schedule_missing(
    unit: Unit, kind: str, due_at: Mapping[str, datetime], cause: Cause
) -> None:
    """Set the deadline of ``kind`` for each store of ``due_at`` that has none."""
    content = {"correlation_id": cause.correlation_id}
    await unit.connection.executemany(
        _SCHEDULE_MISSING,
        [(new_id(), store_id, kind, moment, content) for store_id, moment in due_at.items()],
    )


async def cancel(unit: Unit, kind: str, subject: str) -> None:
    """Drop a deadline that no longer matters."""
    await unit.connection.execute(
        "DELETE FROM timer WHERE kind = $1 AND subject = $2", kind, subject
    )


class Timers:
    """Fires due deadlines of the kinds it is given, one after the other.

    Several instances share the work through row locks.
    """

    def __init__(
        self,
        workers: Pool,
        units: Units,
        clock: Clock,
        deadlines: Mapping[str, Deadline],
    ) -> None:
        self._workers = workers
        self._units = units
        self._clock = clock
        self._deadlines = deadlines
        self._waiting: dict[int, frozenset[UUID]] = {}

    @property
    def waiting(self) -> int:
        """How many of the due deadlines wait for another system, as of their last try."""
        return sum(map(len, self._waiting.values()))

    async def run(self) -> None:
        """Fire deadlines until cancelled."""
        async with asyncio.TaskGroup() as group:
            for apart in sorted({deadline.apart for deadline in self._deadlines.values()}):
                kinds = [kind for kind, each in self._deadlines.items() if each.apart == apart]
                group.create_task(self._watch(kinds, apart))

    async def _watch(self, kinds: Sequence[str], apart: int) -> None:
        turns = asyncio.Semaphore(apart or 1)
        while True:
            try:
                due = await self._workers.fetch(_DUE, self._clock.now(), kinds, _PORTION)
            except TRANSIENT:
                due = []
            outcomes = await asyncio.gather(*(self._fire(row, turns) for row in due))
            self._waiting[apart] = frozenset(
                row["timer_id"]
                for row, outcome in zip(due, outcomes, strict=True)
                if outcome == "waits"
            )
            await asyncio.sleep(_POLL_S if set(outcomes) <= {"done"} else 1)

    async def _fire(self, due: Any, turns: asyncio.Semaphore) -> Outcome:
        """Handle one deadline in its turn."""
        async with turns:
            return await self._handle(due)

    async def _handle(self, due: Any) -> Outcome:
        timer_id, store_id, subject = due["timer_id"], due["store_id"], due["subject"]
        deadline = self._deadlines[due["kind"]]
        try:
            prepared = await deadline.prepare(store_id, subject) if deadline.prepare else None
            async with self._units.open([store_id]) as unit:
                if deadline.lock:
                    await deadline.lock(unit, store_id, subject)
                row = await unit.connection.fetchrow(_CLAIM, timer_id, unit.now)
                if row is not None:
                    cause = Cause(row["data"]["correlation_id"], str(timer_id))
                    timer = Timer(store_id, subject, row["due_at"], row["data"], cause, prepared)
                    await deadline.fire(unit, timer)
        except StalePreparationError:
            log.info("timer is prepared anew", kind=due["kind"])
        except NotYetError as error:
            if not any(timer_id in waiting for waiting in self._waiting.values()):
                log.warning("timer waits", timer=str(timer_id), kind=due["kind"], error=str(error))
            return "waits"
        except TRANSIENT as error:
            log.warning("timer will fire again", timer=str(timer_id), error=repr(error))
            return "failed"
        except Exception:
            log.exception("timer failed", timer=str(timer_id), kind=due["kind"])
            return "failed"
        return "done"
