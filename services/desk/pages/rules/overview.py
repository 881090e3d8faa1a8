"""Rules (规则) of the group and of stores: what holds since when, and who changed it last."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial

from services.desk.components.elements import cell, cell_box, link, row, table, test_id, text
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.formats import NOTHING
from services.desk.i18n import Translator
from services.desk.page import Page
from services.desk.pages.rules.rule_set import address_of, day_and_time, owner_of
from shared.clients.access import roles_of
from shared.clients.management.client import ManagementApi
from shared.clients.management.models import RecordEntry

REQUIREMENTS = ("R40",)

PAGE = Page(
    path="/stores/{store_id}/rules",
    title="Rules",
    icon="rule",
    roles=roles_of(ManagementApi.list_store_rules),
    requirements=REQUIREMENTS,
)


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the group's rules and those of the person's stores, one row each."""
    management, subject = ctx.services.management, ctx.person.subject

    async def listed() -> list[RecordEntry]:
        of_group, of_store, _ = await asyncio.gather(
            management.list_group_rules(), management.list_store_rules(ctx.store.id), ctx.stores()
        )
        by_id = {entry.record_id: entry for entry in (*of_group, *of_store)}
        return sorted(by_id.values(), key=lambda entry: (entry.for_store or "", entry.kind))

    def render(entries: Sequence[RecordEntry], renderer: PartialRenderer) -> None:
        with renderer.frame("table", _table, ctx.t):
            for entry in entries:
                renderer.section(entry.record_id, partial(_row, ctx), entry)

    await live(ctx, lambda: ctx.shared(f"rules {subject}", listed), render)


def _table(t: Translator) -> AbstractContextManager[None]:
    times = [t("Holds since"), t("Next version")]
    return table(
        [t("Rules"), t("Valid for"), *times, t("Last change"), t("Changed by"), t("Reason")]
    )


def _row(ctx: PageContext, entry: RecordEntry) -> None:
    t = ctx.t
    own = entry.for_store is not None
    with test_id(f"rules-{entry.record_id}", row("row-link")):
        with cell_box():
            address = address_of(entry.kind, entry.for_store or ctx.store.id, own=own)
            link(t.code("rule_kind", entry.kind), address, "row-anchor")
        cell(owner_of(ctx, entry.for_store))
        with cell_box("number"):
            if entry.current_from:
                text(f"{entry.current_from}")
            else:
                text(t("As in the group") if own else NOTHING, "hint")
        cell(f"{entry.next_from or NOTHING}", "number")
        cell(day_and_time(ctx, entry.changed_at), "number")
        cell(ctx.colleague(entry.changed_by) if entry.changed_by else NOTHING)
        cell(entry.reason or NOTHING)
