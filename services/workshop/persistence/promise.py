"""Promises of open orders and what the store has learned from earlier ones (承诺与经验)."""

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.workshop.planning import Calibration, Durations
from shared.db import Connection

_SAVE_PROMISE = """
INSERT INTO promise (store_id, order_id, due_at, confidence, expected_at, spread_min, settled)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (store_id, order_id) DO UPDATE SET
    due_at = excluded.due_at, confidence = excluded.confidence, expected_at = excluded.expected_at,
    spread_min = excluded.spread_min, settled = excluded.settled
"""

_EXPERIENCE = """
SELECT store_id, durations, scores, offsets
FROM experience
"""

_SAVE_CALIBRATION = """
INSERT INTO experience (store_id, scores, offsets) VALUES ($1, $2, $3)
ON CONFLICT (store_id) DO UPDATE SET scores = excluded.scores, offsets = excluded.offsets
"""

_SAVE_DURATIONS = """
INSERT INTO experience (store_id, durations) VALUES ($1, $2)
ON CONFLICT (store_id) DO UPDATE SET durations = excluded.durations
"""


@dataclass(frozen=True)
class GivenPromise:
    """What was promised for an order, and what that rested on.

    With just the ``confidence`` the work is done by ``due_at``. The median end expected was
    ``expected_at``, and ``spread_min`` working minutes lie from there to the end that nine in ten
    do not exceed. ``settled``: the calibration knows already that it was broken.
    """

    store_id: str
    order_id: str
    due_at: datetime
    confidence: float
    expected_at: datetime
    spread_min: float
    settled: bool = False


@dataclass(frozen=True)
class Experience:
    """What a store knows from finished jobs and from promises kept and broken."""

    durations: Durations = dataclasses.field(default_factory=Durations)
    calibration: Calibration = dataclasses.field(default_factory=Calibration)


async def save_promise(connection: Connection, promise: GivenPromise) -> None:
    """Remember the promise, in place of an earlier one for the order."""
    await connection.execute(_SAVE_PROMISE, *dataclasses.astuple(promise))


async def read_promise(connection: Connection, store_id: str, order_id: str) -> GivenPromise | None:
    """The promise of an open order, if a quote gave it."""
    row = await connection.fetchrow(
        "SELECT store_id, order_id, due_at, confidence, expected_at, spread_min, settled "
        "FROM promise WHERE store_id = $1 AND order_id = $2",
        store_id,
        order_id,
    )
    return GivenPromise(**row) if row else None


async def forget_promise(connection: Connection, store_id: str, order_id: str) -> None:
    """The order is done or will not be."""
    await connection.execute(
        "DELETE FROM promise WHERE store_id = $1 AND order_id = $2", store_id, order_id
    )


async def read_experience(connection: Connection, store_id: str) -> Experience:
    """What the store has learned; nothing yet for a new store."""
    row = await connection.fetchrow(_EXPERIENCE + "WHERE store_id = $1", store_id)
    return _experience(row) if row else Experience()


async def all_experiences(connection: Connection) -> dict[str, Experience]:
    """What each store in scope has learned, by store."""
    rows = await connection.fetch(_EXPERIENCE)
    return {row["store_id"]: _experience(row) for row in rows}


async def save_calibration(connection: Connection, store_id: str, calibration: Calibration) -> None:
    """Store what promises have taught; the store's plan must be locked."""
    await connection.execute(
        _SAVE_CALIBRATION, store_id, list(calibration.scores), dict(calibration.offsets)
    )


async def save_durations(connection: Connection, store_id: str, durations: Durations) -> None:
    """Store what finished jobs have taught."""
    await connection.execute(_SAVE_DURATIONS, store_id, dataclasses.asdict(durations))


def _experience(row: Any) -> Experience:
    learned = dict(row["durations"])
    if learned:
        learned["law"] = tuple(learned["law"])
    offsets = {float(confidence): offset for confidence, offset in row["offsets"].items()}
    return Experience(Durations(**learned), Calibration(tuple(row["scores"]), offsets))
