"""The store's day in figures (今日经营), live, with the daily report when it is published."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

from services.desk import formats
from services.desk.components.drawing import Drawing
from services.desk.components.elements import badge, box, facts, link, panel, text
from services.desk.components.figures import AMOUNTS, COUNTS, bars, indicators, tiles
from services.desk.components.live import live
from services.desk.i18n import Words
from services.desk.page import Page
from services.desk.visit import Visit, together

DUTIES = ("R30", "R33")

PAGE = Page(
    path="/stores/{store_id}/today",
    title="Today's figures",
    icon="insights",
    roles=frozenset({"manager", "group_manager", "advisor", "dispatcher"}),
    duties=DUTIES,
)

_CENTS = 100
MONEY = ("labor_cents", "parts_cents", "invoiced_cents", "received_cents")

Figures = tuple[dict[str, Any], list[dict[str, Any]]]


@PAGE.shows
async def show(visit: Visit) -> None:
    """The figures of the address's day, as they are now and as they were published."""
    day = chosen_day(visit)
    day_choice(visit, day)

    async def fetch() -> Figures:
        services, store = visit.services, visit.store_path
        live_figures, published = await together(
            visit.shared(
                f"figures {day}",
                lambda: services.get("reporting", f"{store}/figures", day=f"{day}"),
            ),
            visit.shared(
                f"report {day}",
                lambda: services.get("reporting", f"{store}/daily-reports", day=f"{day}"),
            ),
        )
        return live_figures, published

    def render(figures: Figures, drawing: Drawing) -> None:
        t, (now, published) = visit.t, figures
        drawing.part("covered", partial(_covered, visit), now)
        drawing.part("tiles", partial(tiles, t, with_money=visit.sees_money), now)
        with drawing.frame("charts", box, "columns even"):
            charts = {t("Vehicles"): {name: now[name] for name in COUNTS}}
            if visit.sees_money:
                charts[t("Money")] = {name: round(now[name] / _CENTS) for name in MONEY}
            for title, amounts in charts.items():
                drawing.part(title, partial(_chart, t, title), amounts)
        drawing.part("published", partial(_published, visit), published)
        drawing.part("indicators", partial(_indicators, visit), now)

    await live(visit, fetch, render)


def _covered(visit: Visit, figures: Mapping[str, Any]) -> None:
    t, covered = visit.t, _period(visit, figures)
    later = t("{covered}. What happens after closing counts on the next day.", covered=covered)
    text(later, "hint")


def _period(visit: Visit, figures: Mapping[str, Any]) -> str:
    zone = visit.store.timezone
    return formats.period(figures["covers_from"], figures["covers_until"], zone)


def _chart(t: Words, title: str, amounts: Mapping[str, int]) -> None:
    with box("column-wide"), panel(title):
        bars([t.code("figure", name) for name in amounts], {title: list(amounts.values())})


def _indicators(visit: Visit, figures: Mapping[str, Any]) -> None:
    with panel(visit.t("Indicators")):
        indicators(visit.t, figures, with_money=visit.sees_money)


def chosen_day(visit: Visit) -> date:
    """The day that the address names, otherwise the store's present day."""
    try:
        return date.fromisoformat(visit.query.get("day", ""))
    except ValueError:
        return visit.today()


def day_choice(visit: Visit, day: date) -> None:
    """Steps to the days around."""
    with box("day-choice"):
        link("‹", f"?day={day - timedelta(days=1)}", "day-step")
        text(f"{day}", "day number")
        link("›", f"?day={day + timedelta(days=1)}", "day-step")
        if day != visit.today():
            link(visit.t("Today"), "?", "day-step")


def _published(visit: Visit, reports: list[dict[str, Any]]) -> None:
    t = visit.t
    with panel(t("Daily report")):
        if not reports:
            closing = visit.store.closing.strftime("%H:%M")
            text(t("Published when the store closes at {time}.", time=closing), "hint")
        for report in reports:
            at = formats.clock(report["published_at"], visit.store.timezone)
            badge(t("Published {time}", time=at), "good")
            if report["revision"] > 1:
                badge(t("Revision {number}", number=report["revision"]), "warn")
            money = [
                (t.code("figure", name), formats.money(report[name]))
                for name in (AMOUNTS if visit.sees_money else ())
            ]
            facts(
                [
                    (t("Covers"), _period(visit, report)),
                    (t.code("figure", "delivered"), str(report["delivered"])),
                    *money,
                    (t.code("figure", "on_time_first"), formats.share(report["on_time_first"])),
                ]
            )
