"""Receivables (应收): debts of customers and manufacturer, by age."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial

from services.desk import formats
from services.desk.components.elements import (
    badge,
    box,
    cell,
    cell_box,
    empty,
    link,
    panel,
    row,
    table,
    test_id,
    text,
)
from services.desk.components.kpis import bars
from services.desk.components.live import live
from services.desk.components.partial_renderer import PartialRenderer
from services.desk.context import Names, PageContext, Who
from services.desk.i18n import Translator
from services.desk.page import Page
from shared.clients.access import roles_of
from shared.clients.reception.client import ReceptionApi
from shared.clients.reception.models import HeldMoney, Receivable

PAGE = Page(
    path="/stores/{store_id}/receivables",
    title="Receivables",
    icon="account_balance_wallet",
    roles=roles_of(ReceptionApi.list_receivables),
    requirements=("R8", "R32"),
)

Ledger = tuple[Sequence[Receivable], Sequence[HeldMoney], Names]

_CENTS = 100
_AGES = {"not_due": "calm", "overdue": "warn", "from_7": "warn", "from_15": "bad", "from_30": "bad"}
"""Ages of a receivable with their tones; the days are those of its reminders."""

_FIRST_DAYS = ((30, "from_30"), (15, "from_15"), (7, "from_7"), (1, "overdue"))


@PAGE.shows
async def show(ctx: PageContext) -> None:
    """Show sums by age as a chart, and each payer split that is unpaid, the oldest first."""

    async def fetch() -> Ledger:
        reception, store_id = ctx.services.reception, ctx.store.id
        found, held = await asyncio.gather(
            ctx.shared("receivables", lambda: reception.list_receivables(store_id)),
            ctx.shared("held money", lambda: reception.list_held_money(store_id)),
        )
        customers = [each.customer_ref for each in found] + [each.customer_ref for each in held]
        return found, held, await ctx.names_if_any(customers)

    def render(ledger: Ledger, renderer: PartialRenderer) -> None:
        found, held, names = ledger
        if held:
            with (
                renderer.frame("held", partial(panel, name="held-money"), ctx.t("Money held")),
                renderer.frame("held table", _held_table, ctx.t),
            ):
                for money in held:
                    who = names.of(money.customer_ref)
                    renderer.section(money.order_id, partial(_held_row, ctx), money, who)
        if not found:
            renderer.section("none", empty, ctx.t("Everything is paid."))
            return
        renderer.section("sums", partial(_sums, ctx.t), _by_age(found))
        with renderer.frame("table", _table, ctx.t):
            for each in found:
                key = f"{each.order_id} {each.payer}"
                renderer.section(key, partial(_row, ctx), each, names.of(each.customer_ref))

    await live(ctx, fetch, render)


def age_of(receivable: Receivable) -> str:
    """Return the age of an unpaid payer split, by the days of its reminders."""
    days = receivable.days_overdue
    return next((age for first, age in _FIRST_DAYS if days >= first), "not_due")


def _by_age(found: Sequence[Receivable]) -> dict[str, int]:
    """Return the owed amounts, in cents, by age."""
    sums = dict.fromkeys(_AGES, 0)
    for each in found:
        sums[age_of(each)] += each.balance_cents
    return sums


def _sums(t: Translator, sums: Mapping[str, int]) -> None:
    with box("tiles"):
        for name, cents in (
            (t("Total receivable"), sum(sums.values())),
            (t("Overdue"), sum(sums.values()) - sums["not_due"]),
        ):
            with box("tile"):
                text(name, "tile-name")
                text(formats.money(cents), "tile-value")
    with panel(t("By age")):
        yuan = [round(sums[age] / _CENTS) for age in _AGES]
        bars([t.code("age", age) for age in _AGES], {t("Balance"): yuan})


def _table(t: Translator) -> AbstractContextManager[None]:
    amounts = (t("Amount"), t("Received"), t("Balance"))
    headings = [t("Payer"), t("Customer"), t("Advisor"), t("Due"), t("Age"), *amounts]
    return table(headings, amounts)


def _held_table(t: Translator) -> AbstractContextManager[None]:
    amounts = (t("Amount"),)
    return table([t("Customer"), t("Advisor"), t("Purpose"), *amounts], amounts)


def _held_row(ctx: PageContext, held: HeldMoney, who: Who) -> None:
    """Show money of a customer that no invoice has used."""
    t = ctx.t
    with test_id("held-money-row", row("row-link")):
        with cell_box():
            address = f"{ctx.store_path}/orders/{held.order_id}"
            link(who.name or t("Order"), address, "row-anchor")
        cell(ctx.colleague(held.advisor_id))
        cell(
            t("To be refunded or carried over")
            if held.invoice_id
            else t("To be applied to the invoice")
        )
        cell(formats.money(held.deposit_cents), "figure")


def _row(ctx: PageContext, receivable: Receivable, who: Who) -> None:
    t, zone = ctx.t, ctx.store.timezone
    with test_id("receivable", row("row-link")):
        with cell_box():
            address = f"{ctx.store_path}/orders/{receivable.order_id}"
            link(t.code("payer", receivable.payer), address, "row-anchor")
        cell(who.name or formats.NOTHING)
        cell(ctx.colleague(receivable.advisor_id))
        cell(formats.day_and_clock(receivable.due_at, zone, ctx.now()), "number")
        with cell_box():
            age = age_of(receivable)
            badge(t.code("age", age), _AGES[age])
        for cents in (
            receivable.amount_cents,
            receivable.received_cents,
            receivable.balance_cents,
        ):
            cell(formats.money(cents), "figure")
