"""Risks of open promises (承诺风险)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.workshop.domain.promise_risk import PromiseRisk
from services.workshop.domain.reasons import Reason
from shared.db import Connection

_SAVE = """
INSERT INTO promise_risk (
    store_id, order_id, promised_at, probability, cause, detail, best_promise_at, computed_at,
    alerted_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (store_id, order_id) DO UPDATE SET
    promised_at = excluded.promised_at, probability = excluded.probability,
    cause = excluded.cause, detail = excluded.detail, best_promise_at = excluded.best_promise_at,
    computed_at = excluded.computed_at, alerted_at = excluded.alerted_at
"""


async def promise_risks(connection: Connection, store_id: str) -> list[PromiseRisk]:
    """Return the promise risks of the store's open orders, the least likely to be kept first."""
    rows = await connection.fetch(
        "SELECT order_id, promised_at, probability, cause, detail, best_promise_at, alerted_at "
        "FROM promise_risk WHERE store_id = $1 ORDER BY probability, order_id",
        store_id,
    )
    return [_promise_risk(row) for row in rows]


async def save_promise_risks(
    connection: Connection, store_id: str, present: Sequence[PromiseRisk], now: datetime
) -> None:
    """Store the promise risks of all open orders; those of other orders are deleted."""
    await connection.execute(
        "DELETE FROM promise_risk WHERE store_id = $1 AND order_id <> ALL ($2)",
        store_id,
        [promise_risk.order_id for promise_risk in present],
    )
    await connection.executemany(
        _SAVE,
        [
            (
                store_id,
                promise_risk.order_id,
                promise_risk.promised_at,
                promise_risk.probability,
                promise_risk.cause.code,
                dict(promise_risk.cause.detail),
                promise_risk.best_promise_at,
                now,
                promise_risk.alerted_at,
            )
            for promise_risk in present
        ],
    )


def _promise_risk(row: Any) -> PromiseRisk:
    return PromiseRisk(
        order_id=row["order_id"],
        promised_at=row["promised_at"],
        probability=row["probability"],
        cause=Reason(row["cause"], row["detail"]),
        best_promise_at=row["best_promise_at"],
        alerted_at=row["alerted_at"],
    )
