"""Price table (价目): the store's own prices and those of its price list, beside the catalog's."""

from collections.abc import Awaitable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

from nicegui import ui

from services.desk import formats
from services.desk.components.elements import (
    box,
    button,
    cell,
    cell_box,
    dialog,
    empty,
    facts,
    link,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.forms import Form, dialog_actions, submit
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import PageContext
from services.desk.formats import NOTHING
from services.desk.pages.master_data.contents import MODELS, Content
from services.desk.pages.master_data.decisions import Acceptance, day_field
from services.desk.pages.master_data.overview import (
    ON_ONE_PAGE,
    PRICES,
    asked_for,
    collection_tabs,
    next_page,
    pages,
    search_field,
)
from services.desk.pages.master_data.record import MasterRecord
from shared.clients.management.models import DefineRequest, RecordEntry, RecordResponse
from shared.contracts.management import SKILLS, LaborOperation, PartMaster, Price, StoreProfile

PAGE = PRICES

_PART, _RATE = "part_price", "labor_rate"
_ITEMS = {_PART: "part:", "operation_price": "operation:"}
"""Beginnings of the codes in the catalog, by the kinds of prices; labor rates are for skills."""

_NEVER_DEFINED = "0"


@dataclass(frozen=True)
class Item:
    """Item that has a price; ``listed`` is what holds where no price list names it."""

    code: str
    name: str
    listed: str
    cost_cents: int | None = None


@dataclass(frozen=True)
class Priced:
    """Items of one page, with their prices by record id; ``after`` names the last one where there
    are more.
    """

    items: Sequence[Item]
    prices: Mapping[str, RecordEntry]
    after: str = ""


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show the prices of parts, of operations or of labor, one row each."""
    kind = _kind(ctx)
    collection_tabs(ctx, "prices")
    _toolbar(ctx, kind)

    def render(priced: Priced, renderer: PartialRenderer) -> None:
        if not priced.items:
            renderer.section("none", empty, ctx.t("Nothing was found."))
            return
        costs = any(item.cost_cents is not None for item in priced.items)
        with renderer.frame("table", _head, ctx, kind, costs):
            for item in priced.items:
                entries = [priced.prices.get(_id(each)) for each in _records(ctx, kind, item.code)]
                renderer.section(item.code, partial(_row, ctx, kind), item, entries, costs)
        renderer.section("pages", partial(pages, ctx, PAGE.address(ctx.store.id)), priced.after)

    asked = f"prices {kind} {ctx.person.subject} {sorted(asked_for(ctx).items())}"
    await live(ctx, lambda: ctx.shared(asked, lambda: _priced(ctx, kind)), render)


def _kind(ctx: PageContext) -> str:
    asked = ctx.query.get("starting", "")
    return asked if asked in MODELS["prices"] else _PART


def _toolbar(ctx: PageContext, kind: str) -> None:
    """Offer the kinds of prices, to search, and the list of all prices."""
    t = ctx.t
    with box("toolbar"):
        if kind in _ITEMS:
            search_field(ctx, PAGE.address(ctx.store.id))
        with box("tabs switch"):
            for each in MODELS["prices"]:
                classes = "tab current" if each == kind else "tab"
                made = link(t.code("rule_kind", each), f"?starting={each}", classes)
                test_id(f"kind-{each}", made)
        box("spacer")
        everything = f"{ctx.store_path}/master-data/prices?starting={kind}:"
        test_id("all-prices", link(t("All prices"), everything, "text-link"))
    if ctx.store.price_list is None:
        text(t("No price list of the group holds in this store."), "hint")


async def _priced(ctx: PageContext, kind: str) -> Priced:
    management, store_id = ctx.services.management, ctx.store.id
    items, after = await _rates(ctx) if kind == _RATE else await _catalog_items(ctx, kind)
    ids = [_id(each) for item in items for each in _records(ctx, kind, item.code)]
    found = await management.list_prices(store_id, ids=ids) if ids else []
    return Priced(items, {entry.record_id: entry for entry in found}, after)


async def _rates(ctx: PageContext) -> tuple[list[Item], str]:
    view = await ctx.services.management.get_store(ctx.store.id)
    content = view.holds and view.holds.content
    rates = content.labor_rate_cents if isinstance(content, StoreProfile) else {}
    skills = [
        Item(each, ctx.t.code("skill_code", each), formats.money(rates.get(each)))
        for each in SKILLS
    ]
    return skills, ""


async def _catalog_items(ctx: PageContext, kind: str) -> tuple[list[Item], str]:
    asked = asked_for(ctx) | {"starting": _ITEMS[kind]}
    listed = await ctx.services.management.list_catalog_items(**asked, limit=ON_ONE_PAGE + 1)
    items = [
        _item(ctx, entry.code.removeprefix(_ITEMS[kind]), entry.content)
        for entry in listed[:ON_ONE_PAGE]
    ]
    return items, next_page(listed)


def _item(ctx: PageContext, code: str, content: Content | None) -> Item:
    t = ctx.t
    if isinstance(content, PartMaster):
        listed = formats.money(content.list_price_cents)
        return Item(code, t.of(content), listed, content.cost_cents)
    if isinstance(content, LaborOperation):
        hours = t("{hours} h", hours=format(content.standard_hours, "g"))
        return Item(code, t.of(content), hours)
    return Item(code, NOTHING, NOTHING)


def _records(ctx: PageContext, kind: str, item: str) -> list[MasterRecord]:
    """Return the records of the item's prices: the store's own, then that of its price list."""
    own = MasterRecord(ctx, "prices", kind, f"{kind}:{item}", own=True)
    price_list = ctx.store.price_list
    if price_list is None:
        return [own]
    return [own, MasterRecord(ctx, "prices", kind, f"{kind}:{price_list}:{item}", own=False)]


def _id(record: MasterRecord) -> str:
    return f"{record.code}.{record.ctx.store.id}" if record.own else record.code


def _headings(ctx: PageContext, kind: str, costs: bool) -> list[str]:
    t = ctx.t
    base = {_PART: t("List price"), _RATE: t("Labor rate of the store")}
    lists = [t("Own price")]
    if ctx.store.price_list:
        lists.append(t("Price list {code}", code=ctx.store.price_list))
    with_costs = [t("Cost")] if costs else []
    return [t("Code"), t("Designation"), *with_costs, base.get(kind, t("Standard hours")), *lists]


def _head(ctx: PageContext, kind: str, costs: bool) -> AbstractContextManager[None]:
    headings = _headings(ctx, kind, costs)
    return table(headings, headings[2:])


def _row(
    ctx: PageContext,
    kind: str,
    item: Item,
    entries: Sequence[RecordEntry | None],
    costs: bool,
) -> None:
    with test_id(f"priced-{item.code}", row()):
        cell(item.code)
        cell(item.name)
        if costs:
            cell(formats.money(item.cost_cents), "figure")
        cell(item.listed, "figure")
        for record, entry in zip(_records(ctx, kind, item.code), entries, strict=True):
            with cell_box("figure"):
                _price(ctx, record, item, entry)


def _price(ctx: PageContext, record: MasterRecord, item: Item, entry: RecordEntry | None) -> None:
    """Show the price of today with its days, and offer to set another one."""
    t, content = ctx.t, entry and entry.content
    if isinstance(content, Price):
        link(formats.money(content.price_cents), record.address, "text-link")
        text(t("from {day}", day=entry.current_from if entry else NOTHING), "hint")
    elif entry:
        link(NOTHING, record.address, "text-link")
    else:
        text(NOTHING)
    if entry and entry.next_from:
        text(t("changes on {day}", day=entry.next_from), "hint")
    if record.may_change:
        name = f"set-{'own' if record.own else 'list'}-{item.code}"
        button(t("Set price"), partial(_dialog, record, item, entry), name=name, kind="small")


def _dialog(record: MasterRecord, item: Item, entry: RecordEntry | None) -> None:
    """Ask for a price, the day from which it holds, and the reason."""
    ctx, t = record.ctx, record.ctx.t
    with dialog(f"{item.name} · {record.title()}") as opened:
        known = [(t("Cost"), formats.money(item.cost_cents))] if item.cost_cents is not None else []
        facts([*known, (t("Without a price list"), item.listed)])
        form = Form(ctx, entry.version if entry else _NEVER_DEFINED)
        price = ui.number(t("New price"), min=0, prefix="¥", format="%.2f")
        form.field("price_cents", price)
        day = day_field(form, ctx.today(), ctx.today().isoformat())
        reason = form.field("reason", ui.input(t("Reason")))

        acceptance = Acceptance(form)

        def content() -> dict[str, Any]:
            return {"kind": record.kind, "price_cents": formats.cents(price.value or 0)}

        def define() -> Awaitable[RecordResponse]:
            body = DefineRequest.model_validate(
                {
                    "version": form.version,
                    "valid_from": day.value,
                    "reason": reason.value,
                    "content": content(),
                    "accepts_warnings": acceptance.of(content()),
                }
            )
            return record.define(body, form.attempt)

        async def send() -> None:
            if not form.require("price_cents", "valid_from", "reason"):
                return
            if await submit(form, opened, define) is None:
                acceptance.warn(content())

        dialog_actions(form, opened, t("Set price"), send)
