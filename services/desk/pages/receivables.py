"""Receivables (应收): what customers and manufacturer still owe, by age."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.desk import formats
from services.desk.client import AwayError
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
from services.desk.components.live import EverySecond, live
from services.desk.page import Page
from services.desk.visit import Names, Visit

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
        try:
            return found, await visit.names(found)
        except AwayError:
            return found, Names()

    def render(ledger: Ledger, _: EverySecond) -> None:
        found, names = ledger
        if not found:
            empty(visit.t("Everything is paid."))
            return
        _sums(visit, found)
        _table(visit, found, names)

    await live(visit, fetch, render)


def age_of(receivable: Receivable) -> str:
    """How old an unpaid share is, by the days on which it is chased."""
    days = receivable["days_overdue"]
    return next((age for first, age in _FIRST_DAYS if days >= first), "not_due")


def _sums(visit: Visit, found: Sequence[Receivable]) -> None:
    t = visit.t
    sums = dict.fromkeys(_AGES, 0)
    for each in found:
        sums[age_of(each)] += each["balance_cents"]
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


def _table(visit: Visit, found: Sequence[Receivable], names: Names) -> None:
    t, zone = visit.t, visit.store.timezone
    amounts = (t("Amount"), t("Received"), t("Balance"))
    headings = [t("Payer"), t("Customer"), t("Advisor"), t("Due"), t("Age"), *amounts]
    with table(headings, amounts):
        for each in found:
            with mark("receivable", row("row-link")):
                with cell_box():
                    address = f"{visit.store_path}/orders/{each['order_id']}"
                    link(t.code("payer", each["payer"]), address, "row-anchor")
                cell(names.customers.get(each["customer_ref"] or "", formats.NOTHING))
                cell(visit.colleague(each["advisor_id"]))
                cell(formats.day_and_clock(each["due_at"], zone, visit.now()), "number")
                with cell_box():
                    age = age_of(each)
                    badge(t.code("age", age), _AGES[age])
                for name in ("amount_cents", "received_cents", "balance_cents"):
                    cell(formats.money(each[name]), "figure")
