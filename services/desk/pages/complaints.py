"""Complaints (投诉台账) of the store, the most urgent first, with the clock to their deadlines."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.components.complaint import severity_badge, status_badges
from services.desk.components.deadline import deadline
from services.desk.components.elements import (
    badge,
    box,
    cell,
    cell_box,
    empty,
    link,
    row,
    table,
    test_id,
)
from services.desk.components.forms import choices
from services.desk.components.live import live
from services.desk.components.partial_renderer import EverySecond, PartialRenderer
from services.desk.context import Names, PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import ComplaintPage, ComplaintStatus, ComplaintView
from shared.contracts.crm import ComplaintSeverity

PAGE = Page(
    path="/stores/{store_id}/complaints",
    title="Complaints",
    icon="report_problem",
    roles=roles_of(CrmApi.list_complaints),
    requirements=("R23", "R32"),
)

_VIEWS: Mapping[str, tuple[ComplaintStatus, ...]] = {
    "open": ("open", "in_progress"),
    "resolved": ("resolved",),
    "closed": ("closed",),
}
_TITLES = {"open": "Open", "resolved": "To be revisited", "closed": "Closed"}


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show one tab a status, limited to a severity or to the person's own."""
    t, query = ctx.t, ctx.query
    chosen = query["view"] if query.get("view") in _VIEWS else "open"
    severity: ComplaintSeverity | None = next(
        (each for each in get_args(ComplaintSeverity) if each == query.get("severity")), None
    )
    own, after = query.get("own") == "1", query.get("after")
    kept = f"&severity={severity or ''}&own={int(own)}"
    with box("tabs"):
        for view, title in _TITLES.items():
            classes = "tab current" if view == chosen else "tab"
            test_id(f"tab-{view}", link(t(title), f"?view={view}{kept}", classes))
        _filters(ctx, chosen, severity, own=own)

    async def fetch() -> tuple[ComplaintPage, Names]:
        page = await ctx.services.crm.list_complaints(
            ctx.store.id,
            status=_VIEWS[chosen],
            severity=[severity] if severity else [],
            owner_id=ctx.person.subject if own else None,
            after=after,
        )
        return page, await ctx.names(each.customer_ref for each in page.complaints)

    def render(listed: tuple[ComplaintPage, Names], renderer: PartialRenderer) -> None:
        page, names = listed
        if not page.complaints:
            renderer.section("none", empty, t("No complaints here."))
            return
        with renderer.frame("table", _table, ctx):
            for each in page.complaints:
                shown = partial(_row, ctx, renderer.every_second)
                renderer.section(each.complaint_id, shown, each, names.of(each.customer_ref).name)
        if page.next_after:
            address = f"?view={chosen}{kept}&after={page.next_after}"
            renderer.section("more", link, t("Next page"), address, "text-link")

    await live(ctx, fetch, render)


def _filters(ctx: PageContext, view: str, severity: ComplaintSeverity | None, *, own: bool) -> None:
    t = ctx.t

    def go(**changed: object) -> None:
        wanted = {"severity": severity, "own": own} | changed
        level, mine = wanted["severity"] or "", int(bool(wanted["own"]))
        ui.navigate.to(f"?view={view}&severity={level}&own={mine}")

    box("spacer")
    classes = choices(t, "severity", get_args(ComplaintSeverity))
    made = ui.select(classes, label=t("Severity"), value=severity, clearable=True)
    made.props("outlined dense").on_value_change(lambda event: go(severity=event.value))
    test_id("severity-filter", made)
    mine = ui.checkbox(t("Mine only"), value=own, on_change=lambda event: go(own=event.value))
    test_id("own-filter", mine)


def _table(ctx: PageContext) -> AbstractContextManager[None]:
    t = ctx.t
    return table(
        [t("Complaint"), t("Severity"), t("Source"), t("Status"), t("Due"), t("Owner"), t("Cause")]
    )


def _row(
    ctx: PageContext, every_second: EverySecond, complaint: ComplaintView, name: str | None
) -> None:
    t = ctx.t
    with test_id("complaint", row("row-link")):
        with cell_box():
            at = formats.day_and_clock(complaint.opened_at, ctx.store.timezone, ctx.now())
            address = f"{ctx.store_path}/complaints/{complaint.complaint_id}"
            link(f"{name or formats.NOTHING} · {at}", address, "row-anchor")
        with cell_box():
            severity_badge(t, complaint.severity)
        cell(t.code("complaint_source", complaint.source))
        with cell_box():
            status_badges(t, complaint)
        with cell_box():
            if complaint.resolved_at is None:
                deadline(ctx, every_second, complaint.due_at)
            else:
                badge(t("Solved"), "good")
        cell(ctx.colleague(complaint.owner_id))
        cell(t.code("complaint_cause", complaint.cause))
