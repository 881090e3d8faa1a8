"""Erased persons (个人信息删除), and what a legal term keeps of them (依法留存)."""

from functools import partial

from services.desk import formats
from services.desk.components.elements import (
    button,
    cell,
    cell_box,
    dialog,
    empty,
    facts,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import BlockedRecordView, ErasureView

PAGE = Page(
    path="/stores/{store_id}/erasures",
    title="Erased persons",
    icon="no_accounts",
    roles=roles_of(CrmApi.list_erasures),
    requirements=("R19",),
)


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the erasures of the store, the latest first."""

    async def fetch() -> list[ErasureView]:
        return await ctx.shared("erasures", lambda: ctx.services.crm.list_erasures(ctx.store.id))

    def render(erasures: list[ErasureView], renderer: PartialRenderer) -> None:
        t = ctx.t
        if not erasures:
            renderer.section("none", empty, t("Nobody was erased."))
            return
        headings = [t("Erased"), t("Erased by"), t("Reason"), t("Invoices kept until"), ""]
        with renderer.frame("table", table, headings):
            for each in erasures:
                renderer.section(each.customer_ref, partial(_erasure, ctx), each)

    await live(ctx, fetch, render)


def _erasure(ctx: PageContext, erasure: ErasureView) -> None:
    t, store = ctx.t, ctx.store
    until = erasure.kept_until
    with test_id("erasure", row()):
        cell(formats.day_and_clock(erasure.erased_at, store.timezone, ctx.now()), "number")
        cell(ctx.colleague(erasure.erased_by))
        cell(t.code("erasure_reason", erasure.reason))
        cell(f"{store.local_day(until)}" if until else formats.NOTHING, "number")
        with cell_box("cell-actions"):
            if until and ctx.may(CrmApi.get_blocked_record):
                button(
                    t("Read what is kept"),
                    partial(_read, ctx, erasure),
                    name="read-blocked",
                    kind="small",
                )


async def _read(ctx: PageContext, erasure: ErasureView) -> None:
    """Show who was invoiced; the read is recorded."""
    t = ctx.t
    with dialog(t("Kept by law")) as opened:
        form = Form(ctx)
        kept = await form.send(
            lambda: ctx.services.crm.get_blocked_record(ctx.store.id, erasure.customer_ref)
        )
        if kept:
            _blocked(ctx, kept)
        button(t("Close"), opened.close, name="close")
    opened.open()


def _blocked(ctx: PageContext, kept: BlockedRecordView) -> None:
    t = ctx.t
    facts(
        [
            (t("Name"), kept.name),
            *(
                (each.vin or formats.NOTHING, t.listed(each.plates) or formats.NOTHING)
                for each in kept.vehicles
            ),
            (t("Orders"), f"{len(kept.order_ids)}"),
            (t("Kept until"), f"{ctx.store.local_day(kept.kept_until)}"),
        ]
    )
    text(t("Each read is recorded."), "hint")
    for each in kept.reads:
        at = formats.day_and_clock(each.read_at, ctx.store.timezone, ctx.now())
        test_id("retained-read", text(f"{at} {ctx.colleague(each.read_by)}", "hint"))
