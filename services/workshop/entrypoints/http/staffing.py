"""Staffing advice (人员建议)."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel

from services.workshop.application.staffing import Figures, Staffing
from services.workshop.planning import Demand, Shortage
from shared.duties import serves
from shared.routing import Router
from shared.security import Principal, require_roles

router = Router(prefix="/stores/{store_id}")


class TradeDemand(BaseModel):
    """One trade's hours of work: by past week, oldest first, queued now, and without people.

    ``needed_hours`` a week, growth and queue included, are absent where nothing is missing.
    """

    trade: str
    weekly_hours: Sequence[float]
    queued_hours: float
    needed_hours: float | None
    missing_hours: float
    people: int


class StaffingView(BaseModel):
    """Demand and people by trade; ``growth`` is the rise expected against the past weeks."""

    weeks_observed: int
    growth: float
    trades: Sequence[TradeDemand]


@router.get("/staffing", tags=["plan"], openapi_extra=serves("R18"))
async def get_staffing(
    request: Request,
    store_id: str,
    _: Annotated[Principal, Depends(require_roles("dispatcher", "manager", "group_manager"))],
) -> StaffingView:
    """How many of which technicians are missing at present."""
    staffing: Staffing = request.app.state.staffing
    figures = await staffing.figures(store_id)
    return StaffingView(
        weeks_observed=figures.weeks_observed,
        growth=staffing.planner.config.stores[store_id].growth,
        trades=_trades(figures),
    )


def _trades(figures: Figures) -> list[TradeDemand]:
    short = {shortage.trade: shortage for shortage in figures.shortages}
    return [_trade(demand, short.get(demand.trade)) for demand in figures.demands]


def _trade(demand: Demand, short: Shortage | None) -> TradeDemand:
    return TradeDemand(
        trade=demand.trade,
        weekly_hours=[round(hours, 1) for hours in demand.weekly_hours],
        queued_hours=round(demand.queued_hours, 1),
        needed_hours=short.needed_hours if short else None,
        missing_hours=short.missing_hours if short else 0.0,
        people=short.people if short else 0,
    )
