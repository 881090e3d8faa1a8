"""Receivables (应收): what customers and manufacturer still owe, by age."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from services.desk import formats
from services.desk.components.drawing import Drawing
from services.desk.components.elements import (
    badge,
    box,
    cell,
    cell_box,
    empty,
    link,
    mark,
    panel,
    row,
    table,
    text,
)
from services.desk.components.figures import bars
from services.desk.components.live import live
from services.desk.i18n import Words
from services.desk.page import Page
from services.desk.visit import Names, Visit, Who

PAGE = Page(
    path="/stores/{store_id}/receivables",
    title="Receivables",
    icon="account_balance_wallet",
    roles=frozenset({"advisor", "manager", "group_manager"}),
    duties=("R8", "R32"),
)

Receivable = Mapping[str, Any]
Ledger = tuple[Sequence[Receivable], Names]

_CENTS = 100
_AGES = {"not_due": "calm", "overdue": "warn", "from_7": "warn", "from_15": "bad", "from_30": "bad"}
"""Ages of a receivable with their tones; the days are those on which it is chased."""

_FIRST_DAYS = ((30, "from_30"), (15, "from_15"), (7, "from_7"), (1, "overdue"))


@PAGE.shows
async def show(visit: Visit) -> None:
    """Sums by age as a chart, and each share that is unpaid, the oldest first."""

    async def fetch() -> Ledger:
        found: Sequence[Receivable] = await visit.shared(
            "receivables",
            lambda: visit.services.get("reception", f"{visit.store_path}/receivables"),
        )
        return found, await visit.names_if_any(found)

    def render(ledger: Ledger, drawing: Drawing) -> None:
        found, names = ledger
        if not found:
            drawing.part("none", empty, visit.t("Everything is paid."))
            return
        drawing.part("sums", partial(_sums, visit.t), _by_age(found))
        with drawing.frame("table", _table, visit.t):
            for each in found:
                key = f"{each['order_id']} {each['payer']}"
                drawing.part(key, partial(_row, visit), each, names.of(each))

    await live(visit, fetch, render)


def age_of(receivable: Receivable) -> str:
    """How old an unpaid share is, by the days on which it is chased."""
    days = receivable["days_overdue"]
    return next((age for first, age in _FIRST_DAYS if days >= first), "not_due")


def _by_age(found: Sequence[Receivable]) -> dict[str, int]:
    """What is owed, in cents, by age."""
    sums = dict.fromkeys(_AGES, 0)
    for each in found:
        sums[age_of(each)] += each["balance_cents"]
    return sums


def _sums(t: Words, sums: Mapping[str, int]) -> None:
    with box("tiles"):
        for name, cents in (
            (t("Owed altogether"), sum(sums.values())),
            (t("Of it overdue"), sum(sums.values()) - sums["not_due"]),
        ):
            with box("tile"):
                text(name, "tile-name")
                text(formats.money(cents), "tile-value")
    with panel(t("By age")):
        yuan = [round(sums[age] / _CENTS) for age in _AGES]
        bars([t.code("age", age) for age in _AGES], {t("Balance"): yuan})


def _table(t: Words) -> AbstractContextManager[None]:
    amounts = (t("Amount"), t("Received"), t("Balance"))
    headings = [t("Payer"), t("Customer"), t("Advisor"), t("Due"), t("Age"), *amounts]
    return table(headings, amounts)


def _row(visit: Visit, receivable: Receivable, who: Who) -> None:
    t, zone = visit.t, visit.store.timezone
    with mark("receivable", row("row-link")):
        with cell_box():
            address = f"{visit.store_path}/orders/{receivable['order_id']}"
            link(t.code("payer", receivable["payer"]), address, "row-anchor")
        cell(who.name or formats.NOTHING)
        cell(visit.colleague(receivable["advisor_id"]))
        cell(formats.day_and_clock(receivable["due_at"], zone, visit.now()), "number")
        with cell_box():
            age = age_of(receivable)
            badge(t.code("age", age), _AGES[age])
        for name in ("amount_cents", "received_cents", "balance_cents"):
            cell(formats.money(receivable[name]), "figure")
