"""Calls after a delivery (回访)."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.domain import follow_up as follow_ups
from services.crm.domain.follow_up import Channel, FollowUp, Status
from services.crm.entrypoints.http.access import (
    Caller,
    Reader,
    config_of,
    now_of,
    personal_of,
    pool_of,
    store_router,
)
from shared.db import transaction
from shared.duties import serves
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork

router = store_router()

_COMPLETED_DAYS = 30


class RecordCall(RequestModel):
    reached: bool
    satisfaction: Annotated[int | None, Field(ge=1, le=5)] = None
    channel: Channel
    record: Annotated[str, Field(min_length=1, max_length=4000, description="回访记录")]


class FollowUpView(BaseModel):
    """One call. ``status`` is ``due`` from ``due_at`` until the customer is reached, or was not by
    the last of ``attempts``. ``calendar_assumed``: the holidays of the year in which it
    is due are not published yet."""

    follow_up_id: str
    order_id: str
    customer_ref: str
    agent_id: str
    due_at: datetime
    status: Status
    completed_at: datetime | None
    completed_by: str | None
    reached: bool | None
    satisfaction: int | None
    channel: Channel | None
    attempts: int
    calendar_assumed: bool


@router.get("/follow-ups", tags=["follow-ups"], openapi_extra=serves("R21"))
async def list_follow_ups(
    request: Request,
    store_id: str,
    _: Reader,
    status: Annotated[list[Status], Query(max_length=10)],
) -> list[FollowUpView]:
    """Calls to make, by when they are due (回访任务); completed ones of the last 30 days."""
    now = now_of(request)
    async with transaction(pool_of(request), [store_id]) as connection:
        found = await persistence.list_follow_ups(
            connection, store_id, status, now, now - timedelta(days=_COMPLETED_DAYS)
        )
    return [_view(request, follow_up) for follow_up in found]


@router.post(
    "/follow-ups/{follow_up_id}/calls",
    response_model=FollowUpView,
    tags=["follow-ups"],
    openapi_extra=serves("R21"),
)
async def record_call(
    request: Request, follow_up_id: str, body: RecordCall, command: Caller
) -> JSONResponse:
    """Record what came of the caller's call (回访记录); who was not reached is called again."""
    personal = personal_of(request)

    async def use_case(uow: UnitOfWork) -> BaseModel:
        connection, store_id = uow.connection, command.store_id
        follow_up = await persistence.lock_follow_up(connection, store_id, follow_up_id)
        called, events = follow_ups.record_call(
            follow_up,
            agent_id=command.principal.subject,
            reached=body.reached,
            satisfaction=body.satisfaction,
            channel=body.channel,
            next_due_at=config_of(request).call_due(store_id, uow.now),
            now=uow.now,
        )
        await persistence.save_follow_up(connection, called)
        subject = called.customer_ref
        encrypted = await persistence.encrypted_record(connection, store_id, follow_up_id)
        earlier = await personal.decrypt(connection, store_id, subject, encrypted)
        text = "\n\n".join(filter(None, (earlier, body.record)))
        record = await personal.encrypt(connection, store_id, subject, text)
        await persistence.save_record(connection, store_id, follow_up_id, record)
        uow.publish(events, command.causation)
        return _view(request, called)

    return await command.run(use_case)


def _view(request: Request, follow_up: FollowUp) -> FollowUpView:
    config = config_of(request)
    day = config.stores[follow_up.store_id].local_day(follow_up.due_at)
    return FollowUpView(
        **{name: getattr(follow_up, name) for name in _VIEW_FIELDS},
        status=follow_up.status(now_of(request)),
        calendar_assumed=config.calendar.is_assumed(day),
    )


_VIEW_FIELDS = FollowUpView.model_fields.keys() - {"status", "calendar_assumed"}
