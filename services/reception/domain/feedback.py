"""Customer feedback at the counter (现场评价)."""

from dataclasses import dataclass
from datetime import datetime

from services.reception.domain.lifecycle import RepairOrderStatus, require_status
from services.reception.domain.visit import Visit
from shared.contracts.reception import FeedbackSubmitted


@dataclass(frozen=True)
class Feedback:
    """Ratings from 1 (bad) to 5 (very good) of work, technical skill and service attitude."""

    order_id: str
    store_id: str
    work_quality: int
    technical_skill: int
    service_attitude: int
    recorded_by: str
    submitted_at: datetime


def give(
    visit: Visit,
    status: RepairOrderStatus,
    *,
    work_quality: int,
    technical_skill: int,
    service_attitude: int,
    recorded_by: str,
    now: datetime,
) -> tuple[Feedback, list[FeedbackSubmitted]]:
    """Record the customer's feedback once the vehicle is back."""
    require_status(status, "submit_feedback")
    feedback = Feedback(
        visit.order_id,
        visit.store_id,
        work_quality,
        technical_skill,
        service_attitude,
        recorded_by,
        now,
    )
    event = FeedbackSubmitted(
        store_id=visit.store_id,
        order_id=visit.order_id,
        work_quality=work_quality,
        technical_skill=technical_skill,
        service_attitude=service_attitude,
        advisor_id=visit.advisor_id,
        customer_ref=visit.customer_ref,
        recorded_by=recorded_by,
        submitted_at=now,
    )
    return feedback, [event]
