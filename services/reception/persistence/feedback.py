"""Feedback at the counter; the customer's comments are encrypted."""

import asyncpg

from services.reception.domain.feedback import Feedback
from shared.contracts.violations import RuleViolation
from shared.db import Connection
from shared.table import Table

_FEEDBACK = Table("feedback", Feedback, key=("store_id", "order_id"), added=("comment",))


async def add_feedback(connection: Connection, feedback: Feedback, comment: bytes | None) -> None:
    """Store a customer's feedback.

    Raises:
        RuleViolation: the order has its feedback already.
    """
    try:
        await connection.execute(_FEEDBACK.insert, *_FEEDBACK.values(feedback, comment=comment))
    except asyncpg.UniqueViolationError:
        raise RuleViolation(
            "feedback_given",
            "The customer has given feedback already.",
            field="order_id",
            kind="conflict",
        ) from None


async def read_feedback(
    connection: Connection, store_id: str, order_id: str
) -> tuple[Feedback, bytes | None]:
    """Return the feedback on an order and its comment, still encrypted.

    Raises:
        RuleViolation: none was given.
    """
    row = await connection.fetchrow(
        f"SELECT {_FEEDBACK.column_list}, comment "
        "FROM feedback WHERE store_id = $1 AND order_id = $2",
        store_id,
        order_id,
    )
    if row is None:
        raise RuleViolation(
            "no_feedback",
            "The customer has given no feedback.",
            field="order_id",
            kind="not_found",
        )
    return _FEEDBACK.read(row), row["comment"]
