"""Figures, reports and histories."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from pydantic import BaseModel, create_model

from services.reporting.domain.confidential import HIDDEN_FIGURES
from services.reporting.domain.history import in_order, of_the_work
from services.reporting.persistence import log, reports
from shared.contracts.reporting import DailyReportPublished, Figures
from shared.contracts.violations import unknown
from shared.db import transaction
from shared.duties import serves
from shared.group import CalendarDay, Store
from shared.routing import Router
from shared.security import SEES_MONEY, Principal, require_roles

router = Router()

Reader = Annotated[
    Principal,
    Depends(
        require_roles(
            "advisor", "dispatcher", "technician", "inspector", "agent", "manager", "group_manager"
        )
    ),
]
FiguresReader = Annotated[
    Principal,
    Depends(
        require_roles("advisor", "dispatcher", "inspector", "agent", "manager", "group_manager")
    ),
]
GroupReader = Annotated[Principal, Depends(require_roles("group_manager"))]


class _Covered(BaseModel):
    store_id: str
    day: date
    covers_from: datetime | None
    covers_until: datetime | None


class _Live(_Covered):
    """The figures of a day as far as it has gone; ``published_at`` is absent, for this is not
    published. Money and opinions are absent for roles that read none."""

    published_at: datetime | None = None


class _Report(_Covered):
    """The figures of a published report (日报). Money and opinions are absent for roles that read
    none."""

    revision: int
    published_at: datetime


def _with_figures(name: str, view: type[BaseModel]) -> type[BaseModel]:
    """The view with each figure of a day, of which confidential ones may be absent."""
    figures: dict[str, Any] = {}
    for figure, field in Figures.model_fields.items():
        kind: Any = field.annotation
        figures[figure] = (kind | None if figure in HIDDEN_FIGURES else kind, ...)
    return create_model(name, __base__=view, __doc__=view.__doc__, **figures)


LiveFigures = _with_figures("LiveFigures", _Live)
DailyReport = _with_figures("DailyReport", _Report)


class HistoryEntry(BaseModel):
    """One event of an order, as it was published."""

    event_id: str
    type: str
    time: datetime
    sequence: int
    topic: str
    causation_id: str | None
    data: Mapping[str, Any]


@router.get(
    "/stores/{store_id}/figures",
    response_model=LiveFigures,
    tags=["figures"],
    openapi_extra=serves("R30", "R33"),
)
async def live_figures(
    request: Request, store_id: str, reader: FiguresReader, day: CalendarDay | None = None
) -> BaseModel:
    """The figures of a business day as far as it has gone, from closing to closing; of the
    store's present day by default."""
    places: Mapping[str, Store] = request.app.state.places
    place = places[store_id]
    wanted = day or place.local_day(request.app.state.service.clock.now())
    begin, end = place.business_day_bounds(wanted)
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        figures = await reports.figures(connection, place, begin, end)
    seen = _as_seen_by(reader, figures)
    return LiveFigures(store_id=store_id, day=wanted, covers_from=begin, covers_until=end, **seen)


@router.get(
    "/stores/{store_id}/daily-reports",
    response_model=list[DailyReport],  # type: ignore[valid-type]
    tags=["reports"],
    openapi_extra=serves("R30"),
)
async def daily_reports(
    request: Request, store_id: str, reader: FiguresReader, day: CalendarDay
) -> list[BaseModel]:
    """The store's published report of a day (日报); none before closing time."""
    reports = await _published(request, [store_id], day)
    return [DailyReport(**_as_seen_by(reader, report)) for report in reports]


@router.get(
    "/stores/{store_id}/orders/{order_id}/history",
    tags=["history"],
    openapi_extra=serves("R33"),
)
async def order_history(
    request: Request, store_id: str, order_id: str, reader: Reader
) -> list[HistoryEntry]:
    """Every event that names the order, in order; those who do the work read no money."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        events = await log.of_order(connection, store_id, order_id)
    if not events:
        raise unknown("order_id", order_id)
    if not reader.has(*SEES_MONEY):
        events = of_the_work(events)
    return [HistoryEntry.model_validate(event, from_attributes=True) for event in in_order(events)]


@router.get("/group/daily-reports", tags=["reports"], openapi_extra=serves("R30", "R38", "R40"))
async def group_daily_reports(
    request: Request, principal: GroupReader, day: CalendarDay
) -> list[DailyReportPublished]:
    """The published reports of a day, one for each of the caller's stores that has one."""
    return await _published(request, sorted(principal.stores), day)


def _as_seen_by(reader: Principal, figures: Figures) -> dict[str, Any]:
    """The figures, without those that are confidential for those who do the work."""
    hidden = () if reader.has(*SEES_MONEY) else HIDDEN_FIGURES
    return dict(figures) | dict.fromkeys(hidden)


async def _published(
    request: Request, stores: Sequence[str], day: date
) -> list[DailyReportPublished]:
    async with transaction(request.app.state.uow_factory.pool, stores) as connection:
        return await reports.of_day(connection, day)
