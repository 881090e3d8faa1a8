"""Rectifications (整改): listed, and closed with a result."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import JSONResponse

from services.reporting.application import rectifications
from services.reporting.application.rectifications import (
    CloseRectification,
    RectificationView,
    RectificationWithNote,
)
from services.reporting.domain.rectification import State
from services.reporting.entrypoints.http.access import OfficeReader, Owner, Reach, store_router
from shared.duties import serves

router = store_router()


@router.get("/rectifications", tags=["rectifications"], openapi_extra=serves("R10", "R43"))
async def list_rectifications(
    store_id: str,
    _: OfficeReader,
    deps: Reach,
    state: Annotated[list[State], Query(max_length=10)],
) -> list[RectificationView]:
    """Rectifications in one of the states, by when they are due (整改清单)."""
    return await rectifications.list_rectifications(store_id, state, deps)


@router.get(
    "/rectifications/{rectification_id}",
    tags=["rectifications"],
    openapi_extra=serves("R10", "R43"),
)
async def get_rectification(
    store_id: str, rectification_id: str, _: OfficeReader, deps: Reach
) -> RectificationWithNote:
    """One rectification with the owner's note."""
    return await rectifications.get_rectification(store_id, rectification_id, deps)


@router.post(
    "/rectifications/{rectification_id}/closing",
    response_model=RectificationView,
    tags=["rectifications"],
    openapi_extra=serves("R10", "R43"),
)
async def close_rectification(
    rectification_id: str, body: CloseRectification, command: Owner, deps: Reach
) -> JSONResponse:
    """The owner, or a manager, says how it was put right (整改完成)."""
    return await command.run(
        lambda uow: rectifications.close_rectification(
            uow,
            rectification_id,
            body,
            deps,
            is_manager=command.principal.has("manager"),
        )
    )
