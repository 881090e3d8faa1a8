"""Additional work that waits for the customer's decision (增项)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from shared.contracts.workshop import AdditionalWorkRecommended
from shared.db import Connection

AdditionalWorkDecision = Literal["authorized", "declined"]

_ADD = """
INSERT INTO additional_work (
    store_id, additional_work_id, job_id, order_id, op_codes, part_numbers, note, recommended_by,
    recommended_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

_OF_ORDER = """
SELECT additional_work_id, job_id, op_codes, part_numbers, note, recommended_by, recommended_at,
       decision
FROM additional_work
WHERE store_id = $1 AND order_id = $2
ORDER BY recommended_at, additional_work_id
"""


@dataclass(frozen=True)
class AdditionalWork:
    """Additional work, with its encrypted note and the customer's decision, if there is one."""

    additional_work_id: str
    job_id: str
    op_codes: tuple[str, ...]
    part_numbers: tuple[str, ...]
    note: bytes | None
    recommended_by: str
    recommended_at: datetime
    decision: AdditionalWorkDecision | None


async def add(connection: Connection, found: AdditionalWorkRecommended, note: bytes | None) -> None:
    """Store additional work that was found."""
    await connection.execute(
        _ADD,
        found.store_id,
        found.additional_work_id,
        found.job_id,
        found.order_id,
        list(found.op_codes),
        list(found.part_numbers),
        note,
        found.recommended_by,
        found.recommended_at,
    )


async def record_decision(
    connection: Connection, store_id: str, additional_work_id: str, decision: AdditionalWorkDecision
) -> None:
    """Store the customer's decision."""
    await connection.execute(
        "UPDATE additional_work SET decision = $3 WHERE store_id = $1 AND additional_work_id = $2",
        store_id,
        additional_work_id,
        decision,
    )


async def of_order(connection: Connection, store_id: str, order_id: str) -> list[AdditionalWork]:
    """Return the additional work found for an order, in its order."""
    return [_found(row) for row in await connection.fetch(_OF_ORDER, store_id, order_id)]


def _found(row: Any) -> AdditionalWork:
    lists = {name: tuple(row[name]) for name in ("op_codes", "part_numbers")}
    return AdditionalWork(**dict(row) | lists)
