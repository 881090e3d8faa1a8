"""KPIs, reports and histories."""

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel

from services.reporting.application import (
    event_log,
    lifetime_value,
    renewals,
    reports,
    retention,
)
from services.reporting.application.event_log import HistoryEntry
from services.reporting.application.lifetime_value import MOST_MONTHS, LifetimeValue
from services.reporting.application.renewals import RenewalReport
from services.reporting.application.reports import DailyReport, LiveKpis
from services.reporting.application.retention import RetentionKpis
from services.reporting.domain.lifetime_value import CohortBy
from services.reporting.entrypoints.http.access import (
    GroupReader,
    InjectedDeps,
    OfficeReader,
    ProfitReader,
    Reader,
)
from shared.contracts.base import Month
from shared.contracts.reporting import DailyReportPublished
from shared.group import CalendarDay
from shared.requirements import serves
from shared.routing import Router
from shared.security import SEES_MONEY

router = Router()


@router.get(
    "/stores/{store_id}/daily-kpis",
    response_model=LiveKpis,
    tags=["kpis"],
    openapi_extra=serves("R30", "R33"),
)
async def get_live_kpis(
    store_id: str, reader: OfficeReader, deps: InjectedDeps, day: CalendarDay | None = None
) -> BaseModel:
    return await reports.get_live_kpis(store_id, day, deps, sees_money=reader.has(*SEES_MONEY))


@router.get(
    "/stores/{store_id}/monthly-retention",
    tags=["kpis"],
    openapi_extra=serves("R25", "R26", "R33"),
)
async def monthly_retention(
    store_id: str,
    _: OfficeReader,
    deps: InjectedDeps,
    months: Annotated[int, Query(ge=1, le=24)] = 12,
) -> list[RetentionKpis]:
    """Return defection and retention of the last months that have ended (流失率, 留存率)."""
    return await retention.monthly_retention(store_id, months, deps)


@router.get(
    "/stores/{store_id}/monthly-renewals",
    tags=["kpis"],
    openapi_extra=serves("R27", "R33"),
)
async def monthly_renewals(
    store_id: str,
    _: OfficeReader,
    deps: InjectedDeps,
    months: Annotated[int, Query(ge=1, le=24)] = 12,
) -> RenewalReport:
    """Return the four renewal rates of this month and those before it (续保率)."""
    return await renewals.monthly_renewals(store_id, months, deps)


@router.get(
    "/stores/{store_id}/lifetime-value",
    tags=["kpis"],
    openapi_extra=serves("R29", "R33"),
)
async def get_lifetime_value(
    store_id: str,
    _: ProfitReader,
    deps: InjectedDeps,
    by: CohortBy = "year",
    last_month: Month | None = None,
    months: Annotated[int, Query(ge=1, le=MOST_MONTHS)] = 72,
) -> LifetimeValue:
    """Return what customers bring by year of ownership, by cohort, against what winning them cost
    (客户终身价值).
    """
    return await lifetime_value.lifetime_value_by_cohort(store_id, by, last_month, months, deps)


@router.get(
    "/stores/{store_id}/daily-reports",
    response_model=list[DailyReport],  # type: ignore[valid-type]
    tags=["reports"],
    openapi_extra=serves("R30"),
)
async def daily_reports(
    store_id: str, reader: OfficeReader, deps: InjectedDeps, day: CalendarDay
) -> list[BaseModel]:
    return await reports.daily_reports(store_id, day, deps, sees_money=reader.has(*SEES_MONEY))


@router.get(
    "/stores/{store_id}/orders/{order_id}/history",
    tags=["history"],
    openapi_extra=serves("R33"),
)
async def order_history(
    store_id: str, order_id: str, reader: Reader, deps: InjectedDeps
) -> list[HistoryEntry]:
    sees_money = reader.has(*SEES_MONEY)
    return await event_log.order_history(store_id, order_id, deps, sees_money=sees_money)


@router.get("/group/daily-reports", tags=["reports"], openapi_extra=serves("R30", "R38", "R40"))
async def group_daily_reports(
    principal: GroupReader, deps: InjectedDeps, day: CalendarDay
) -> list[DailyReportPublished]:
    """List the published reports of a day, one for each of the caller's stores that has one; of
    whoever has a post in the group, these are all.
    """
    return await reports.group_daily_reports(principal.reads, day, deps)
