"""Lifetime value of customers (客户终身价值): curves by cohort, on the page, on paper, as CSV."""

import csv
from collections.abc import Iterable, Sequence
from functools import partial
from io import StringIO
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    empty,
    link,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.kpis import FONTS, INK, LINE, MUTED, PALETTE
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.management.client import ManagementApi
from shared.clients.reporting.client import ReportingApi
from shared.clients.reporting.models import CohortView, LifetimeValue, OwnershipYearView

PAGE = Page(
    path="/stores/{store_id}/lifetime-value",
    title="Lifetime value",
    icon="trending_up",
    roles=roles_of(ReportingApi.get_lifetime_value),
    requirements=("R29",),
)

YEARS = 5
"""Years of ownership on the chart."""

_COHORT_YEARS = 6
_YEAR_MONTHS = 12
_SMALL = "#b8c0c8"
_MONEY = "¥{value}"


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the cohorts of the last years, or the months of one of them."""
    this_year = ctx.now().astimezone(ctx.store.timezone).year
    years = [str(this_year - back) for back in range(_COHORT_YEARS)]
    chosen = next((year for year in years if year == ctx.query.get("year")), None)
    with box("tabs not-printed"):
        for year in (None, *years):
            classes = "tab current" if year == chosen else "tab"
            title = year or ctx.t("By year")
            test_id(f"year-{year or 'all'}", link(title, f"?year={year}" if year else "?", classes))

    async def fetch() -> LifetimeValue:
        return await ctx.shared(f"lifetime value {chosen}", lambda: _ask(ctx, chosen))

    def render(found: LifetimeValue, renderer: PartialRenderer) -> None:
        renderer.section("head", partial(_head, ctx), found)
        if not found.cohorts:
            renderer.section("none", empty, ctx.t("No customer became an owner in this time."))
            return
        renderer.section("missing", partial(_missing, ctx), found)
        renderer.section("chart", partial(_chart, ctx), found)
        renderer.section("curves", partial(_curves, ctx), found)
        renderer.section("costs", partial(_costs, ctx), found)
        renderer.section("unknown", partial(_unknown, ctx), found)

    await live(ctx, fetch, render)


async def _ask(ctx: PageContext, year: str | None) -> LifetimeValue:
    reporting, store_id = ctx.services.reporting, ctx.store.id
    if year is None:
        return await reporting.get_lifetime_value(store_id, months=_COHORT_YEARS * _YEAR_MONTHS)
    return await reporting.get_lifetime_value(
        store_id, by="month", last_month=f"{year}-12", months=_YEAR_MONTHS
    )


def _head(ctx: PageContext, found: LifetimeValue) -> None:
    t = ctx.t
    title = f"{t.of(ctx.store)} · {t('Lifetime value')}"
    text(f"{title} · {found.first_month} – {found.last_month}", "section-title")
    text(t.code("formula_of_cohort", "value"), "hint")
    text(t.code("formula_of_cohort", "contribution"), "hint")
    with box("toolbar not-printed"):
        button(t("Print"), lambda: ui.run_javascript("window.print()"), name="print")
        if found.cohorts:
            button(
                t("Download {kind}", kind="CSV"), partial(_download, ctx, found), name="download"
            )
        if ctx.may(ManagementApi.list_monthly_costs):
            address = f"{ctx.store_path}/master-data/costs"
            test_id("monthly-costs", link(t("Monthly costs"), address, "as-button"))


def _missing(ctx: PageContext, found: LifetimeValue) -> None:
    """Say which months have no costs, so that no value is known."""
    missing = sorted(month for each in found.cohorts for month in each.missing_months)
    if missing:
        said = ctx.t(
            "Costs are missing for {months}: these cohorts have no value until they are known.",
            months=ctx.t.listed(missing),
        )
        with test_id("missing-months", box("offer urgent")):
            ui.icon("report")
            text(said)


def _chart(ctx: PageContext, found: LifetimeValue) -> None:
    t = ctx.t
    with panel(t("Value per customer by year of ownership"), name="lifetime-chart"):
        known = [each for each in found.cohorts if each.acquisition]
        if not known:
            empty(t("Without costs there is no curve."))
            return
        text(t("Hollow points: a year that goes on for some customers. Gray: few cases."), "hint")
        _curve_chart(ctx, known)


def _curve_chart(ctx: PageContext, cohorts: Sequence[CohortView]) -> ui.echart:
    """Add a line a cohort, from the acquisition cost on; the year that covers it is marked."""
    t = ctx.t
    return ui.echart(
        {
            "textStyle": {"fontFamily": FONTS},
            "animation": False,
            "grid": {"left": 8, "right": 24, "top": 44, "bottom": 4, "containLabel": True},
            "legend": {"type": "scroll", "top": 0, "left": 0, "icon": "circle", "itemWidth": 10},
            "tooltip": {"trigger": "axis"},
            "xAxis": {
                "type": "category",
                "data": [t("At purchase"), *_year_names(ctx)],
                "axisTick": {"show": False},
                "axisLine": {"lineStyle": {"color": LINE}},
                "axisLabel": {"color": MUTED},
            },
            "yAxis": {
                "type": "value",
                "splitLine": {"lineStyle": {"color": LINE}},
                "axisLabel": {"color": MUTED, "formatter": _MONEY},
            },
            "series": [
                _line(ctx, each, PALETTE[number % len(PALETTE)])
                for number, each in enumerate(cohorts)
            ],
        }
    ).classes("chart tall")


def _line(ctx: PageContext, cohort: CohortView, color: str) -> dict[str, Any]:
    color = _SMALL if cohort.is_small else color
    spent = cohort.acquisition.acquisition_per_customer_cents if cohort.acquisition else None
    values = [None if spent is None else -spent, *(_value(each) for each in cohort.years)]
    complete = [True, *(each.is_complete for each in cohort.years)]
    year = cohort.break_even_year
    marked = [] if year is None else [{"coord": [year, _yuan(values[year])]}]
    return {
        "name": _cases(ctx, cohort),
        "type": "line",
        "lineStyle": {"color": color, "width": 2},
        "itemStyle": {"color": color},
        "symbolSize": 8,
        "data": [
            {"value": _yuan(value), "symbol": "circle" if done else "emptyCircle"}
            for value, done in zip(values, complete, strict=True)
        ],
        "markPoint": {
            "symbol": "pin",
            "symbolSize": 40,
            "label": {"formatter": ctx.t("Paid"), "fontSize": 10, "color": "#fff"},
            "itemStyle": {"color": color},
            "data": marked,
        },
        "markLine": {
            "silent": True,
            "symbol": "none",
            "label": {"show": False},
            "lineStyle": {"color": INK, "type": "solid", "width": 1},
            "data": [{"yAxis": 0}],
        },
    }


def _value(year: OwnershipYearView) -> int | None:
    return year.value_per_customer_cents


def _yuan(cents: int | None) -> float | None:
    return None if cents is None else cents / 100


def _cases(ctx: PageContext, cohort: CohortView) -> str:
    """Return the name of a cohort with the number of its cases."""
    return ctx.t("{cohort} ({count} cases)", cohort=cohort.cohort, count=cohort.customers)


def _year_name(ctx: PageContext, year: int) -> str:
    return ctx.t("Year {number}", number=year)


def _year_names(ctx: PageContext) -> list[str]:
    return [_year_name(ctx, year) for year in range(1, YEARS + 1)]


def _curves(ctx: PageContext, found: LifetimeValue) -> None:
    t = ctx.t
    figures = [t("Customers"), t("Acquisition cost"), *_year_names(ctx), t("Value so far")]
    with panel(t("Contribution per customer"), name="lifetime-curves"):
        with table([t("Became owners in"), *figures, t("Break-even")], figures):
            for each in found.cohorts:
                _curve_row(ctx, each, each.cohort)
            if found.total and len(found.cohorts) > 1:
                _curve_row(ctx, found.total, t("All cohorts"))
        text(t("* The year goes on for some customers."), "hint")


def _curve_row(ctx: PageContext, cohort: CohortView, name: str) -> None:
    t, spent = ctx.t, cohort.acquisition
    cents = spent.acquisition_per_customer_cents if spent else None
    with test_id(f"cohort-{cohort.cohort or 'all'}", row("few-cases" if cohort.is_small else "")):
        with cell_box():
            text(name)
            if cohort.is_small:
                badge(t("{count} cases", count=cohort.customers), "quiet")
        cell(str(cohort.customers), "figure")
        cell(formats.money(cents), "figure")
        for year in _shown_years(cohort):
            cell(_contribution(year), "figure")
        cell(formats.money(cohort.years[-1].value_per_customer_cents), "figure")
        cell(_break_even(ctx, cohort))


def _shown_years(cohort: CohortView) -> list[OwnershipYearView | None]:
    """Return the years of ownership; those that have not begun are absent."""
    return [*cohort.years, *[None] * (YEARS - len(cohort.years))]


def _contribution(year: OwnershipYearView | None) -> str:
    if year is None:
        return formats.NOTHING
    amount = formats.money(year.contribution_per_customer_cents)
    return amount if year.is_complete else f"{amount} *"


def _break_even(ctx: PageContext, cohort: CohortView) -> str:
    if cohort.break_even_year:
        return _year_name(ctx, cohort.break_even_year)
    return ctx.t("Not yet") if cohort.acquisition else ctx.t("Costs missing")


def _costs(ctx: PageContext, found: LifetimeValue) -> None:
    """Show what the acquisition cost is made of."""
    t = ctx.t
    figures = [
        t("Building"),
        t("Staff"),
        t("Working capital"),
        t("Advertising"),
        t("Vehicles sold"),
        t("Profit on vehicles sold"),
        t("Acquisition cost"),
    ]
    with panel(t("Acquisition cost by cohort"), name="lifetime-costs"):
        with table([t("Became owners in"), *figures], figures):
            for each in found.cohorts:
                with row():
                    cell(each.cohort)
                    for value in _spent(each):
                        cell(value, "figure")
        if found.months_without_owners:
            said = t(
                "{amount} of {months} belong to no cohort: no customer became an owner then.",
                amount=formats.money(found.unallocated_cents),
                months=t.listed(found.months_without_owners),
            )
            text(said, "hint")


def _spent(cohort: CohortView) -> Iterable[str]:
    spent = cohort.acquisition
    if spent is None:
        return [formats.NOTHING] * 7
    return [
        formats.money(spent.building_cents),
        formats.money(spent.staff_cents),
        formats.money(spent.working_capital_cents),
        formats.money(spent.advertising_cents),
        str(spent.vehicles_sold),
        formats.money(spent.vehicle_profit_cents),
        formats.money(spent.acquisition_cents),
    ]


def _unknown(ctx: PageContext, found: LifetimeValue) -> None:
    """Say what is not known and therefore not in the figures."""
    t = ctx.t
    uncosted = sum(each.uncosted_parts_cents for each in found.cohorts)
    with panel(t("What is not known"), name="lifetime-unknown"):
        text(t.code("formula_of_cohort", "unknown"))
        text(t("Revenue from parts without a known cost: {amount}", amount=formats.money(uncosted)))
        of_no_owner = formats.money(found.of_no_owner_cents)
        text(t("Contribution of invoices without a known owner: {amount}", amount=of_no_owner))


def _download(ctx: PageContext, found: LifetimeValue) -> None:
    """Offer the cohorts as CSV, in UTF-8 with a mark that spreadsheets know; amounts in yuan."""
    t, out = ctx.t, StringIO()
    sheet = csv.writer(out)
    sheet.writerow(
        [
            t("Became owners in"),
            t("Customers"),
            t("Acquisition cost"),
            *(f"{t('Contribution')} {year}" for year in _year_names(ctx)),
            *(f"{t('Value so far')} {year}" for year in _year_names(ctx)),
            t("Break-even"),
            t("Costs missing"),
            t("Revenue from parts without a known cost"),
        ]
    )
    for each in found.cohorts:
        shown, spent = _shown_years(each), each.acquisition
        sheet.writerow(
            [
                each.cohort,
                each.customers,
                _yuan(spent.acquisition_cents if spent else None),
                *(year and _yuan(year.contribution_cents) for year in shown),
                *(year and _yuan(year.value_cents) for year in shown),
                each.break_even_year,
                " ".join(each.missing_months),
                _yuan(each.uncosted_parts_cents),
            ]
        )
    name = f"{ctx.store.id}-lifetime-value-{found.first_month}-{found.last_month}.csv"
    ui.download(out.getvalue().encode("utf-8-sig"), name)
