"""Lost customers (流失客户): those at risk, those lost with their causes, and the months."""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import datetime
from functools import partial
from typing import Literal, get_args

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    dialog,
    empty,
    link,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form, choices, dialog_actions, submit
from services.desk.components.kpis import bars
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.tier import tier_badge
from services.desk.context import Names, PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    DefectionSummary,
    LapseView,
    LapseWithNote,
    RecordCauseRequest,
    RecordWinBackRequest,
    RiskView,
)
from shared.clients.reporting.models import RetentionKpis
from shared.contracts.crm import LapseCause, WinBackResult

REQUIREMENTS = ("R26",)

PAGE = Page(
    path="/stores/{store_id}/defection",
    title="Lost customers",
    icon="person_off",
    roles=roles_of(CrmApi.list_customers_at_risk),
    requirements=REQUIREMENTS,
)

_VIEWS = {"risk": "At risk", "lost": "Lost", "won_back": "Won back", "months": "Months"}
_PAGE_LENGTH = 100
_ALMOST_LOST = 90
_LAPSE_REFERENCE = 0.2

Lapses = tuple[list[LapseWithNote], Names]
Risks = tuple[list[RiskView], Names]
Months = tuple[DefectionSummary, list[RetentionKpis]]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show one tab a list, loyal customers first, and one with the months."""
    asked = ctx.query.get("view")
    chosen = next((view for view in _VIEWS if view == asked), "risk")
    with box("tabs"):
        for view, title in _VIEWS.items():
            classes = "tab current" if view == chosen else "tab"
            test_id(f"tab-{view}", link(ctx.t(title), f"?view={view}", classes))
    if chosen == "risk":
        await live(ctx, partial(_fetch_risks, ctx), partial(_risks, ctx))
    elif chosen == "months":
        await live(ctx, partial(_fetch_months, ctx), partial(_months, ctx))
    else:
        await live(ctx, partial(_fetch_lapses, ctx, chosen), partial(_lapses, ctx))


async def _fetch_risks(ctx: PageContext) -> Risks:
    after = ctx.query.get("after", "")
    found = await ctx.shared(
        f"customers at risk after {after}",
        lambda: ctx.services.crm.list_customers_at_risk(ctx.store.id, after=after),
    )
    return found, await ctx.names_if_any(each.customer_ref for each in found)


async def _fetch_lapses(ctx: PageContext, status: str) -> Lapses:
    after = ctx.query.get("after", "")
    wanted: Literal["lost", "won_back"] = "won_back" if status == "won_back" else "lost"
    found = await ctx.services.crm.list_lapses(ctx.store.id, status=wanted, after=after)
    return found, await ctx.names_if_any(each.customer_ref for each in found)


async def _fetch_months(ctx: PageContext) -> Months:
    return await asyncio.gather(
        ctx.shared(
            "defection summary", lambda: ctx.services.crm.get_defection_summary(ctx.store.id)
        ),
        ctx.shared(
            "monthly retention", lambda: ctx.services.reporting.monthly_retention(ctx.store.id)
        ),
    )


def _risks(ctx: PageContext, listed: Risks, renderer: PartialRenderer) -> None:
    t, (found, names) = ctx.t, listed
    if not found:
        renderer.section("none", empty, t("No customer is at risk."))
        return
    figures = (t("Time passed"), t("Visits"), t("Usual interval"))
    headings = [
        t("Customer"),
        t("Tier"),
        *figures,
        t("Last visit"),
        t("Lost from"),
        t("Judged by"),
    ]
    with renderer.frame("table", table, headings, figures):
        for each in found:
            name = names.of(each.customer_ref).name
            renderer.section(each.customer_ref, partial(_risk_row, ctx), each, name)
    renderer.section("more", partial(_more, ctx), "risk", [each.customer_ref for each in found])


def _risk_row(ctx: PageContext, risk: RiskView, name: str | None) -> None:
    t = ctx.t
    with test_id("risk", row()):
        _customer(ctx, risk.customer_ref, name, risk.tier)
        with cell_box("figure"):
            badge(f"{risk.score} %", "bad" if risk.score >= _ALMOST_LOST else "warn")
        cell(str(risk.visits), "figure")
        cell(_days(ctx, risk.interval_days), "figure")
        cell(_day(ctx, risk.last_visit_at), "number")
        cell(_day(ctx, risk.lapses_at), "number")
        cell(t.code("lapse_basis", risk.basis))


def _lapses(ctx: PageContext, listed: Lapses, renderer: PartialRenderer) -> None:
    t, (found, names) = ctx.t, listed
    if not found:
        renderer.section("none", empty, t("No customer is on this list."))
        return
    headings = [
        t("Customer"),
        t("Tier"),
        t("Last visit"),
        t("Lost since"),
        t("Judged by"),
        t("Cause"),
        t("Win-back"),
        "",
    ]
    with renderer.frame("table", table, headings):
        for each in found:
            name = names.of(each.customer_ref).name
            renderer.section(each.lapse_id, partial(_lapse_row, ctx), each, name)
    view = "won_back" if found[0].won_back_at else "lost"
    renderer.section("more", partial(_more, ctx), view, [each.lapse_id for each in found])


def _lapse_row(ctx: PageContext, lapse: LapseWithNote, name: str | None) -> None:
    t = ctx.t
    with test_id("lapse", row()):
        _customer(ctx, lapse.customer_ref, name, lapse.tier)
        cell(_day(ctx, lapse.last_visit_at), "number")
        cell(_day(ctx, lapse.lapsed_at), "number")
        cell(t.code("lapse_basis", lapse.basis))
        with cell_box():
            text(t.code("lapse_cause", lapse.cause) if lapse.cause else formats.NOTHING)
            if lapse.note:
                text(lapse.note, "hint")
        with cell_box():
            if lapse.won_back_at:
                badge(t("Came again {day}", day=_day(ctx, lapse.won_back_at)), "good")
            elif lapse.result:
                badge(t.code("win_back", lapse.result), "calm")
        with cell_box("cell-actions"):
            if lapse.won_back_at is None and ctx.may(ctx.services.crm.record_lapse_cause):
                button(
                    t("Cause"),
                    partial(_cause_dialog, ctx, lapse),
                    name="record-cause",
                    kind="small",
                )
                if lapse.result is None:
                    button(
                        t("Result"),
                        partial(_result_dialog, ctx, lapse),
                        name="record-result",
                        kind="small",
                    )


def _cause_dialog(ctx: PageContext, lapse: LapseWithNote) -> None:
    t = ctx.t
    with dialog(t("Why the customer stayed away")) as opened:
        form = Form(ctx)
        causes = choices(t, "lapse_cause", get_args(LapseCause))
        cause = form.field("cause", ui.select(causes, label=t("Cause"), value=lapse.cause))
        note = form.field("note", ui.textarea(t("Remark"), value=lapse.note).props("autogrow"))

        def command() -> Awaitable[LapseView]:
            request = RecordCauseRequest(cause=cause.value, note=note.value or None)
            return ctx.services.crm.record_lapse_cause(
                ctx.store.id, lapse.customer_ref, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("cause"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


def _result_dialog(ctx: PageContext, lapse: LapseWithNote) -> None:
    t = ctx.t
    with dialog(t("Result of the win-back")) as opened:
        form = Form(ctx)
        results = choices(t, "win_back", get_args(WinBackResult))
        result = form.field("result", ui.select(results, label=t("Result")))

        def command() -> Awaitable[LapseView]:
            return ctx.services.crm.record_win_back(
                ctx.store.id,
                lapse.customer_ref,
                RecordWinBackRequest(result=result.value),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if form.require("result"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


def _months(ctx: PageContext, shown: Months, renderer: PartialRenderer) -> None:
    summary, kpis = shown
    with renderer.frame("charts", box, "columns even"):
        renderer.section("months", partial(_months_chart, ctx), summary)
        renderer.section("causes", partial(_causes_chart, ctx), summary)
    renderer.section("kpis", partial(_kpis, ctx), kpis)


def _months_chart(ctx: PageContext, summary: DefectionSummary) -> None:
    t, months = ctx.t, summary.months
    with box("column-wide"), panel(t("Lost and won back by month"), name="defection-months"):
        if not months:
            empty(t("No customer was lost in the last twelve months."))
            return
        bars(
            [each.month for each in months],
            {
                t("Lost"): [each.lapsed for each in months],
                t("Of them with a tier"): [each.loyal_lapsed for each in months],
                t("Won back"): [each.won_back for each in months],
            },
        )


def _causes_chart(ctx: PageContext, summary: DefectionSummary) -> None:
    t, causes = ctx.t, summary.causes
    with box("column-wide"), panel(t("Causes"), name="defection-causes"):
        if not causes:
            empty(t("No cause is recorded yet."))
            return
        bars(
            [t.code("lapse_cause", each.cause) for each in causes],
            {
                t("Lost"): [each.customers for each in causes],
                t("Won back"): [each.won_back for each in causes],
            },
        )


def _kpis(ctx: PageContext, kpis: Sequence[RetentionKpis]) -> None:
    t = ctx.t
    figures = (t("Visited"), t("Came again"), t("Lapse rate"), t("Active"), t("Retention rate"))
    with panel(t("Lapse and retention rate"), name="retention-kpis"):
        text(t.code("formula_of_month", "lapse_rate"), "hint")
        text(t.code("formula_of_month", "retention_rate"), "hint")
        with table([t("Month"), *figures, t("Lapse rate by tier")], figures):
            for each in reversed(kpis):
                with row():
                    cell(each.month, "number")
                    cell(str(each.visited), "figure")
                    cell(str(each.returned), "figure")
                    with cell_box("figure"):
                        _lapse_rate(each.lapse_rate)
                    cell(str(each.active_at_end), "figure")
                    cell(formats.share(each.retention_rate), "figure")
                    cell(_by_tier(ctx, each))


def _lapse_rate(rate: float | None) -> None:
    if rate is None:
        text(formats.NOTHING)
    else:
        badge(formats.share(rate), "good" if rate <= _LAPSE_REFERENCE else "bad")


def _by_tier(ctx: PageContext, kpis: RetentionKpis) -> str:
    t, rates = ctx.t, kpis.lapse_by_tier
    named = {"gold", "silver", "bronze", "none"} & rates.keys()
    words = {tier: t.code("tier", tier) if tier != "none" else t("No tier") for tier in named}
    return " · ".join(
        f"{words[tier]} {formats.share(rates[tier])}"
        for tier in ("gold", "silver", "bronze", "none")
        if tier in named
    )


def _customer(ctx: PageContext, customer_ref: str, name: str | None, tier: str | None) -> None:
    with cell_box():
        address = f"{ctx.store_path}/customers/{customer_ref}"
        link(name or ctx.t("Customer"), address, "text-link")
    with cell_box():
        if tier:
            tier_badge(ctx.t, tier)


def _more(ctx: PageContext, view: str, ids: Sequence[str]) -> None:
    """Link to the next page of a list."""
    if len(ids) == _PAGE_LENGTH:
        test_id("more", link(ctx.t("More"), f"?view={view}&after={ids[-1]}", "text-link"))


def _day(ctx: PageContext, moment: datetime) -> str:
    return f"{ctx.store.local_day(moment)}"


def _days(ctx: PageContext, days: float | None) -> str:
    return formats.NOTHING if days is None else ctx.t("{days} days", days=round(days))
