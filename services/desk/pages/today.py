"""The store's day in KPIs (今日经营), live, with the daily report when it is published."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from services.desk import formats
from services.desk.components.day_choice import chosen_day, day_choice
from services.desk.components.elements import badge, box, facts, panel, text
from services.desk.components.kpis import AMOUNTS, COUNTS, Kpis, bars, kpi_groups, tiles
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.i18n import Translator
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.reporting.client import ReportingApi
from shared.clients.reporting.models import DailyReport, LiveKpis

REQUIREMENTS = ("R30", "R33")

PAGE = Page(
    path="/stores/{store_id}/today",
    title="Today's KPIs",
    icon="insights",
    roles=roles_of(ReportingApi.get_live_kpis),
    requirements=REQUIREMENTS,
)

_CENTS = 100
MONEY: Mapping[str, Callable[[Kpis], int | None]] = {
    "labor_cents": lambda day: day.labor_cents,
    "parts_cents": lambda day: day.parts_cents,
    **AMOUNTS,
}

Shown = tuple[LiveKpis, list[DailyReport]]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the KPIs of the address's day, the present ones and the published ones."""
    day = chosen_day(ctx)
    day_choice(ctx, day)

    async def fetch() -> Shown:
        reporting, store_id = ctx.services.reporting, ctx.store.id
        return await asyncio.gather(
            ctx.shared(f"figures {day}", lambda: reporting.get_live_kpis(store_id, day=day)),
            ctx.shared(f"report {day}", lambda: reporting.daily_reports(store_id, day=day)),
        )

    def render(shown: Shown, renderer: PartialRenderer) -> None:
        t, (now, published) = ctx.t, shown
        renderer.section("covered", partial(_covered, ctx), now)
        renderer.section("tiles", partial(tiles, t, with_money=ctx.sees_money), now)
        with renderer.frame("charts", box, "columns even"):
            charts = {t("Vehicles"): {name: count(now) for name, count in COUNTS.items()}}
            if ctx.sees_money:
                charts[t("Money")] = {
                    name: round((cents(now) or 0) / _CENTS) for name, cents in MONEY.items()
                }
            for title, amounts in charts.items():
                renderer.section(title, partial(_chart, t, title), amounts)
        renderer.section("published", partial(_published, ctx), published)
        renderer.section("kpis", partial(_kpis, ctx), now)

    await live(ctx, fetch, render)


def _covered(ctx: PageContext, kpis: Kpis) -> None:
    t, covered = ctx.t, _period(ctx, kpis)
    later = t("{covered}. Events after closing count for the next day.", covered=covered)
    text(later, "hint")


def _period(ctx: PageContext, kpis: Kpis) -> str:
    zone = ctx.store.timezone
    return formats.period(kpis.covers_from, kpis.covers_until, zone)


def _chart(t: Translator, title: str, amounts: Mapping[str, int]) -> None:
    with box("column-wide"), panel(title):
        bars([t.code("kpi", name) for name in amounts], {title: list(amounts.values())})


def _kpis(ctx: PageContext, kpis: Kpis) -> None:
    with panel(ctx.t("KPIs")):
        kpi_groups(ctx.t, kpis, with_money=ctx.sees_money)


def _published(ctx: PageContext, reports: Sequence[DailyReport]) -> None:
    t = ctx.t
    with panel(t("Daily report")):
        if not reports:
            closing = ctx.store.closing.strftime("%H:%M")
            text(t("Published when the store closes at {time}.", time=closing), "hint")
        for report in reports:
            at = formats.clock(report.published_at, ctx.store.timezone)
            badge(t("Published {time}", time=at), "good")
            if report.revision > 1:
                badge(t("Revision {number}", number=report.revision), "warn")
            money = [
                (t.code("kpi", name), formats.money(cents(report)))
                for name, cents in (AMOUNTS.items() if ctx.sees_money else ())
            ]
            facts(
                [
                    (t("Covers"), _period(ctx, report)),
                    (t.code("kpi", "delivered"), str(report.delivered)),
                    *money,
                    (
                        t.code("kpi", "on_time_rate_initial"),
                        formats.share(report.on_time_rate_initial),
                    ),
                ]
            )
