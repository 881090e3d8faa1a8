"""Reasons for orders and appointments that ended without work; their notes are encrypted."""

from services.reception.domain.cancellation import Cancellation
from shared.contracts.violations import RuleViolation
from shared.db import Connection
from shared.table import Table

_CANCELLATIONS = Table(
    "cancellation", Cancellation, key=("store_id", "entity_id"), added=("store_id",)
)


async def add_cancellation(
    connection: Connection, store_id: str, cancellation: Cancellation
) -> None:
    """Store the reason for a cancellation."""
    await connection.execute(
        _CANCELLATIONS.insert, *_CANCELLATIONS.values(cancellation, store_id=store_id)
    )


async def read_cancellation(
    connection: Connection, store_id: str, entity_id: str, field: str
) -> Cancellation:
    """Return the reason for cancelling ``entity_id``, which ``field`` names.

    Raises:
        RuleViolation: it was not cancelled.
    """
    row = await connection.fetchrow(
        _CANCELLATIONS.select + "WHERE store_id = $1 AND entity_id = $2", store_id, entity_id
    )
    if row is None:
        raise RuleViolation("not_cancelled", "It was not cancelled.", field=field, kind="not_found")
    return _CANCELLATIONS.read(row)
