"""Prospects of open promises (承诺风险)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.workshop.domain.prospect import Prospect
from services.workshop.domain.reasons import Reason
from shared.db import Connection

_SAVE = """
INSERT INTO prospect (
    store_id, order_id, promised_at, probability, cause, detail, best_promise_at, computed_at,
    raised_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (store_id, order_id) DO UPDATE SET
    promised_at = excluded.promised_at, probability = excluded.probability,
    cause = excluded.cause, detail = excluded.detail, best_promise_at = excluded.best_promise_at,
    computed_at = excluded.computed_at, raised_at = excluded.raised_at
"""


async def prospects(connection: Connection, store_id: str) -> list[Prospect]:
    """The prospects of the store's open orders, the least likely to be kept first."""
    rows = await connection.fetch(
        "SELECT order_id, promised_at, probability, cause, detail, best_promise_at, raised_at "
        "FROM prospect WHERE store_id = $1 ORDER BY probability, order_id",
        store_id,
    )
    return [_prospect(row) for row in rows]


async def save_prospects(
    connection: Connection, store_id: str, present: Sequence[Prospect], now: datetime
) -> None:
    """Store the prospects of all open orders; those of other orders are forgotten."""
    await connection.execute(
        "DELETE FROM prospect WHERE store_id = $1 AND order_id <> ALL ($2)",
        store_id,
        [prospect.order_id for prospect in present],
    )
    await connection.executemany(
        _SAVE,
        [
            (
                store_id,
                prospect.order_id,
                prospect.promised_at,
                prospect.probability,
                prospect.cause.code,
                dict(prospect.cause.detail),
                prospect.best_promise_at,
                now,
                prospect.raised_at,
            )
            for prospect in present
        ],
    )


def _prospect(row: Any) -> Prospect:
    return Prospect(
        order_id=row["order_id"],
        promised_at=row["promised_at"],
        probability=row["probability"],
        cause=Reason(row["cause"], row["detail"]),
        best_promise_at=row["best_promise_at"],
        raised_at=row["raised_at"],
    )
