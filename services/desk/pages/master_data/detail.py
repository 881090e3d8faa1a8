"""One record: the content of each of its versions, and the history of its changes."""

from collections.abc import Sequence
from functools import partial
from urllib.parse import urlencode

from services.desk.components.elements import (
    badge,
    box,
    button,
    empty,
    facts,
    link,
    panel,
    test_id,
    text,
)
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.formats import NOTHING
from services.desk.page import Page
from services.desk.pages.master_data.changes import change_entry
from services.desk.pages.master_data.content import show_content
from services.desk.pages.master_data.contents import POST
from services.desk.pages.master_data.decisions import end_dialog, put_back_dialog, withdraw_dialog
from services.desk.pages.master_data.form import words_of
from services.desk.pages.master_data.outstanding import show_outstanding
from services.desk.pages.master_data.overview import PAGE as OVERVIEW
from services.desk.pages.master_data.record import (
    MasterRecord,
    address_of,
    day_and_time,
    is_future,
    record_of,
)
from shared.clients.management.models import ChangeView, Person, RecordView, VersionView
from shared.contracts.management import PostDescription

PAGE = Page(
    path=f"{OVERVIEW.path}/{{scope}}/{{code:path}}",
    title="Master data",
    roles=OVERVIEW.roles,
    requirements=OVERVIEW.requirements,
)

_HAS_CONTENT = frozenset({"defined", "put_back"})


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the versions or the history; the tab is part of the address."""
    record = record_of(ctx)
    if record is None:
        empty(ctx.t("There is no such record."))
        return
    view = await _view(record)
    await ctx.stores()
    ctx.words.update(await words_of(record, view))
    text(record.title(view), "subtitle")
    if record.collection == "stores" and record.code != ctx.store.id:
        there = link(ctx.t("Go to this store"), f"/stores/{record.code}/today", "text-link")
        test_id("to-store", there)
    in_history = ctx.query.get("tab") == "history"
    with box("tabs"):
        for tab, title in (("content", ctx.t("Content")), ("history", ctx.t("Change history"))):
            current = in_history == (tab == "history")
            test_id(f"tab-{tab}", link(title, f"?tab={tab}", f"tab {'current' if current else ''}"))
    if in_history:
        await _history(record)
    else:
        await _versions(record, ctx.query.get("from", ""))
        if view.holds and isinstance(view.holds.content, Person):
            await _post_descriptions(ctx, view.holds.content)


async def _post_descriptions(ctx: PageContext, person: Person) -> None:
    """Show the descriptions of a person's posts: the store's own, else the group's."""
    t, store_id = ctx.t, ctx.store.id
    listed = await ctx.services.management.list_store_rules(store_id, starting=f"{POST}:")
    found = {each.record_id: each for each in listed if each.content}
    for role in dict.fromkeys(post.role for post in person.posts):
        code = f"{POST}:{role}"
        entry = found.get(f"{code}.{store_id}") or found.get(code)
        title = t("Post description: {role}", role=t.code("role", role))
        with panel(title, name=f"post-description-{role}"):
            if entry and isinstance(entry.content, PostDescription):
                show_content(ctx, entry.content, NOTHING)
            else:
                empty(t("Nothing was defined."))
            own = bool(entry and entry.for_store)
            link(
                t("Versions and history"), address_of("rules", store_id, code, own=own), "text-link"
            )


async def _view(record: MasterRecord) -> RecordView:
    return await record.ctx.shared(f"record {record.address}", record.get)


async def _versions(record: MasterRecord, chosen: str) -> None:
    """Show the version that begins on the ``chosen`` day, otherwise the one that holds today."""

    def render(view: RecordView, renderer: PartialRenderer) -> None:
        holds = view.holds.valid_from if view.holds else ""
        days = {version.valid_from: version for version in view.versions}
        shown = days.get(chosen) or days.get(holds) or next(iter(view.versions), None)
        if len(days) > 1:
            renderer.section(
                "versions", partial(_version_tabs, record), view.versions, holds, shown, view.today
            )
        renderer.section("actions", partial(_actions, record), view, shown)
        after = [each for each in view.versions if shown and each.valid_from > shown.valid_from]
        ends = after[0].valid_from if after and after[0].content is None else ""
        content = partial(_content, record)
        renderer.section("content", content, view.today, holds, shown, ends)

    await live(record.ctx, lambda: _view(record), render)
    await show_outstanding(record, lambda: _view(record))


def _version_tabs(
    record: MasterRecord,
    versions: Sequence[VersionView],
    holds: str,
    shown: VersionView | None,
    today: object,
) -> None:
    t = record.ctx.t
    with test_id("versions", box("tabs switch")):
        for version in versions:
            day = version.valid_from
            begins = version.content is not None
            label = t("from {day}", day=day) if begins else t("ends from {day}", day=day)
            if day == holds and begins:
                label = f"{label} · {t('holds today')}"
            elif day > str(today):
                label = f"{label} · {t('to come')}"
            classes = "tab current" if version == shown else "tab"
            made = link(label, f"?{urlencode({'from': day})}", classes)
            test_id(f"version-{day}", made)


def _actions(record: MasterRecord, view: RecordView, shown: VersionView | None) -> None:
    """Show the last change, and offer what the person may decide."""
    ctx, t = record.ctx, record.ctx.t
    with box("toolbar"):
        if view.changed_at:
            who, at = ctx.colleague(view.changed_by), day_and_time(ctx, view.changed_at)
            facts([(t("Last change"), f"{at} · {who}")])
        box("spacer")
        if record.may_end and shown and shown.content and shown == view.holds:
            label = t("End own rules") if record.is_rules else t("End")
            button(label, partial(end_dialog, record, view), name="end-record")
        if record.may_change and shown and is_future(shown.valid_from, view.today):
            withdraw = partial(withdraw_dialog, record, view, shown.valid_from)
            button(t("Withdraw version"), withdraw, name="withdraw-version")
        if record.may_change:
            address = f"{record.address}/change"
            if shown:
                address = f"{address}?{urlencode({'from': shown.valid_from})}"
            label = t("Define own rules") if record.is_rules else t("Define")
            if shown and shown.content:
                label = t("Change rules") if record.is_rules else t("Change")
            test_id("change-record", link(label, address, "as-button button-main"))


def _content(
    record: MasterRecord,
    today: object,
    holds: str,
    shown: VersionView | None,
    ends: str,
) -> None:
    """Show the content of a version, and the day from which the record ends after it."""
    t = record.ctx.t
    if shown is None or shown.content is None:
        with panel():
            if shown:
                text(t("ends from {day}", day=shown.valid_from), "event-name")
            of_group = record.is_rules and record.own
            empty(t("The rules of the group hold here.") if of_group else t("Nothing holds."))
        return
    with test_id("record-content", box("record-change")):
        with box("state-line"):
            day = shown.valid_from
            text(t("from {day}", day=day) if day else NOTHING, "event-name")
            if day == holds:
                badge(t("holds today"), "good")
            elif day > str(today):
                badge(t("to come"), "warn")
            else:
                badge(t("replaced"), "quiet")
            if ends:
                badge(t("ends from {day}", day=ends), "warn")
        absent = t("As in the group") if record.is_rules and record.own else NOTHING
        show_content(record.ctx, shown.content, absent)


async def _history(record: MasterRecord) -> None:
    ctx = record.ctx

    async def fetch() -> tuple[RecordView, list[ChangeView]]:
        return (
            await ctx.shared(f"record {record.address}", record.get),
            await ctx.shared(f"changes of {record.address}", record.history),
        )

    def render(found: tuple[RecordView, list[ChangeView]], renderer: PartialRenderer) -> None:
        view, changes = found
        if not changes:
            renderer.section("none", empty, ctx.t("Nothing was defined."))
        for place, change in enumerate(changes):
            renderer.section(
                f"{change.revision}", partial(_change, record), view, change, place == 0
            )

    await live(ctx, fetch, render)


def _change(record: MasterRecord, view: RecordView, change: ChangeView, newest: bool) -> None:
    def offer() -> None:
        if record.may_change and change.action in _HAS_CONTENT and not newest:
            box("spacer")
            button(
                record.ctx.t("Put back"),
                partial(put_back_dialog, record, view, change),
                name=f"put-back-{change.revision}",
                kind="small",
            )

    change_entry(record.ctx, change, offer)
