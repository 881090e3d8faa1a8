"""Feedback at the counter (现场评价)."""

from fastapi.responses import JSONResponse

from services.reception.application import feedback
from services.reception.application.feedback import (
    FeedbackDetail,
    FeedbackView,
    SubmitFeedbackRequest,
)
from services.reception.entrypoints.http.access import (
    FrontOfficeCommand,
    InjectedDeps,
    MoneyReader,
)
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post(
    "/orders/{order_id}/feedback",
    status_code=201,
    response_model=FeedbackView,
    tags=["feedback"],
    openapi_extra=serves("R10"),
)
async def submit_feedback(
    order_id: str, body: SubmitFeedbackRequest, command: FrontOfficeCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(
        lambda uow: feedback.submit_feedback(uow, order_id, body, deps), status=201
    )


@router.get("/orders/{order_id}/feedback", tags=["feedback"], openapi_extra=serves("R10"))
async def get_feedback(
    store_id: str, order_id: str, _: MoneyReader, deps: InjectedDeps
) -> FeedbackDetail:
    return await feedback.get_feedback(store_id, order_id, deps)
