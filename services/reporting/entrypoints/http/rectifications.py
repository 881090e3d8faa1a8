"""Rectifications (整改): listed, and closed with a result."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.reporting.domain import rectification as rectifications
from services.reporting.domain.rectification import Rectification, Result
from services.reporting.persistence import rectifications as store
from services.reporting.persistence.rectifications import State
from shared.commands import CommandContext, accept_command
from shared.contracts.reporting import RectificationSource
from shared.db import transaction
from shared.duties import serves
from shared.personal_data import PersonalData
from shared.request_model import RequestModel
from shared.routing import Router
from shared.security import Principal, Role, require_roles
from shared.unit_of_work import UnitOfWork

router = Router(prefix="/stores/{store_id}")

_EVERYBODY: tuple[Role, ...] = ("advisor", "dispatcher", "inspector", "agent", "manager")

Owner = Annotated[CommandContext, Depends(accept_command(*_EVERYBODY))]
Reader = Annotated[Principal, Depends(require_roles(*_EVERYBODY, "group_manager"))]


class CloseRectification(RequestModel):
    result: Result
    note: Annotated[str, Field(min_length=2, max_length=2000, description="整改情况")]


class RectificationView(BaseModel):
    """``subjects`` are the bad marks of a feedback or the failed items of a check."""

    rectification_id: str
    source: RectificationSource
    source_id: str
    order_id: str | None
    subjects: Sequence[str]
    owner_id: str
    due_at: datetime
    opened_at: datetime
    overdue_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    result: Result | None


class RectificationWithNote(RectificationView):
    """The same with what was done; absent while it is open."""

    note: str | None


@router.get("/rectifications", tags=["rectifications"], openapi_extra=serves("R10", "R43"))
async def list_rectifications(
    request: Request, store_id: str, _: Reader, state: Annotated[list[State], Query(max_length=10)]
) -> list[RectificationView]:
    """Rectifications in one of the states, by when they are due (整改清单)."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        found = await store.listed(connection, store_id, state)
    return [_view(rectification) for rectification in found]


@router.get(
    "/rectifications/{rectification_id}",
    tags=["rectifications"],
    openapi_extra=serves("R10", "R43"),
)
async def get_rectification(
    request: Request, store_id: str, rectification_id: str, _: Reader
) -> RectificationWithNote:
    """One rectification with the owner's note."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        found = await store.lock(connection, store_id, rectification_id)
        encrypted = await store.encrypted_note(connection, store_id, rectification_id)
        note = await _personal(request).decrypt(connection, store_id, rectification_id, encrypted)
    return RectificationWithNote(**_view(found).model_dump(), note=note)


@router.post(
    "/rectifications/{rectification_id}/closing",
    response_model=RectificationView,
    tags=["rectifications"],
    openapi_extra=serves("R10", "R43"),
)
async def close_rectification(
    request: Request, rectification_id: str, body: CloseRectification, command: Owner
) -> JSONResponse:
    """The owner, or a manager, says how it was put right (整改完成)."""
    personal = _personal(request)

    async def use_case(uow: UnitOfWork) -> BaseModel:
        connection, store_id = uow.connection, command.store_id
        closed, events = rectifications.close(
            await store.lock(connection, store_id, rectification_id),
            body.result,
            command.principal.subject,
            may=command.principal.has("manager"),
            now=uow.now,
        )
        await store.save(connection, closed)
        note = await personal.encrypt(connection, store_id, rectification_id, body.note)
        await store.save_note(connection, store_id, rectification_id, note)
        uow.publish(events, command.causation)
        return _view(closed)

    return await command.run(use_case)


def _personal(request: Request) -> PersonalData:
    personal: PersonalData = request.app.state.personal
    return personal


def _view(rectification: Rectification) -> RectificationView:
    return RectificationView.model_validate(rectification, from_attributes=True)
