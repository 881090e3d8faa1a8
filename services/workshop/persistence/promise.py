"""Promises of open orders and the store's learned model (承诺与学习模型)."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from services.workshop.domain.promise_record import PromiseRecord
from services.workshop.planning import Calibration, Durations
from shared.db import Connection
from shared.table import Table

_SELECT_LEARNED_MODEL = """
SELECT store_id, durations, scores, offsets
FROM learned_model
"""

_SAVE_CALIBRATION = """
INSERT INTO learned_model (store_id, scores, offsets) VALUES ($1, $2, $3)
ON CONFLICT (store_id) DO UPDATE SET scores = excluded.scores, offsets = excluded.offsets
"""

_SAVE_DURATIONS = """
INSERT INTO learned_model (store_id, durations) VALUES ($1, $2)
ON CONFLICT (store_id) DO UPDATE SET durations = excluded.durations
"""


_PROMISES = Table("promise", PromiseRecord, key=("store_id", "order_id"))


@dataclass(frozen=True)
class LearnedModel:
    """Model learned from a store's finished jobs and from its promises kept and broken."""

    durations: Durations = dataclasses.field(default_factory=Durations)
    calibration: Calibration = dataclasses.field(default_factory=Calibration)


async def save_promise_record(connection: Connection, promise: PromiseRecord) -> None:
    """Store the promise, in place of an earlier one for the order."""
    await connection.execute(_PROMISES.upsert, *_PROMISES.values(promise))


async def read_promise_record(
    connection: Connection, store_id: str, order_id: str
) -> PromiseRecord | None:
    """Return the promise of an open order, if a quote gave it."""
    row = await connection.fetchrow(
        _PROMISES.select + "WHERE store_id = $1 AND order_id = $2", store_id, order_id
    )
    return _PROMISES.read(row) if row else None


async def delete_promise(connection: Connection, store_id: str, order_id: str) -> None:
    """Delete the promise of an order that is done or will not be done."""
    await connection.execute(
        "DELETE FROM promise WHERE store_id = $1 AND order_id = $2", store_id, order_id
    )


async def read_learned_model(connection: Connection, store_id: str) -> LearnedModel:
    """Return the store's learned model, empty for a new store."""
    row = await connection.fetchrow(_SELECT_LEARNED_MODEL + "WHERE store_id = $1", store_id)
    return _learned_model(row) if row else LearnedModel()


async def all_learned_models(connection: Connection) -> dict[str, LearnedModel]:
    """Return the learned model of each store in scope, by store."""
    rows = await connection.fetch(_SELECT_LEARNED_MODEL)
    return {row["store_id"]: _learned_model(row) for row in rows}


async def save_calibration(connection: Connection, store_id: str, calibration: Calibration) -> None:
    """Store the calibration; the caller locks the store's plan."""
    await connection.execute(
        _SAVE_CALIBRATION, store_id, list(calibration.scores), dict(calibration.offsets)
    )


async def save_durations(connection: Connection, store_id: str, durations: Durations) -> None:
    """Store the durations learned from finished jobs."""
    await connection.execute(_SAVE_DURATIONS, store_id, dataclasses.asdict(durations))


def _learned_model(row: Any) -> LearnedModel:
    learned = dict(row["durations"])
    if learned:
        learned["residual_quantiles"] = tuple(learned["residual_quantiles"])
    offsets = {float(confidence): offset for confidence, offset in row["offsets"].items()}
    return LearnedModel(Durations(**learned), Calibration(tuple(row["scores"]), offsets))
