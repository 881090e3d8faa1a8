"""What the customer thinks at the counter (现场评价)."""

from dataclasses import dataclass
from datetime import datetime

from services.reception.domain.lifecycle import require_stage
from services.reception.domain.order import Order
from shared.contracts.reception import FeedbackGiven


@dataclass(frozen=True)
class Feedback:
    """Marks from 1 (bad) to 5 (very good): of the work, of the skill behind it, of the manner."""

    order_id: str
    store_id: str
    quality: int
    technique: int
    attitude: int
    recorded_by: str
    given_at: datetime


def give(
    order: Order, *, quality: int, technique: int, attitude: int, recorded_by: str, now: datetime
) -> tuple[Feedback, list[FeedbackGiven]]:
    """Record what the customer says once the vehicle is back."""
    require_stage(order.stage, "give_feedback")
    feedback = Feedback(
        order.order_id, order.store_id, quality, technique, attitude, recorded_by, now
    )
    event = FeedbackGiven(
        store_id=order.store_id,
        order_id=order.order_id,
        quality=quality,
        technique=technique,
        attitude=attitude,
        advisor_id=order.advisor_id,
        customer_ref=order.customer_ref,
        recorded_by=recorded_by,
        given_at=now,
    )
    return feedback, [event]
