"""Messages of customers (客户来信): what waits for an answer, the longest first."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Literal

from services.desk import formats
from services.desk.components.conversation import KIND_WORDS, sender_name
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
from services.desk.components.partial_renderer import EverySecond, PartialRenderer
from services.desk.context import PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import ConversationView

PAGE = Page(
    path="/stores/{store_id}/conversations",
    title="Messages of customers",
    icon="forum",
    roles=roles_of(CrmApi.list_conversations),
    requirements=("R9", "R22"),
)

_View = Literal["mine", "waiting", "answered"]
_TITLES: Mapping[_View, str] = {
    "mine": "Mine and unassigned",
    "waiting": "All that wait",
    "answered": "Answered",
}


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show those of the agent and those of none first; all that wait, and those answered."""
    t = ctx.t
    chosen: _View = next((each for each in _TITLES if each == ctx.query.get("view")), "mine")
    with box("tabs"):
        for view, title in _TITLES.items():
            classes = "tab current" if view == chosen else "tab"
            test_id(f"tab-{view}", link(t(title), f"?view={view}", classes))

    async def fetch() -> list[ConversationView]:
        return await ctx.services.crm.list_conversations(
            ctx.store.id,
            view="answered" if chosen == "answered" else "waiting",
            agent_id=ctx.person.subject if chosen == "mine" else None,
        )

    def render(listed: list[ConversationView], renderer: PartialRenderer) -> None:
        if not listed:
            renderer.section("none", empty, t("No messages here."))
            return
        headings = [t("Customer"), t("Channel"), t("Latest message"), t("Waiting time"), t("Agent")]
        with renderer.frame("table", table, headings):
            for each in listed:
                shown = partial(_row, ctx, renderer.every_second)
                renderer.section(each.conversation_id, shown, each)

    await live(ctx, fetch, render)


def _row(ctx: PageContext, every_second: EverySecond, conversation: ConversationView) -> None:
    t = ctx.t
    with test_id("conversation", row()):
        with cell_box():
            address = f"{ctx.store_path}/conversations/{conversation.conversation_id}"
            link(sender_name(t, conversation), address, "text-link")
            if conversation.customer_ref is None:
                badge(t("Not a customer yet"), "warn")
        with cell_box():
            badge(t.code("channel", conversation.channel), "calm")
        with cell_box():
            if conversation.latest_kind in KIND_WORDS:
                text(t(KIND_WORDS[conversation.latest_kind]), "hint")
            else:
                text(conversation.latest or formats.NOTHING)
        with cell_box():
            _waiting(ctx, every_second, conversation)
        cell(ctx.colleague(conversation.agent_id))


def _waiting(ctx: PageContext, every_second: EverySecond, conversation: ConversationView) -> None:
    """Show how long the customer has waited, or how long the answer took."""
    since = conversation.waiting_since
    if since is None:
        if conversation.answer_s is not None:
            taken = formats.duration(ctx.t, conversation.answer_s)
            badge(ctx.t("Answered after {time}", time=taken), "good")
        return
    waited = test_id("waited", badge("", "warn"))

    def tell(now: datetime) -> None:
        waited.set_text(formats.duration(ctx.t, formats.seconds_since(since, now)))

    tell(ctx.now())
    every_second(tell)
