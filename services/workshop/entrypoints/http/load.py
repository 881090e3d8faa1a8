"""The load curve, from which the front desk steers customers to quiet hours (错峰)."""

from datetime import datetime, time, timedelta
from typing import Annotated

from fastapi import Depends, Query, Request
from pydantic import BaseModel

from services.workshop.application.load import load_between
from services.workshop.entrypoints.http.common import config_of, planner_of
from shared.db import transaction
from shared.duties import serves
from shared.group import CalendarDay
from shared.routing import Router
from shared.security import Principal, require_roles

router = Router(prefix="/stores/{store_id}")


class LoadView(BaseModel):
    """Technician minutes of a trade in half an hour: at work, and not yet taken."""

    trade: str
    starts_at: datetime
    working_minutes: int
    free_minutes: int


@router.get("/load", tags=["capacity"], openapi_extra=serves("R1", "R11"))
async def get_load(
    request: Request,
    store_id: str,
    _: Annotated[
        Principal, Depends(require_roles("advisor", "agent", "dispatcher", "manager", "service"))
    ],
    day: CalendarDay | None = None,
    days: Annotated[int, Query(ge=1, le=14)] = 1,
) -> list[LoadView]:
    """Working and free time by trade and half hour (负荷曲线) of days from ``day``, today first."""
    now = request.app.state.service.clock.now()
    place = config_of(request).stores[store_id]
    first = day or place.local_day(now)
    begin, end = place.at(first, time.min), place.at(first + timedelta(days=days), time.min)
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        found = await load_between(connection, planner_of(request), store_id, max(begin, now), end)
    return [LoadView.model_validate(load, from_attributes=True) for load in found]
