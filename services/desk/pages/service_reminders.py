"""Service reminders (保养提醒): customers to be invited, and why on that day."""

from contextlib import AbstractContextManager
from functools import partial

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import (
    box,
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
from services.desk.components.service_reminder import (
    answer_badge,
    due_badge,
    figures_text,
    needs_text,
    reminder_actions,
)
from services.desk.context import Names, PageContext
from services.desk.i18n import Translator
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import ReminderPage, ReminderState, ReminderView

PAGE = Page(
    path="/stores/{store_id}/service-reminders",
    title="Service reminders",
    icon="event_repeat",
    roles=roles_of(CrmApi.list_reminders),
    requirements=("R26",),
)

_VIEWS: dict[ReminderState, str] = {
    "due": "To invite",
    "planned": "Planned",
    "closed": "With an answer",
}

Listed = tuple[ReminderPage, Names]


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show one tab a state; each page of it goes on where the one before ended."""
    t, catalog, after = ctx.t, await ctx.catalog(), ctx.query.get("after")
    asked = ctx.query.get("state")
    chosen: ReminderState = next((state for state in _VIEWS if state == asked), "due")
    with box("tabs"):
        for state, title in _VIEWS.items():
            classes = "tab current" if state == chosen else "tab"
            test_id(f"tab-{state}", link(t(title), f"?state={state}", classes))

    async def fetch() -> Listed:
        page = await ctx.shared(
            f"service reminders {chosen} {after}",
            lambda: ctx.services.crm.list_reminders(ctx.store.id, state=chosen, after=after),
        )
        return page, await ctx.names(each.customer_ref for each in page.reminders)

    def render(listed: Listed, renderer: PartialRenderer) -> None:
        page, names = listed
        if not page.reminders:
            renderer.section("none", empty, t("No service reminders here."))
            return
        with renderer.frame("table", _table, t):
            for reminder in page.reminders:
                name = names.of(reminder.customer_ref).name
                renderer.section(reminder.reminder_id, partial(_row, ctx, catalog), reminder, name)
        if page.next_page:
            address = f"?state={chosen}&after={page.next_page}"
            renderer.section("next", partial(_next, t), address)

    await live(ctx, fetch, render)


def _next(t: Translator, address: str) -> None:
    test_id("next-page", link(t("Next page"), address, "text-link"))


def _table(t: Translator) -> AbstractContextManager[None]:
    return table(
        [
            t("Due"),
            t("Customer"),
            t("Reason"),
            t("Work"),
            t("Odometer"),
            t("Due at (km)"),
            t("Answer"),
            "",
        ]
    )


def _row(ctx: PageContext, catalog: Catalog, reminder: ReminderView, name: str | None) -> None:
    t = ctx.t
    with test_id("reminder", row()):
        with cell_box():
            due_badge(ctx, reminder)
        with cell_box():
            address = f"{ctx.store_path}/service-reminders/{reminder.reminder_id}"
            link(name or formats.NOTHING, address, "text-link")
        cell(t.code("reminder_kind", reminder.kind))
        cell(needs_text(t, catalog, reminder))
        cell(figures_text(t, reminder))
        cell(f"{reminder.due_km:,}" if reminder.due_km else formats.NOTHING, "number")
        with cell_box():
            answer_badge(t, reminder)
        with cell_box("cell-actions"):
            if reminder.state != "closed":
                reminder_actions(ctx, reminder)
