"""One rule set: the content of each of its versions, and the history of its changes."""

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
from services.desk.pages.rules.changes import change_entry
from services.desk.pages.rules.content import show_content
from services.desk.pages.rules.decisions import end_dialog, put_back_dialog, withdraw_dialog
from services.desk.pages.rules.overview import PAGE as OVERVIEW
from services.desk.pages.rules.rule_set import RuleSet, day_and_time, is_future, rule_set_of
from shared.clients.management.models import ChangeView, RecordView, VersionView

PAGE = Page(
    path="/stores/{store_id}/rules/{scope}/{kind}",
    title="Rules",
    roles=OVERVIEW.roles,
    requirements=OVERVIEW.requirements,
)

_HAS_CONTENT = frozenset({"defined", "put_back"})


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the versions or the history; the tab is part of the address."""
    rules = rule_set_of(ctx)
    if rules is None:
        empty(ctx.t("There are no such rules."))
        return
    text(rules.title, "subtitle")
    in_history = ctx.query.get("tab") == "history"
    with box("tabs"):
        for tab, title in (("content", ctx.t("Content")), ("history", ctx.t("Change history"))):
            current = in_history == (tab == "history")
            test_id(f"tab-{tab}", link(title, f"?tab={tab}", f"tab {'current' if current else ''}"))
    if in_history:
        await _history(rules)
    else:
        await _versions(rules, ctx.query.get("from", ""))


async def _versions(rules: RuleSet, chosen: str) -> None:
    """Show the version that begins on the ``chosen`` day, otherwise the one that holds today."""

    def render(view: RecordView, renderer: PartialRenderer) -> None:
        holds = view.holds.valid_from if view.holds else ""
        days = {version.valid_from: version for version in view.versions}
        shown = days.get(chosen) or days.get(holds) or next(iter(view.versions), None)
        if len(days) > 1:
            renderer.section(
                "versions", partial(_version_tabs, rules), view.versions, holds, shown, view.today
            )
        renderer.section("actions", partial(_actions, rules), view, shown)
        renderer.section("content", partial(_content, rules), view.today, holds, shown)

    ctx = rules.ctx
    await live(ctx, lambda: ctx.shared(f"rules of {rules.address}", rules.get), render)


def _version_tabs(
    rules: RuleSet,
    versions: Sequence[VersionView],
    holds: str,
    shown: VersionView | None,
    today: object,
) -> None:
    t = rules.ctx.t
    with test_id("versions", box("tabs switch")):
        for version in versions:
            day = version.valid_from
            label = t("from {day}", day=day)
            if day == holds:
                label = f"{label} · {t('holds today')}"
            elif day > str(today):
                label = f"{label} · {t('to come')}"
            classes = "tab current" if version == shown else "tab"
            made = link(label, f"?{urlencode({'from': day})}", classes)
            test_id(f"version-{day}", made)


def _actions(rules: RuleSet, view: RecordView, shown: VersionView | None) -> None:
    """Show the last change, and offer what the person may decide."""
    ctx, t = rules.ctx, rules.ctx.t
    with box("toolbar"):
        if view.changed_at:
            who, at = ctx.colleague(view.changed_by), day_and_time(ctx, view.changed_at)
            facts([(t("Last change"), f"{at} · {who}")])
        box("spacer")
        if rules.may_end and shown and shown.content and shown == view.holds:
            button(t("End own rules"), partial(end_dialog, rules, view), name="end-rules")
        if rules.may_change and shown and is_future(shown.valid_from, view.today):
            withdraw = partial(withdraw_dialog, rules, view, shown.valid_from)
            button(t("Withdraw version"), withdraw, name="withdraw-version")
        if rules.may_change:
            address = f"{rules.address}/change"
            if shown:
                address = f"{address}?{urlencode({'from': shown.valid_from})}"
            label = t("Change rules") if shown and shown.content else t("Define own rules")
            test_id("change-rules", link(label, address, "as-button button-main"))


def _content(rules: RuleSet, today: object, holds: str, shown: VersionView | None) -> None:
    t = rules.ctx.t
    if shown is None or shown.content is None:
        with panel():
            empty(
                t("The rules of the group hold here.") if rules.own else t("Nothing was defined.")
            )
        return
    with test_id("rule-content", box("rule-change")):
        with box("state-line"):
            day = shown.valid_from
            text(t("from {day}", day=day) if day else NOTHING, "event-name")
            if day == holds:
                badge(t("holds today"), "good")
            elif day > str(today):
                badge(t("to come"), "warn")
            else:
                badge(t("replaced"), "quiet")
        show_content(rules.ctx, shown.content)


async def _history(rules: RuleSet) -> None:
    ctx = rules.ctx

    async def fetch() -> tuple[RecordView, list[ChangeView]]:
        return (
            await ctx.shared(f"rules of {rules.address}", rules.get),
            await ctx.shared(f"changes of {rules.address}", rules.history),
        )

    def render(found: tuple[RecordView, list[ChangeView]], renderer: PartialRenderer) -> None:
        view, changes = found
        if not changes:
            renderer.section("none", empty, ctx.t("Nothing was defined."))
        for place, change in enumerate(changes):
            renderer.section(
                f"{change.revision}", partial(_change, rules), view, change, place == 0
            )

    await live(ctx, fetch, render)


def _change(rules: RuleSet, view: RecordView, change: ChangeView, newest: bool) -> None:
    def offer() -> None:
        if rules.may_change and change.action in _HAS_CONTENT and not newest:
            box("spacer")
            button(
                rules.ctx.t("Put back"),
                partial(put_back_dialog, rules, view, change),
                name=f"put-back-{change.revision}",
                kind="small",
            )

    change_entry(rules.ctx, change, offer)
