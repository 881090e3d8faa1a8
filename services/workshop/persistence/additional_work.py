"""Additional work that waits for the customer's decision (增项)."""

from services.workshop.domain.additional_work import AdditionalWork, AdditionalWorkDecision
from shared.contracts.workshop import AdditionalWorkRecommended
from shared.db import Connection
from shared.table import Table

_ADDITIONAL_WORK = Table(
    "additional_work",
    AdditionalWork,
    key=("store_id", "additional_work_id"),
    json=("op_codes", "part_numbers"),
    added=("store_id", "order_id"),
)

_OF_ORDER = (
    _ADDITIONAL_WORK.select
    + "WHERE store_id = $1 AND order_id = $2 ORDER BY recommended_at, additional_work_id"
)


async def add_additional_work(
    connection: Connection, found: AdditionalWorkRecommended, note: bytes | None
) -> None:
    """Store additional work that was found."""
    work = AdditionalWork(
        additional_work_id=found.additional_work_id,
        job_id=found.job_id,
        op_codes=found.op_codes,
        part_numbers=found.part_numbers,
        note=note,
        recommended_by=found.recommended_by,
        recommended_at=found.recommended_at,
    )
    await connection.execute(
        _ADDITIONAL_WORK.insert,
        *_ADDITIONAL_WORK.values(work, store_id=found.store_id, order_id=found.order_id),
    )


async def save_additional_work_decision(
    connection: Connection, store_id: str, additional_work_id: str, decision: AdditionalWorkDecision
) -> None:
    """Store the customer's decision."""
    await connection.execute(
        "UPDATE additional_work SET decision = $3 WHERE store_id = $1 AND additional_work_id = $2",
        store_id,
        additional_work_id,
        decision,
    )


async def additional_work_of_order(
    connection: Connection, store_id: str, order_id: str
) -> list[AdditionalWork]:
    """Return the additional work found for an order, in its order."""
    rows = await connection.fetch(_OF_ORDER, store_id, order_id)
    return [_ADDITIONAL_WORK.read(row) for row in rows]
