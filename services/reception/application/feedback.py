"""Feedback at the counter (现场评价)."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.domain import feedback as feedbacks
from services.reception.domain.feedback import Feedback
from shared.contracts.reception import Rating
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork


class SubmitFeedbackRequest(RequestModel):
    work_quality: Rating
    technical_skill: Rating
    service_attitude: Rating
    comment: Annotated[str | None, Field(min_length=1, max_length=2000, description="客户原话")] = (
        None
    )


class FeedbackView(BaseModel):
    order_id: str
    work_quality: int
    technical_skill: int
    service_attitude: int
    recorded_by: str
    submitted_at: datetime


class FeedbackDetail(FeedbackView):
    """Feedback with the customer's comment; absent when there was none or it was erased."""

    comment: str | None


async def submit_feedback(
    uow: UnitOfWork, order_id: str, command: SubmitFeedbackRequest, deps: Deps
) -> FeedbackView:
    """Record the customer's ratings of work quality, technical skill and service attitude.

    Allowed once the vehicle is back.
    """
    connection, store_id = uow.connection, uow.store_id
    repair_order = await persistence.lock_repair_order(connection, store_id, order_id)
    feedback, events = feedbacks.give(
        await persistence.read_visit(connection, store_id, order_id),
        repair_order.status,
        work_quality=command.work_quality,
        technical_skill=command.technical_skill,
        service_attitude=command.service_attitude,
        recorded_by=uow.person,
        now=uow.now,
    )
    comment = await deps.personal.encrypt(connection, store_id, order_id, command.comment)
    await persistence.add_feedback(connection, feedback, comment)
    uow.publish(events)
    return FeedbackView(**_to_response(feedback))


async def get_feedback(store_id: str, order_id: str, deps: Deps) -> FeedbackDetail:
    """Read the feedback of an order's customer."""
    async with deps.uow_factory.read(store_id) as connection:
        feedback, encrypted = await persistence.read_feedback(connection, store_id, order_id)
        comment = await deps.personal.decrypt(connection, store_id, order_id, encrypted)
    return FeedbackDetail(**_to_response(feedback), comment=comment)


def _to_response(feedback: Feedback) -> dict[str, object]:
    return {name: getattr(feedback, name) for name in FeedbackView.model_fields}
