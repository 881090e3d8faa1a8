"""Incomplete customer records (档案缺口) of the last day, the least complete first."""

from functools import partial
from typing import get_args

from services.desk import formats
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
    text,
)
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import Names, PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import RecordCompleteness, RecordGapCustodian

PAGE = Page(
    path="/stores/{store_id}/record-gaps",
    title="Incomplete records",
    icon="rule_folder",
    roles=roles_of(CrmApi.list_record_gaps),
    requirements=("R19",),
)

_LOW = 60

Found = tuple[list[RecordCompleteness], Names]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show one tab for all, and one a role that sees to a class of records."""
    asked = ctx.query.get("custodian")
    custodian: RecordGapCustodian | None = next(
        (each for each in get_args(RecordGapCustodian) if each == asked), None
    )
    with box("tabs"):
        for each in (None, *get_args(RecordGapCustodian)):
            title = ctx.t.code("role", each) if each else ctx.t("All")
            classes = "tab current" if each == custodian else "tab"
            made = link(title, f"?custodian={each or ''}", classes)
            test_id(f"tab-{each or 'all'}", made)

    async def fetch() -> Found:
        found = await ctx.services.crm.list_record_gaps(ctx.store.id, custodian=custodian)
        return found, await ctx.names_if_any(each.customer_ref for each in found)

    await live(ctx, fetch, partial(_list, ctx))


def _list(ctx: PageContext, listed: Found, renderer: PartialRenderer) -> None:
    t, (found, names) = ctx.t, listed
    if not found:
        renderer.section("none", empty, t("No record of the last day is incomplete."))
        return
    with renderer.frame("table", table, [t("Customer"), t("Complete"), t("Missing"), t("Agent")]):
        for each in found:
            name = names.of(each.customer_ref).name
            renderer.section(each.customer_ref, partial(_row, ctx), each, name)


def _row(ctx: PageContext, each: RecordCompleteness, name: str | None) -> None:
    t = ctx.t
    with test_id("record-gap", row()):
        with cell_box():
            address = f"{ctx.store_path}/customers/{each.customer_ref}"
            link(name or t("Customer"), address, "text-link")
        with cell_box("number"):
            badge(f"{each.score} %", "bad" if each.score < _LOW else "warn")
        with cell_box():
            for gap in each.gaps:
                text(t.code("record_gap", gap.gap))
                text(t.code("role", gap.custodian), "hint")
        cell(ctx.colleague(each.agent_id) if each.agent_id else formats.NOTHING)
