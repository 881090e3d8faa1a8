"""Why orders and appointments ended without work; the words behind it are encrypted."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.reception import CancellationReason
from shared.contracts.violations import RuleViolation
from shared.db import Connection


@dataclass(frozen=True)
class Cancellation:
    """The end of an order or appointment, ``subject``; ``note`` is still encrypted."""

    subject: str
    reason: CancellationReason
    note: bytes | None
    cancelled_by: str
    cancelled_at: datetime


async def add_cancellation(
    connection: Connection, store_id: str, cancellation: Cancellation
) -> None:
    """Keep why something was cancelled."""
    await connection.execute(
        "INSERT INTO cancellation (store_id, subject, reason, note, cancelled_by, cancelled_at) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        store_id,
        cancellation.subject,
        cancellation.reason,
        cancellation.note,
        cancellation.cancelled_by,
        cancellation.cancelled_at,
    )


async def read_cancellation(
    connection: Connection, store_id: str, subject: str, field: str
) -> Cancellation:
    """Why ``subject``, which ``field`` names, was cancelled.

    Raises:
        RuleViolation: it was not.
    """
    row = await connection.fetchrow(
        "SELECT subject, reason, note, cancelled_by, cancelled_at FROM cancellation "
        "WHERE store_id = $1 AND subject = $2",
        store_id,
        subject,
    )
    if row is None:
        raise RuleViolation("not_cancelled", "It was not cancelled.", field=field, kind="not_found")
    return Cancellation(**row)
