"""Feedback at the counter; the customer's comments are encrypted."""

import asyncpg

from services.reception.domain.feedback import Feedback
from shared.contracts.violations import RuleViolation
from shared.db import Connection


async def add_feedback(connection: Connection, feedback: Feedback, comment: bytes | None) -> None:
    """Store a customer's feedback.

    Raises:
        RuleViolation: the order has its feedback already.
    """
    try:
        await connection.execute(
            "INSERT INTO feedback (store_id, order_id, work_quality, technical_skill, "
            "service_attitude, recorded_by, "
            "submitted_at, comment) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            feedback.store_id,
            feedback.order_id,
            feedback.work_quality,
            feedback.technical_skill,
            feedback.service_attitude,
            feedback.recorded_by,
            feedback.submitted_at,
            comment,
        )
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
        "SELECT order_id, store_id, work_quality, technical_skill, service_attitude, recorded_by, "
        "submitted_at, comment "
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
    values = dict(row)
    comment = values.pop("comment")
    return Feedback(**values), comment
