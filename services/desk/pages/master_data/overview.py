"""Master data (主数据) of the group and of stores: what holds since when, and who changed it."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from urllib.parse import urlencode

from nicegui import ui

from services.desk.components.elements import (
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
from services.desk.components.forms import Form, choices, dialog_foot
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.formats import NOTHING
from services.desk.i18n import Translator
from services.desk.page import Page
from services.desk.pages.master_data.contents import (
    CODES_BEGIN_WITH_KIND,
    MODELS,
    CollectionName,
    name_of_record,
    summary_of,
)
from services.desk.pages.master_data.record import (
    COLLECTIONS,
    OF_GROUP,
    OF_STORE,
    address_of,
    address_of_entry,
    collection_of,
    day_and_time,
    owner_of,
)
from shared.clients.access import roles_of
from shared.clients.management.client import ManagementApi
from shared.clients.management.models import RecordEntry

REQUIREMENTS = ("R40",)

PAGE = Page(
    path="/stores/{store_id}/master-data/{collection}",
    title="Master data",
    roles=roles_of(ManagementApi.list_store_rules),
    requirements=REQUIREMENTS,
)
MENU_PAGE = Page(
    path="/stores/{store_id}/master-data",
    title="Master data",
    icon="rule",
    roles=PAGE.roles,
    requirements=REQUIREMENTS,
)
NEW_STORE = Page(
    path="/stores/{store_id}/new-store",
    title="Open a new store",
    roles=roles_of(ManagementApi.open_store),
    requirements=REQUIREMENTS,
)
SHEETS = Page(
    path="/stores/{store_id}/sheets",
    title="Import and export",
    roles=roles_of(ManagementApi.upload_group_sheet) | roles_of(ManagementApi.upload_store_sheet),
    requirements=REQUIREMENTS,
)

PRICES = Page(
    path="/stores/{store_id}/prices",
    title="Prices",
    roles=roles_of(ManagementApi.list_prices),
    requirements=REQUIREMENTS,
)

ON_ONE_PAGE = 50
"""Number of records on a page."""


@MENU_PAGE.shows
async def show_first(ctx: PageContext) -> None:
    """Show the rules, with which managers begin."""
    await _show(ctx, "rules")


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the records of the group and of the store, one row each."""
    collection = collection_of(ctx)
    if collection is None or not _may_list(ctx, collection):
        empty(ctx.t("There is no such record."))
        return
    await _show(ctx, collection)


async def _show(ctx: PageContext, collection: CollectionName) -> None:
    collection_tabs(ctx, collection)
    if collection != "rules":
        _toolbar(ctx, collection)

    def render(entries: Sequence[RecordEntry], renderer: PartialRenderer) -> None:
        if not entries:
            renderer.section("none", empty, ctx.t("Nothing was found."))
            return
        with renderer.frame("table", _table, ctx.t, collection):
            for entry in entries[:ON_ONE_PAGE] if collection != "rules" else entries:
                renderer.section(entry.record_id, partial(_row, ctx, collection), entry)
        if collection != "rules":
            renderer.section(
                "pages", partial(pages, ctx, _address(ctx, collection)), next_page(entries)
            )

    asked = urlencode(asked_for(ctx))
    kind = f"{collection} {ctx.person.subject} {asked}"
    await live(ctx, lambda: ctx.shared(kind, lambda: _listed(ctx, collection)), render)


def collection_tabs(ctx: PageContext, current: CollectionName) -> None:
    """Show the collections that the person may read; prices are shown as a table first."""
    with box("tabs"):
        for each in COLLECTIONS:
            if not _may_list(ctx, each):
                continue
            classes = "tab current" if each == current else "tab"
            address = PRICES.address(ctx.store.id) if each == "prices" else _address(ctx, each)
            test_id(f"collection-{each}", link(ctx.t.code("collection", each), address, classes))


def _may_list(ctx: PageContext, collection: CollectionName) -> bool:
    operations = OF_STORE.get(collection) or OF_GROUP[collection]
    return ctx.may(operations.listed)


async def _listed(ctx: PageContext, collection: CollectionName) -> list[RecordEntry]:
    management, store_id = ctx.services.management, ctx.store.id
    if collection == "rules":
        of_group, of_store, _ = await asyncio.gather(
            management.list_group_rules(), management.list_store_rules(store_id), ctx.stores()
        )
        by_id = {entry.record_id: entry for entry in (*of_group, *of_store)}
        return sorted(by_id.values(), key=lambda entry: (entry.for_store or "", entry.kind))
    await ctx.stores()
    asked = {**asked_for(ctx), "limit": ON_ONE_PAGE + 1}
    if collection in OF_STORE:
        return await OF_STORE[collection].listed(management, store_id, **asked)
    return await OF_GROUP[collection].listed(management, **asked)


def asked_for(ctx: PageContext) -> dict[str, str]:
    """Return what the address asks for: a text to search for, a kind, the page after a record."""
    return {
        name: ctx.query[name] for name in ("search", "starting", "after") if ctx.query.get(name)
    }


def _address(ctx: PageContext, collection: CollectionName, **asked: str) -> str:
    address = f"/stores/{ctx.store.id}/master-data/{collection}"
    return f"{address}?{urlencode(asked)}" if asked else address


def _toolbar(ctx: PageContext, collection: CollectionName) -> None:
    """Offer to search, to see one kind, and to define something new."""
    t, asked = ctx.t, asked_for(ctx)
    asked.pop("after", None)
    with box("toolbar"):
        search_field(ctx, _address(ctx, collection))
        if collection in CODES_BEGIN_WITH_KIND:
            _kinds(ctx, collection, asked)
        if collection == "staff":
            week = link(t("Week of the staff"), f"/stores/{ctx.store.id}/staff-week", "text-link")
            test_id("staff-week", week)
        box("spacer")
        _link_to(ctx, SHEETS, "sheets")
        if collection == "stores":
            _link_to(ctx, NEW_STORE, "new-store")
            return
        for own, operations in ((True, OF_STORE), (False, OF_GROUP)):
            if collection in operations and ctx.may(operations[collection].define):
                label = t("New in {owner}", owner=owner_of(ctx, ctx.store.id if own else None))
                name = f"new-{'own' if own else 'group'}"
                button(label, partial(_new_dialog, ctx, collection, own=own), name=name)


def search_field(ctx: PageContext, address: str) -> None:
    """Offer to search on the page with this address; what else it asks for stays."""
    t, asked = ctx.t, asked_for(ctx)
    asked.pop("after", None)
    search = ui.input(t("Code or name"), value=asked.get("search", ""))
    test_id("search", search.props("dense outlined clearable type=search"))

    def find() -> None:
        wanted = {**asked, "search": search.value or ""}
        ui.navigate.to(f"{address}?{urlencode({k: v for k, v in wanted.items() if v})}")

    search.on("keydown.enter", find)
    button(t("Find"), find, name="find")


def _link_to(ctx: PageContext, page: Page, name: str) -> None:
    """Offer another page to those who may open it."""
    if ctx.person.has(page.roles):
        test_id(name, link(ctx.t(page.title), page.address(ctx.store.id), "as-button"))


def _kinds(ctx: PageContext, collection: CollectionName, asked: Mapping[str, str]) -> None:
    t, chosen = ctx.t, asked.get("starting", "")
    offers = {"": t("All kinds")} | {
        f"{kind}:": t.code("rule_kind", kind) for kind in MODELS[collection]
    }

    def choose(starting: str) -> None:
        wanted = {**asked, "starting": starting}
        address = _address(ctx, collection, **{k: v for k, v in wanted.items() if v})
        ui.navigate.to(address)

    made = ui.select(
        offers,
        value=chosen if chosen in offers else "",
        on_change=lambda event: choose(event.value),
    )
    test_id("kind", made.props("dense outlined options-dense"))


def _new_dialog(ctx: PageContext, collection: CollectionName, *, own: bool) -> None:
    """Ask for the code of a new record, then open its form."""
    t = ctx.t
    with dialog(t("New")) as opened:
        form = Form(ctx)
        kind = None
        if collection in CODES_BEGIN_WITH_KIND:
            offers = choices(t, "rule_kind", MODELS[collection])
            kind = form.field("kind", ui.select(offers, label=t("Kind")))
        if collection == "costs":
            month = ui.input(t("Month")).props("type=month stack-label")
            code = form.field("code", month)
        else:
            code = form.field("code", ui.input(t("Code")))
        text(t("The code stays for ever and names nothing else."), "hint")

        def begin() -> None:
            if form.require(*(["kind"] if kind else []), "code"):
                named = f"{kind.value}:{code.value}" if kind else f"{code.value}"
                address = address_of(collection, ctx.store.id, named.strip(), own=own)
                ui.navigate.to(f"{address}/change")

        with dialog_foot(form):
            button(t("Cancel"), opened.close, name="dialog-cancel")
            button(t("Go on"), begin, name="dialog-send", kind="main")


def _table(t: Translator, collection: CollectionName) -> AbstractContextManager[None]:
    named = [t("Rules")] if collection == "rules" else [t("Code"), t("Designation"), t("In short")]
    times = [t("Holds since"), t("Next version")]
    return table([*named, t("Valid for"), *times, t("Last change"), t("Changed by"), t("Reason")])


def _row(ctx: PageContext, collection: CollectionName, entry: RecordEntry) -> None:
    t, own = ctx.t, entry.for_store is not None
    address = address_of_entry(ctx, collection, entry)
    content = entry.content or entry.next_content
    name = name_of_record(ctx, entry.kind, entry.code, content)
    with test_id(f"record-{entry.record_id}", row("row-link")):
        with cell_box():
            link(
                _title(ctx, entry, name) if collection == "rules" else entry.code,
                address,
                "row-anchor",
            )
        if collection != "rules":
            cell(name)
            cell(summary_of(ctx, entry.kind, content))
        cell(owner_of(ctx, entry.for_store, entry.content or entry.next_content))
        with cell_box("number"):
            if entry.current_from and (entry.content or collection == "rules"):
                text(f"{entry.current_from}")
            elif entry.current_from:
                text(t("ended on {day}", day=entry.current_from), "hint")
            else:
                text(t("As in the group") if own and collection == "rules" else NOTHING, "hint")
        cell(f"{entry.next_from or NOTHING}", "number")
        cell(day_and_time(ctx, entry.changed_at), "number")
        cell(ctx.colleague(entry.changed_by) if entry.changed_by else NOTHING)
        cell(entry.reason or NOTHING)


def _title(ctx: PageContext, entry: RecordEntry, name: str) -> str:
    """Return the name of rules, with their kind where there are several sets of it."""
    if entry.code == entry.kind:
        return name
    return f"{ctx.t.code('rule_kind', entry.kind)} · {name}"


def next_page(entries: Sequence[RecordEntry]) -> str:
    """Return the last record of this page where there are more."""
    return entries[ON_ONE_PAGE - 1].record_id if len(entries) > ON_ONE_PAGE else ""


def pages(ctx: PageContext, address: str, after: str) -> None:
    """Offer the first page, and the next one where there are more."""
    asked = asked_for(ctx)
    with box("toolbar"):
        if asked.pop("after", None):
            test_id("first-page", link(ctx.t("First page"), f"{address}?{urlencode(asked)}"))
        if after:
            following = urlencode({**asked, "after": after})
            test_id("next-page", link(ctx.t("Next page"), f"{address}?{following}"))
