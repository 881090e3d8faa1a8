"""Timers as rows: they survive restarts and fire once, in one transaction.

``due_at`` is business time and says when a timer is due. ``next_attempt_at`` is real time and
says when one that could not be handled is tried again. A row is handled when both have passed.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import structlog

from shared.db import TRANSIENT, Pool
from shared.envelope import Causation
from shared.ids import new_id
from shared.telemetry import TIMER_ATTEMPTS
from shared.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = structlog.get_logger()

D = TypeVar("D")

_POLL_S = 0.1
_LOOK_AGAIN_S = 1.0
_CATCH_UP_S = 10.0
_DATABASE_PAUSE_S = 1.0
_LONGEST_ERROR = 300

_SCHEDULE = """
INSERT INTO timer (timer_id, store_id, kind, entity_id, due_at, data)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (kind, entity_id) DO UPDATE
SET due_at = excluded.due_at, data = excluded.data, attempts = DEFAULT, failures = DEFAULT,
    next_attempt_at = DEFAULT, error = DEFAULT, given_up_at = DEFAULT
"""

_SCHEDULE_MISSING = """
INSERT INTO timer (timer_id, store_id, kind, entity_id, due_at, data)
VALUES ($1, $2, $3, $2, $4, $5)
ON CONFLICT (kind, entity_id) DO NOTHING
"""

# One that is firing has its next time once it has committed; an update alone would not see that.
_WAIT_FOR_FIRING = """
SELECT FROM timer WHERE kind = $1 AND store_id = ANY ($2) ORDER BY timer_id FOR UPDATE
"""

_BRING_FORWARD = """
UPDATE timer SET due_at = $3 WHERE kind = $1 AND store_id = ANY ($2) AND due_at > $3
"""

# Those of a lane that were never tried come first: one that fails again and again delays none.
_DUE = """
SELECT timer_id, store_id, kind, entity_id, due_at, attempts
FROM (
    SELECT due.*, lane.concurrency, row_number() OVER (
               PARTITION BY lane.name ORDER BY next_attempt_at, due_at, timer_id) AS turn
    FROM unnest($2::text[], $3::text[], $4::int[]) AS lane (kind, name, concurrency)
    CROSS JOIN LATERAL (
        SELECT * FROM timer
        WHERE timer.kind = lane.kind AND due_at <= $1 AND given_up_at IS NULL
          AND next_attempt_at <= clock_timestamp() AND timer_id <> ALL ($5)
        ORDER BY next_attempt_at, due_at, timer_id
        LIMIT lane.concurrency) AS due) AS candidate
WHERE turn <= concurrency
ORDER BY turn
"""

_NEXT_DUE = """
SELECT min(next.due_at)
FROM unnest($2::text[]) AS known (kind)
CROSS JOIN LATERAL (
    SELECT due_at FROM timer
    WHERE timer.kind = known.kind AND due_at > $1 AND given_up_at IS NULL
    ORDER BY due_at LIMIT 1) AS next
"""

_CLAIM = """
DELETE FROM timer WHERE timer_id = (
    SELECT timer_id FROM timer
    WHERE timer_id = $1 AND due_at <= $2 AND given_up_at IS NULL FOR UPDATE SKIP LOCKED)
RETURNING timer_id, store_id, kind, entity_id, due_at, data
"""

# The pauses double from one second to a minute, each a quarter longer or shorter by chance.
_POSTPONE = """
UPDATE timer
SET attempts = attempts + 1,
    failures = failures + $3,
    error = $4,
    next_attempt_at = clock_timestamp()
        + least(60, 2 ^ least(attempts, 6)) * (0.75 + random() / 2) * interval '1 second',
    given_up_at = CASE WHEN failures + $3 >= $5 OR attempts + 1 >= $6 THEN clock_timestamp() END
WHERE timer_id = $1 AND due_at = $2 AND given_up_at IS NULL
RETURNING given_up_at IS NOT NULL AS given_up
"""


@dataclass(frozen=True)
class Timer:
    """Timer that is due."""

    store_id: str
    entity_id: str
    due_at: datetime
    data: Mapping[str, Any]
    causation: Causation
    prepared: Any = None


@dataclass(frozen=True)
class Lane:
    """Lane of timers: so many are handled at a time, and no other lane waits for them.

    A timer that is not prepared within ``timeout_s`` real seconds is tried again later.
    """

    name: str
    concurrency: int = 1
    timeout_s: float = 120.0


@dataclass(frozen=True)
class TimerHandler(Generic[D]):
    """Handler of the due timers of one kind.

    ``prepare`` runs first, outside any transaction: it asks or tells another system, repeatably,
    and returns the input of ``fire``. ``lock`` takes the locks that commands take before they touch
    the timer; without it two of them could wait for each other. ``fire`` acts, in the transaction
    that deletes the timer; a kind whose ``prepare`` does it all has none. A kind that names no
    ``lane`` waits for this process alone and has a lane of its own. With ``when_caught_up`` it
    waits until all events published so far are applied.

    A timer is given up, and waits for an operator, when it has failed ``failures`` times, or
    was tried in vain ``attempts`` times (5,000 are three and a half days).
    """

    fire: Callable[[UnitOfWork, Timer, D], Awaitable[None]] | None
    lock: Callable[[UnitOfWork, str, str], Awaitable[Any]] | None = None
    prepare: Callable[[str, str, D], Awaitable[Any]] | None = None
    lane: Lane | None = None
    when_caught_up: bool = False
    failures: int = 6
    attempts: int = 5000


class RetryLaterError(Exception):
    """Failure because a dependency is not there yet; the timer is retried for a long time."""


class StaleStateError(Exception):
    """Mismatch between the prepared input and the state; it is prepared once more at once."""


async def schedule(
    uow: UnitOfWork,
    kind: str,
    entity_id: str,
    *,
    store_id: str,
    due_at: datetime,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Set the one timer of ``kind`` for ``entity_id``, moving it where it exists."""
    content = {"correlation_id": uow.cause.correlation_id, **(data or {})}
    await uow.connection.execute(_SCHEDULE, new_id(), store_id, kind, entity_id, due_at, content)


async def schedule_missing(uow: UnitOfWork, kind: str, due_at: Mapping[str, datetime]) -> None:
    """Set the timer of ``kind`` for each store of ``due_at`` that has none."""
    content = {"correlation_id": uow.cause.correlation_id}
    await uow.connection.executemany(
        _SCHEDULE_MISSING,
        [(new_id(), store_id, kind, moment, content) for store_id, moment in due_at.items()],
    )


async def bring_forward(uow: UnitOfWork, kind: str, store_ids: Collection[str]) -> None:
    """Make the timers of ``kind`` in these stores due now that are due later.

    One that fires meanwhile, and may not have seen what has changed, fires again.
    """
    await uow.connection.execute(_WAIT_FOR_FIRING, kind, list(store_ids))
    await uow.connection.execute(_BRING_FORWARD, kind, list(store_ids), uow.now)


async def cancel(uow: UnitOfWork, kind: str, entity_id: str) -> None:
    """Drop a timer that no longer matters."""
    await uow.connection.execute(
        "DELETE FROM timer WHERE kind = $1 AND entity_id = $2", kind, entity_id
    )


class Timers(Generic[D]):
    """Scheduler that fires due timers of the given kinds, each kind in its lane.

    Several instances share the work through row locks. ``catch_up`` returns whether all events
    published so far are applied, and waits for that up to so many seconds.
    """

    def __init__(
        self,
        service: str,
        workers: Pool,
        uow_factory: UnitOfWorkFactory,
        timer_handlers: Mapping[str, TimerHandler[D]],
        deps: D,
        catch_up: Callable[[float], Awaitable[bool]],
    ) -> None:
        """Set up the scheduler for its handlers.

        Raises ValueError when two kinds name one lane, where one could delay the other.
        """
        lanes = [each.lane.name for each in timer_handlers.values() if each.lane]
        if len(lanes) != len(set(lanes)):
            raise ValueError(f"a lane is named by two kinds of timers: {sorted(lanes)}")
        self._service = service
        self._workers = workers
        self._uow_factory = uow_factory
        self._clock = uow_factory.clock
        self._timer_handlers = timer_handlers
        self._deps = deps
        self._catch_up = catch_up
        self._being_handled: dict[UUID, Lane] = {}
        self._done = asyncio.Event()
        self._committed = False
        uow_factory.after_commit.append(self._note_commit)

    async def run(self) -> None:
        """Fire timers until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                self._committed = False
                self._done.clear()
                try:
                    rows, next_due = await self._look()
                except TRANSIENT:
                    await asyncio.sleep(_DATABASE_PAUSE_S)
                    continue
                for row in rows:
                    self._being_handled[row["timer_id"]] = self._lane(row["kind"])
                    group.create_task(self._take(row))
                await self._rest(next_due)

    async def _rest(self, next_due: datetime | None) -> None:
        """Wait until another timer may be handled.

        That is when one is done, a transaction of this process may have set one, or
        ``next_due`` comes. Those that other processes set are found a little later.
        """
        look_again_at = time.monotonic() + _LOOK_AGAIN_S
        while time.monotonic() < look_again_at:
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_S):
                    await self._done.wait()
                    return
            if self._committed or (next_due and self._clock.now() >= next_due):
                return

    def _note_commit(self, _: UnitOfWork) -> None:
        self._committed = True

    def _lane(self, kind: str) -> Lane:
        """Return the lane of a timer.

        On a clock that stands still, timers that wait for this process take turns, so that a day
        repeats itself.
        """
        return self._timer_handlers[kind].lane or Lane("in turn" if self._clock.is_paused else kind)

    async def _look(self) -> tuple[list[Any], datetime | None]:
        """Return as many due timers as there are free slots in their lanes, and when the next of
        the others is due.
        """
        lanes = {kind: self._lane(kind) for kind in self._timer_handlers}
        taken = list(self._being_handled.values())
        now = self._clock.now()
        due = await self._workers.fetch(
            _DUE,
            now,
            list(lanes),
            [lane.name for lane in lanes.values()],
            [lane.concurrency - taken.count(lane) for lane in lanes.values()],
            list(self._being_handled),
        )
        return due, await self._workers.fetchval(_NEXT_DUE, now, list(lanes))

    async def _take(self, row: Any) -> None:
        try:
            outcome = await self._handle(row)
            TIMER_ATTEMPTS.labels(self._service, row["kind"], outcome).inc()
        finally:
            del self._being_handled[row["timer_id"]]
            self._done.set()

    async def _handle(self, row: Any) -> str:
        """Handle one timer; return its outcome."""
        try:
            if await self._fire(row):
                return "done"
        except StaleStateError:
            log.info("timer is prepared again", kind=row["kind"])
        except (RetryLaterError, *TRANSIENT) as error:
            if not row["attempts"]:
                log.warning("timer deferred", error=_text(error), **_name(row))
            return await self._postpone(row, error, "deferred")
        except Exception as error:
            log.exception("timer failed", **_name(row))
            return await self._postpone(row, error, "failed")
        await asyncio.sleep(_POLL_S)
        return "again"

    async def _fire(self, row: Any) -> bool:
        """Fire a timer; return whether it was still to be fired.

        Another process may be firing it.
        """
        timer_id, store_id, entity_id = row["timer_id"], row["store_id"], row["entity_id"]
        handler = self._timer_handlers[row["kind"]]
        async with asyncio.timeout(self._lane(row["kind"]).timeout_s):
            if handler.when_caught_up and not await self._catch_up(_CATCH_UP_S):
                raise StaleStateError
            prepared = (
                await handler.prepare(store_id, entity_id, self._deps) if handler.prepare else None
            )
        async with self._uow_factory.open([store_id]) as uow:
            if handler.lock:
                await handler.lock(uow, store_id, entity_id)
            claimed = await uow.connection.fetchrow(_CLAIM, timer_id, uow.now)
            if claimed is None:
                return False
            data = claimed["data"]
            causation = Causation(data["correlation_id"], str(timer_id))
            timer = Timer(store_id, entity_id, claimed["due_at"], data, causation, prepared)
            if handler.fire:
                await handler.fire(uow.caused_by(causation, timer.due_at), timer, self._deps)
        return True

    async def _postpone(self, row: Any, error: Exception, outcome: str) -> str:
        handler = self._timer_handlers[row["kind"]]
        try:
            given_up = await self._workers.fetchval(
                _POSTPONE,
                row["timer_id"],
                row["due_at"],
                int(outcome == "failed"),
                _text(error),
                handler.failures,
                handler.attempts,
            )
        except TRANSIENT:
            await asyncio.sleep(_DATABASE_PAUSE_S)
            return outcome
        if given_up:
            log.error("timer is given up", error=_text(error), **_name(row))
            return "given up"
        return outcome


def _text(error: Exception) -> str:
    """Return the first line of an error; the others may quote what people typed."""
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:_LONGEST_ERROR]


def _name(row: Any) -> dict[str, str]:
    return {"timer": str(row["timer_id"]), "kind": row["kind"], "store": row["store_id"]}
