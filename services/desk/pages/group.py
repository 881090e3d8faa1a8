"""The group's stores side by side (集团日报), for group managers."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import date, timedelta
from functools import partial
from urllib.parse import urlencode

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

_ON_ONE_PAGE = 50
_FRESH_S = 10.0
"""Age of reports in seconds at which they are asked for again: a store publishes one a day."""

Reports = list[DailyReportPublished]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show one row a store, and the stores compared."""
    day = chosen_day(ctx)
    day_choice(ctx, day)

    stores: dict[str, Store] = {}

    async def fetch() -> tuple[date, Reports]:
        await ctx.signed_in.token()
        stores.update(await ctx.stores())
        return await latest_reports(ctx, day)

    await live(ctx, fetch, partial(_render, ctx, day, stores))


async def latest_reports(ctx: PageContext, day: date) -> tuple[date, Reports]:
    """Return the reports of a day; until the first store has closed today, those of yesterday."""
    reports = await _reports_of(ctx, day)
    if reports or day != ctx.today():
        return day, reports
    yesterday = day - timedelta(days=1)
    of_yesterday = await _reports_of(ctx, yesterday)
    return (yesterday, of_yesterday) if of_yesterday else (day, reports)


async def _reports_of(ctx: PageContext, day: date) -> Reports:
    return await ctx.app_context.response_cache.get(
        ("group", f"{day}", ctx.person.subject),
        lambda: ctx.services.reporting.group_daily_reports(day=day),
        _FRESH_S,
    )


def _render(
    ctx: PageContext,
    day: date,
    stores: Mapping[str, Store],
    shown: tuple[date, Reports],
    renderer: PartialRenderer,
) -> None:
    shown_day, reports = shown
    by_store = {report.store_id: report for report in reports}
    found = stores_on_page(stores.values(), ctx.query.get("search", ""), ctx.query.get("after"))
    page, more = found[:_ON_ONE_PAGE], found[_ON_ONE_PAGE:]
    renderer.section("day", partial(_other_day, ctx.t, day), shown_day)
    if len(stores) > _ON_ONE_PAGE:
        renderer.section("find", partial(_find, ctx))
    with (
        renderer.frame("stores", panel, ctx.t("Stores")),
        renderer.frame("table", _table, ctx.t),
    ):
        for store_id in page:
            renderer.section(store_id, partial(_row, ctx, store_id), by_store.get(store_id))
        if reports:
            renderer.section("total", partial(_totals, ctx), by_store)
    if more:
        renderer.section("next", partial(_next_page, ctx), page[-1])
    if compared := {each: by_store[each] for each in page if each in by_store}:
        renderer.section("charts", partial(_charts, ctx), compared)


def stores_on_page(stores: Iterable[Store], typed: str, after: str | None) -> list[str]:
    """Return the ids of the stores of a page, and that of the next one if there are more.

    Their code or name contains what is ``typed``; ids up to ``after`` are left out.
    """
    wanted = typed.casefold()
    found = sorted(
        each.id for each in stores if wanted in f"{each.id} {each.zh} {each.en}".casefold()
    )
    return [each for each in found if after is None or each > after][: _ON_ONE_PAGE + 1]


def _find(ctx: PageContext) -> None:
    """Offer to search among many stores."""
    with box("toolbar"):
        typed = ui.input(ctx.t("Code or name"), value=ctx.query.get("search", ""))
        test_id("search", typed.props("dense outlined clearable type=search"))
        typed.on(
            "keydown.enter", lambda: ui.navigate.to(_address(ctx, search=typed.value, after=None))
        )


def _next_page(ctx: PageContext, last: str) -> None:
    test_id("next-page", link(ctx.t("Next page"), _address(ctx, after=last), "text-link"))


def _address(ctx: PageContext, **changed: str | None) -> str:
    """Return the address of the page with what is asked for, some of it ``changed``."""
    asked = {name: ctx.query.get(name) for name in ("day", "search", "after")} | changed
    return f"{PAGE.path}?{urlencode({name: each for name, each in asked.items() if each})}"


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
