"""Calls after a delivery (回访)."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.crm import store
from services.crm.domain import follow_up as follow_ups
from services.crm.domain.follow_up import Channel, FollowUp, Status
from services.crm.http.access import Caller, Reader, now_of, personal_of, pool_of, store_router
from shared.body import Body
from shared.db import transaction
from shared.duties import serves
from shared.unit import Unit

router = store_router()

_COMPLETED_DAYS = 30


class CompleteFollowUp(Body):
    reached: bool
    satisfaction: Annotated[int | None, Field(ge=1, le=5)] = None
    channel: Channel
    record: Annotated[str, Field(min_length=1, max_length=4000, description="回访记录")]


class FollowUpView(BaseModel):
    """One call. ``status`` is ``due`` from ``due_at`` until the call is made."""

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
        found = await store.list_follow_ups(
            connection, store_id, status, now, now - timedelta(days=_COMPLETED_DAYS)
        )
    return [_view(follow_up, now) for follow_up in found]


@router.post(
    "/follow-ups/{follow_up_id}/completion",
    response_model=FollowUpView,
    tags=["follow-ups"],
    openapi_extra=serves("R21"),
)
async def complete_follow_up(
    request: Request, follow_up_id: str, body: CompleteFollowUp, command: Caller
) -> JSONResponse:
    """The caller has made the call (回访完成), whether or not the customer was reached."""
    personal = personal_of(request)

    async def effect(unit: Unit) -> BaseModel:
        connection, store_id = unit.connection, command.store_id
        follow_up = await store.lock_follow_up(connection, store_id, follow_up_id)
        completed, events = follow_ups.complete(
            follow_up,
            agent_id=command.principal.subject,
            reached=body.reached,
            satisfaction=body.satisfaction,
            channel=body.channel,
            now=unit.now,
        )
        await store.save_follow_up(connection, completed)
        record = await personal.encrypt(connection, store_id, completed.customer_ref, body.record)
        await store.save_record(connection, store_id, follow_up_id, record)
        unit.publish(events, command.cause)
        return _view(completed, unit.now)

    return await command.run(effect)


def _view(follow_up: FollowUp, now: datetime) -> FollowUpView:
    return FollowUpView(
        **{name: getattr(follow_up, name) for name in _VIEW_FIELDS}, status=follow_up.status(now)
    )


_VIEW_FIELDS = [name for name in FollowUpView.model_fields if name != "status"]
