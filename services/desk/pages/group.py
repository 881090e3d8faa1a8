"""The group's stores side by side (集团日报), for group managers."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from services.desk import formats
from services.desk.components.drawing import Drawing
from services.desk.components.elements import (
    box,
    cell,
    cell_box,
    link,
    mark,
    panel,
    row,
    table,
    text,
)
from services.desk.components.figures import INDICATORS, bars, tone_of
from services.desk.components.live import live
from services.desk.i18n import Words
from services.desk.page import Page
from services.desk.pages.today import chosen_day, day_choice
from services.desk.visit import Visit

DUTIES = ("R30", "R38", "R40")

PAGE = Page(
    path="/group",
    title="Group",
    icon="hub",
    roles=frozenset({"group_manager"}),
    duties=DUTIES,
)

_CENTS = 100
_INDICATORS = {indicator.name: indicator for indicator in INDICATORS}
_SHOWN = ("on_time_first", "same_day", "delivery_complete", "efficiency")

Reports = list[dict[str, Any]]


@PAGE.shows
async def show(visit: Visit) -> None:
    """One row a store, and the stores compared."""
    day = chosen_day(visit)
    day_choice(visit, day)

    async def fetch() -> Reports:
        await visit.signed_in.token()
        reports: Reports = await visit.desk.answers.get(
            ("group", f"{day}", visit.person.subject),
            lambda: visit.services.get("reporting", "/group/daily-reports", day=f"{day}"),
        )
        return reports

    def render(reports: Reports, drawing: Drawing) -> None:
        by_store = {report["store_id"]: report for report in reports}
        with (
            drawing.frame("stores", panel, visit.t("Stores")),
            drawing.frame("table", _table, visit.t),
        ):
            for store_id in visit.person.stores:
                drawing.part(store_id, partial(_row, visit, store_id), by_store.get(store_id))
            if reports:
                drawing.part("total", partial(_totals, visit), by_store)
        if reports:
            drawing.part("charts", partial(_charts, visit), by_store)

    await live(visit, fetch, render)


def _name(visit: Visit, store_id: str) -> str:
    store = visit.desk.stores.get(store_id)
    if store is None:
        return store_id
    return store.zh if visit.t.language == "zh" else store.en


def _table(t: Words) -> AbstractContextManager[None]:
    counts = [t.code("figure", name) for name in ("arrived", "delivered")]
    money = [t.code("figure", name) for name in ("invoiced_cents", "received_cents")]
    shares = [t.code("figure", name) for name in _SHOWN]
    numbers = [*counts, *money, *shares, t.code("figure", "greet_wait_median_s")]
    return table([t("Store"), *numbers, t("Covers")], numbers)


def _row(visit: Visit, store_id: str, report: Mapping[str, Any] | None) -> None:
    with mark(f"store-{store_id}", row()):
        with cell_box():
            link(_name(visit, store_id), f"/stores/{store_id}/today", "row-anchor")
        _cells(visit, report)


def _cells(visit: Visit, report: Mapping[str, Any] | None) -> None:
    if report is None:
        with _wide_cell(10):
            text(visit.t("Not published yet"), "hint")
        return
    cell(str(report["arrived"]), "figure")
    cell(str(report["delivered"]), "figure")
    cell(formats.money(report["invoiced_cents"]), "figure")
    cell(formats.money(report["received_cents"]), "figure")
    for name in _SHOWN:
        indicator = _INDICATORS[name]
        cell(formats.share(report[name]), "figure").classes(tone_of(indicator, report[name]))
    cell(formats.minutes_seconds(report["greet_wait_median_s"]), "figure")
    zone = visit.desk.stores[report["store_id"]].timezone
    cell(formats.period(report["covers_from"], report["covers_until"], zone))


def _wide_cell(columns: int) -> Any:
    """A cell as wide as several."""
    made = cell_box()
    made.props["colspan"] = columns
    return made


def _totals(visit: Visit, reports: Mapping[str, Mapping[str, Any]]) -> None:
    def total(name: str) -> int:
        return sum(report[name] for report in reports.values())

    with row("total"):
        cell(visit.t("Group"))
        cell(str(total("arrived")), "figure")
        cell(str(total("delivered")), "figure")
        cell(formats.money(total("invoiced_cents")), "figure")
        cell(formats.money(total("received_cents")), "figure")
        _wide_cell(6)


def _charts(visit: Visit, reports: Mapping[str, Mapping[str, Any]]) -> None:
    t, names = visit.t, [_name(visit, store_id) for store_id in reports]
    with box("columns even"):
        with box("column-wide"), panel(t("Money")):
            bars(
                names,
                {
                    t.code("figure", name): [
                        round(report[name] / _CENTS) for report in reports.values()
                    ]
                    for name in ("invoiced_cents", "received_cents")
                },
            )
        with box("column-wide"), panel(t.code("figure", "on_time_first")):
            shares = [
                None if report["on_time_first"] is None else round(100 * report["on_time_first"], 1)
                for report in reports.values()
            ]
            bars(names, {t.code("figure", "on_time_first"): shares}, unit="%")
