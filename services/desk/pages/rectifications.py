"""Rectifications (整改) of feedback and daily checks, and who puts them right."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import (
    badge,
    cell,
    cell_box,
    empty,
    link,
    row,
    table,
    test_id,
)
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.components.rectification import close_button, rectification_state
from services.desk.context import PageContext
from services.desk.page import Page

DUTIES = ("R10", "R43")

PAGE = Page(
    path="/stores/{store_id}/rectifications",
    title="Rectifications",
    icon="build_circle",
    roles=frozenset({"advisor", "dispatcher", "inspector", "agent", "manager"}),
    duties=DUTIES,
)

_STATES = ("open", "overdue", "closed")

Entry = Mapping[str, Any]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """A person's own first, each with its finding, deadline and result."""
    catalog = await ctx.catalog()

    async def fetch() -> list[Entry]:
        found: list[Entry] = await ctx.shared(
            "rectifications",
            lambda: ctx.services.get(
                "reporting", f"{ctx.store_path}/rectifications", state=list(_STATES)
            ),
        )
        return found

    def render(found: Sequence[Entry], renderer: PartialRenderer) -> None:
        t = ctx.t
        if not found:
            renderer.section("none", empty, t("Nothing is to be put right."))
            return
        headings = [t("Source"), t("What"), t("Owner"), t("Due"), t("Status"), t("Result"), ""]
        with renderer.frame("table", table, headings):
            for each in sorted(found, key=partial(_order, ctx)):
                renderer.section(each["rectification_id"], partial(_row, ctx, catalog), each)

    await live(ctx, fetch, render)


def _order(ctx: PageContext, rectification: Entry) -> tuple[bool, bool, str]:
    """Open before closed, own before others', the most urgent first."""
    is_others = rectification["owner_id"] != ctx.person.subject
    return rectification["closed_at"] is not None, is_others, rectification["due_at"]


def _row(ctx: PageContext, catalog: Catalog, rectification: Entry) -> None:
    t, zone, now = ctx.t, ctx.store.timezone, ctx.now()
    with test_id("rectification", row()):
        with cell_box():
            badge(t.code("rectification_source", rectification["source"]), "quiet")
        cell(t.listed(_subjects(ctx, catalog, rectification)))
        cell(ctx.colleague(rectification["owner_id"]))
        cell(formats.day_and_clock(rectification["due_at"], zone, now), "number")
        with cell_box():
            rectification_state(ctx, rectification)
        cell(t.code("closing", rectification["result"]))
        with cell_box("cell-actions"):
            close_button(ctx, rectification)
            if order_id := rectification["order_id"]:
                link(t("Order"), f"{ctx.store_path}/orders/{order_id}", "text-link")


def _subjects(ctx: PageContext, catalog: Catalog, rectification: Entry) -> list[str]:
    """Bad marks of a feedback, or failed items of a check, in words."""
    if rectification["source"] == "feedback":
        return [ctx.t.code("mark", subject) for subject in rectification["subjects"]]
    items = {
        item["item"]: ctx.t.of(dict(item))
        for area in catalog.check_areas.values()
        for item in area["items"]
    }
    return [items.get(subject, subject) for subject in rectification["subjects"]]
