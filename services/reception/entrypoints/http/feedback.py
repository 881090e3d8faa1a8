"""Feedback at the counter (现场评价)."""

from datetime import datetime
from typing import Annotated

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.reception import persistence
from services.reception.domain import feedback as feedbacks
from services.reception.domain.feedback import Feedback
from services.reception.entrypoints.http.access import (
    FrontOfficeCommand,
    MoneyReader,
    personal_of,
    store_router,
)
from shared.contracts.reception import Mark
from shared.db import transaction
from shared.duties import serves
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork

router = store_router()


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


@router.post(
    "/orders/{order_id}/feedback",
    status_code=201,
    response_model=FeedbackView,
    tags=["feedback"],
    openapi_extra=serves("R10"),
)
async def give_feedback(
    request: Request, order_id: str, body: GiveFeedback, command: FrontOfficeCommand
) -> JSONResponse:
    """What the customer thinks of quality, technique and attitude, once the vehicle is back."""
    personal = personal_of(request)

    async def use_case(uow: UnitOfWork) -> BaseModel:
        connection, store_id = uow.connection, command.store_id
        order = await persistence.lock_order(connection, store_id, order_id)
        feedback, events = feedbacks.give(
            order,
            quality=body.quality,
            technique=body.technique,
            attitude=body.attitude,
            recorded_by=command.principal.subject,
            now=uow.now,
        )
        words = await personal.encrypt(connection, store_id, order_id, body.words)
        await persistence.add_feedback(connection, feedback, words)
        uow.publish(events, command.causation)
        return FeedbackView(**_to_response(feedback))

    return await command.run(use_case, status=201)


@router.get("/orders/{order_id}/feedback", tags=["feedback"], openapi_extra=serves("R10"))
async def get_feedback(
    request: Request, store_id: str, order_id: str, _: MoneyReader
) -> FeedbackWithWords:
    """What the customer of an order thought."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        feedback, encrypted = await persistence.read_feedback(connection, store_id, order_id)
        words = await personal_of(request).decrypt(connection, store_id, order_id, encrypted)
    return FeedbackWithWords(**_to_response(feedback), words=words)


def _to_response(feedback: Feedback) -> dict[str, object]:
    return {name: getattr(feedback, name) for name in FeedbackView.model_fields}
