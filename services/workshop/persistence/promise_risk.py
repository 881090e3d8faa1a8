"""Risks of open promises (承诺风险)."""

from collections.abc import Sequence
from datetime import datetime

from services.workshop.domain.promise_risk import PromiseRisk
from shared.db import Connection
from shared.table import Table

_RISKS = Table(
    "promise_risk",
    PromiseRisk,
    key=("store_id", "order_id"),
    json=("cause",),
    added=("store_id", "computed_at"),
)


async def promise_risks(connection: Connection, store_id: str) -> list[PromiseRisk]:
    """Return the promise risks of the store's open orders, the least likely to be kept first."""
    rows = await connection.fetch(
        _RISKS.select + "WHERE store_id = $1 ORDER BY probability, order_id", store_id
    )
    return [_RISKS.read(row) for row in rows]


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
        _RISKS.upsert,
        [_RISKS.values(each, store_id=store_id, computed_at=now) for each in present],
    )
