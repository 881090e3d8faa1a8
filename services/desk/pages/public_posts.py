"""Public voice (媒体公关): posts and articles about the store, with owner, answer and deadline."""

from collections.abc import Awaitable, Mapping
from datetime import date
from functools import partial
from typing import get_args

from nicegui import ui

from services.desk import formats
from services.desk.components.deadline import deadline
from services.desk.components.elements import (
    badge,
    box,
    button,
    cell,
    cell_box,
    dialog,
    empty,
    link,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form, choices, dialog_actions, submit
from services.desk.components.live import live
from services.desk.components.partial_renderer import EverySecond, PartialRenderer
from services.desk.context import Names, PageContext
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.crm.client import CrmApi
from shared.clients.crm.models import (
    AnswerPublicPostRequest,
    ComplaintView,
    LinkPublicPostRequest,
    LogPublicPostRequest,
    PublicPostDetail,
    PublicPostPage,
    PublicPostStatus,
    PublicPostView,
)
from shared.contracts.crm import PublicPlatform, PublicTone

PAGE = Page(
    path="/stores/{store_id}/public-posts",
    title="Public voice",
    icon="campaign",
    roles=roles_of(CrmApi.list_public_posts),
    requirements=("R44",),
)

_VIEWS: Mapping[str, tuple[PublicPostStatus, ...]] = {
    "open": ("open", "overdue"),
    "answered": ("answered",),
}
_TITLES = {"open": "Open", "answered": "Answered"}
_TONES: Mapping[PublicTone, str] = {"positive": "good", "neutral": "calm", "negative": "bad"}


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show open posts with their deadlines; answered ones under a tab of their own."""
    t, after = ctx.t, ctx.query.get("after")
    chosen = "answered" if ctx.query.get("view") == "answered" else "open"
    with box("tabs"):
        for view, title in _TITLES.items():
            classes = "tab current" if view == chosen else "tab"
            test_id(f"tab-{view}", link(t(title), f"?view={view}", classes))
        box("spacer")
        if ctx.may(ctx.services.crm.log_public_post):
            button(t("Log a post …"), partial(_log_dialog, ctx), name="log-post", kind="main")

    async def fetch() -> PublicPostPage:
        return await ctx.services.crm.list_public_posts(
            ctx.store.id, status=_VIEWS[chosen], after=after
        )

    def render(page: PublicPostPage, renderer: PartialRenderer) -> None:
        if not page.public_posts:
            renderer.section("none", empty, t("No posts here."))
            return
        headings = [t("Published"), t("Tone"), t("Content"), t("Owner"), t("Due"), ""]
        with renderer.frame("table", table, headings):
            for each in page.public_posts:
                shown = partial(_row, ctx, renderer.every_second)
                renderer.section(each.public_post_id, shown, each)
        if page.next_after:
            address = f"?view={chosen}&after={page.next_after}"
            renderer.section("more", link, t("Next page"), address, "text-link")

    await live(ctx, fetch, render)


def _row(ctx: PageContext, every_second: EverySecond, post: PublicPostDetail) -> None:
    t, crm = ctx.t, ctx.services.crm
    with test_id("public-post", row()):
        with cell_box():
            badge(t.code("platform", post.platform), "quiet")
            text(str(post.posted_on), "number")
        with cell_box():
            badge(t.code("tone", post.tone), _TONES[post.tone])
        with cell_box():
            text(post.summary or formats.NOTHING)
            if post.answer:
                text(post.answer, "hint")
        cell(ctx.colleague(post.owner_id))
        with cell_box():
            if post.answered_at is None:
                deadline(ctx, every_second, post.due_at)
            else:
                at = formats.day_and_clock(post.answered_at, ctx.store.timezone, ctx.now())
                badge(at, "good")
        with cell_box("cell-actions"):
            if post.answered_at is None and ctx.may(crm.answer_public_post):
                answer = partial(_answer_dialog, ctx, post)
                button(t("Reply"), answer, name="answer-post", kind="small")
            if post.complaint_id is None and ctx.may(crm.link_public_post):
                linking = partial(_link_dialog, ctx, post)
                button(t("Link …"), linking, name="link-post", kind="small")
            if post.link:
                link(t("Open the post"), post.link, "text-link").props("target=_blank rel=noopener")
            if post.complaint_id:
                address = f"{ctx.store_path}/complaints/{post.complaint_id}"
                link(t("Complaint"), address, "text-link")


def _log_dialog(ctx: PageContext) -> None:
    t = ctx.t
    with dialog(t("Log a post")) as opened:
        form = Form(ctx)
        platforms = choices(t, "platform", get_args(PublicPlatform))
        platform = form.field("platform", ui.select(platforms, label=t("Published on")))
        tones = choices(t, "tone", get_args(PublicTone))
        tone = form.field("tone", ui.select(tones, label=t("Tone"), value="negative"))
        day = form.field("posted_on", ui.input(t("Day"), value=str(ctx.today())))
        day.props("type=date stack-label")
        summary = form.field("summary", ui.textarea(t("Content")).props("autogrow"))
        address = form.field("link", ui.input(t("Link")))

        def command() -> Awaitable[PublicPostView]:
            request = LogPublicPostRequest(
                platform=platform.value,
                tone=tone.value,
                posted_on=date.fromisoformat(day.value or ""),
                summary=summary.value,
                link=(address.value or "").strip() or None,
            )
            return ctx.services.crm.log_public_post(
                ctx.store.id, request, idempotency_key=form.attempt
            )

        async def send() -> None:
            if form.require("platform", "posted_on", "summary"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


def _answer_dialog(ctx: PageContext, post: PublicPostDetail) -> None:
    t = ctx.t
    with dialog(t("Reply")) as opened:
        text(post.summary or formats.NOTHING, "hint")
        form = Form(ctx)
        words = form.field("words", ui.textarea(t("Reply")).props("autogrow"))

        def command() -> Awaitable[PublicPostView]:
            return ctx.services.crm.answer_public_post(
                ctx.store.id,
                post.public_post_id,
                AnswerPublicPostRequest(words=words.value),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if form.require("words"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)


async def _link_dialog(ctx: PageContext, post: PublicPostDetail) -> None:
    """Choose the complaint that the post comes from or has led to, among the unresolved ones."""
    t, crm = ctx.t, ctx.services.crm
    with dialog(t("Link to a complaint")) as opened:
        form = Form(ctx)
        chosen = form.field("complaint_id", ui.select({}, label=t("Complaint")))

        def command() -> Awaitable[PublicPostView]:
            return crm.link_public_post(
                ctx.store.id,
                post.public_post_id,
                LinkPublicPostRequest(complaint_id=chosen.value),
                idempotency_key=form.attempt,
            )

        async def send() -> None:
            if form.require("complaint_id"):
                await submit(form, opened, command)

        dialog_actions(form, opened, t("Save"), send)
    page = await form.send(
        lambda: crm.list_complaints(ctx.store.id, status=["open", "in_progress", "resolved"])
    )
    if page:
        names = await ctx.names(each.customer_ref for each in page.complaints)
        chosen.set_options({each.complaint_id: _name(ctx, each, names) for each in page.complaints})


def _name(ctx: PageContext, complaint: ComplaintView, names: Names) -> str:
    at = formats.day_and_clock(complaint.opened_at, ctx.store.timezone, ctx.now())
    severity = ctx.t.code("severity", complaint.severity)
    return f"{names.of(complaint.customer_ref).name or formats.NOTHING} · {severity} · {at}"
