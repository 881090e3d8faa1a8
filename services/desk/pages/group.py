"""The group's stores side by side (集团日报), for group managers."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import date, timedelta
from functools import partial

from nicegui import ui

from services.desk import formats
from services.desk.components.day_choice import chosen_day, day_choice
from services.desk.components.elements import (
    box,
    cell,
    cell_box,
    link,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.kpis import AMOUNTS, KPIS, bars
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.directory import Store
from services.desk.i18n import Translator
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.reporting.client import ReportingApi
from shared.contracts.reporting import DailyReportPublished

REQUIREMENTS = ("R30", "R38", "R40")

PAGE = Page(
    path="/group",
    title="Group",
    icon="hub",
    roles=roles_of(ReportingApi.group_daily_reports),
    requirements=REQUIREMENTS,
)

_CENTS = 100
_INDICATORS = {kpi.name: kpi for kpi in KPIS}
_SHOWN = ("on_time_rate_initial", "same_day_rate", "complete_delivery_rate", "efficiency")

Reports = list[DailyReportPublished]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show one row a store, and the stores compared; until the first store has closed today, as
    they were yesterday.
    """
    day = chosen_day(ctx)
    day_choice(ctx, day)

    stores: dict[str, Store] = {}

    async def reports_of(wanted: date) -> Reports:
        return await ctx.app_context.response_cache.get(
            ("group", f"{wanted}", ctx.person.subject),
            lambda: ctx.services.reporting.group_daily_reports(day=wanted),
        )

    async def fetch() -> tuple[date, Reports]:
        await ctx.signed_in.token()
        stores.update(await ctx.stores())
        reports = await reports_of(day)
        if reports or day != ctx.today():
            return day, reports
        yesterday = day - timedelta(days=1)
        of_yesterday = await reports_of(yesterday)
        return (yesterday, of_yesterday) if of_yesterday else (day, reports)

    def render(shown: tuple[date, Reports], renderer: PartialRenderer) -> None:
        shown_day, reports = shown
        by_store = {report.store_id: report for report in reports}
        renderer.section("day", partial(_other_day, ctx.t, day), shown_day)
        with (
            renderer.frame("stores", panel, ctx.t("Stores")),
            renderer.frame("table", _table, ctx.t),
        ):
            for store_id in sorted(stores):
                renderer.section(store_id, partial(_row, ctx, store_id), by_store.get(store_id))
            if reports:
                renderer.section("total", partial(_totals, ctx), by_store)
        if reports:
            renderer.section("charts", partial(_charts, ctx), by_store)

    await live(ctx, fetch, render)


def _other_day(t: Translator, day: date, shown: date) -> None:
    if shown != day:
        told = t("No store has closed today yet: these are the reports of {day}.", day=shown)
        test_id("other-day", text(told, "hint"))


def _table(t: Translator) -> AbstractContextManager[None]:
    counts = [t.code("kpi", name) for name in ("arrived", "delivered")]
    money = [t.code("kpi", name) for name in ("invoiced_cents", "received_cents")]
    shares = [t.code("kpi", name) for name in _SHOWN]
    numbers = [*counts, *money, *shares, t.code("kpi", "greet_wait_median_s")]
    return table([t("Store"), *numbers, t("Covers")], numbers)


def _row(ctx: PageContext, store_id: str, report: DailyReportPublished | None) -> None:
    with test_id(f"store-{store_id}", row()):
        with cell_box():
            store = ctx.store_of(store_id)
            link(ctx.t.of(store), f"/stores/{store_id}/today", "row-anchor")
            if store.opens_on:
                text(ctx.t("Opens on {day}", day=store.opens_on), "hint")
        _cells(ctx, report)


def _cells(ctx: PageContext, report: DailyReportPublished | None) -> None:
    if report is None:
        with _wide_cell(10):
            text(ctx.t("Not published yet"), "hint")
        return
    cell(str(report.arrived), "figure")
    cell(str(report.delivered), "figure")
    cell(formats.money(report.invoiced_cents), "figure")
    cell(formats.money(report.received_cents), "figure")
    for name in _SHOWN:
        kpi = _INDICATORS[name]
        cell(kpi.text(report), "figure").classes(kpi.tone(report))
    cell(formats.minutes_seconds(report.greet_wait_median_s), "figure")
    zone = ctx.store_of(report.store_id).timezone
    cell(formats.period(report.covers_from, report.covers_until, zone))


def _wide_cell(columns: int) -> ui.element:
    """Add a cell as wide as several."""
    made = cell_box()
    made.props["colspan"] = columns
    return made


def _totals(ctx: PageContext, reports: Mapping[str, DailyReportPublished]) -> None:
    published = reports.values()
    with row("total"):
        cell(ctx.t("Group"))
        cell(str(sum(report.arrived for report in published)), "figure")
        cell(str(sum(report.delivered for report in published)), "figure")
        cell(formats.money(sum(report.invoiced_cents for report in published)), "figure")
        cell(formats.money(sum(report.received_cents for report in published)), "figure")
        _wide_cell(6)


def _charts(ctx: PageContext, reports: Mapping[str, DailyReportPublished]) -> None:
    t, names = ctx.t, [ctx.t.of(ctx.store_of(store_id)) for store_id in reports]
    with box("columns even"):
        with box("column-wide"), panel(t("Money")):
            bars(
                names,
                {
                    t.code("kpi", name): [
                        round((cents(report) or 0) / _CENTS) for report in reports.values()
                    ]
                    for name, cents in AMOUNTS.items()
                },
            )
        with box("column-wide"), panel(t.code("kpi", "on_time_rate_initial")):
            rates = (report.on_time_rate_initial for report in reports.values())
            shares = [None if rate is None else round(100 * rate, 1) for rate in rates]
            bars(names, {t.code("kpi", "on_time_rate_initial"): shares}, unit="%")
