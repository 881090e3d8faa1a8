"""Feedback at the counter (现场评价)."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.domain import feedback as feedbacks
from services.reception.domain.feedback import Feedback
from shared.contracts.reception import Mark
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork


class GiveFeedback(RequestModel):
    quality: Mark
    technique: Mark
    attitude: Mark
    words: Annotated[str | None, Field(min_length=1, max_length=2000, description="客户原话")] = (
        None
    )


class FeedbackView(BaseModel):
    order_id: str
    quality: int
    technique: int
    attitude: int
    recorded_by: str
    given_at: datetime


class FeedbackWithWords(FeedbackView):
    """The same with the customer's own words; absent when none were said or they were erased."""

    words: str | None


async def give_feedback(
    uow: UnitOfWork, order_id: str, command: GiveFeedback, deps: Deps
) -> FeedbackView:
    """Record what the customer thinks of quality, technique and attitude, once the vehicle is
    back."""
    connection, store_id = uow.connection, uow.store_id
    feedback, events = feedbacks.give(
        await persistence.lock_order(connection, store_id, order_id),
        quality=command.quality,
        technique=command.technique,
        attitude=command.attitude,
        recorded_by=uow.person,
        now=uow.now,
    )
    words = await deps.personal.encrypt(connection, store_id, order_id, command.words)
    await persistence.add_feedback(connection, feedback, words)
    uow.publish(events)
    return FeedbackView(**_to_response(feedback))


async def get_feedback(store_id: str, order_id: str, deps: Deps) -> FeedbackWithWords:
    """Read what the customer of an order thought."""
    async with deps.uow_factory.read(store_id) as connection:
        feedback, encrypted = await persistence.read_feedback(connection, store_id, order_id)
        words = await deps.personal.decrypt(connection, store_id, order_id, encrypted)
    return FeedbackWithWords(**_to_response(feedback), words=words)


def _to_response(feedback: Feedback) -> dict[str, object]:
    return {name: getattr(feedback, name) for name in FeedbackView.model_fields}
