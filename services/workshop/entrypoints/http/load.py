"""The load curve, with which the front desk steers customers to off-peak hours (错峰)."""

from typing import Annotated

from fastapi import Query

from services.workshop.application import load
from services.workshop.application.load import LoadView
from services.workshop.entrypoints.http.access import InjectedDeps, LoadReader
from shared.group import CalendarDay
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.get("/load", tags=["capacity"], openapi_extra=serves("R1", "R11"))
async def get_load(
    store_id: str,
    deps: InjectedDeps,
    _: LoadReader,
    day: CalendarDay | None = None,
    days: Annotated[int, Query(ge=1, le=14)] = 1,
) -> list[LoadView]:
    """Return working and free time by skill and half hour (负荷曲线).

    The days begin with ``day``, today by default.
    """
    return await load.get_load(store_id, day, days, deps)
