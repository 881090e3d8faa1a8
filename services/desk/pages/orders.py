"""Orders by stage (工单): what is in work, ready, or still to be paid."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
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
    row,
    table,
)
from services.desk.components.live import live
from services.desk.page import Page
from services.desk.pages.reception import t_number
from services.desk.visit import Names, Visit, Who

DUTIES = ("R5", "R7", "R8")

PAGE = Page(
    path="/stores/{store_id}/orders",
    title="Orders",
    icon="receipt_long",
    roles=frozenset({"advisor", "manager", "dispatcher", "inspector", "agent"}),
    duties=DUTIES,
)

Numbers = Mapping[str, str]
"""Queue numbers (排队号) by order, as they are called out."""

STAGE_TONES = {
    "arrived": "warn",
    "greeted": "calm",
    "opened": "calm",
    "in_work": "busy",
    "ready": "good",
    "delivered": "warn",
    "settled": "quiet",
    "cancelled": "quiet",
}

_VIEWS = {
    "workshop": ("opened", "in_work"),
    "ready": ("ready",),
    "payment": ("delivered",),
    "settled": ("settled",),
    "cancelled": ("cancelled",),
}
_VIEW_TITLES = {
    "workshop": "In the workshop",
    "ready": "Ready for delivery",
    "payment": "To be paid",
    "settled": "Settled",
    "cancelled": "Cancelled",
}


@PAGE.shows
async def show(visit: Visit) -> None:
    """One tab a group of stages; the tab is part of the address."""
    chosen = visit.query.get("view", "workshop")
    if chosen not in _VIEWS:
        chosen = "workshop"
    with box("tabs"):
        for view, title in _VIEW_TITLES.items():
            classes = "tab current" if view == chosen else "tab"
            mark(f"tab-{view}", link(visit.t(title), f"?view={view}", classes))

    async def fetch() -> tuple[list[dict[str, Any]], Names]:
        orders = await orders_at(visit, *_VIEWS[chosen])
        return orders, await visit.names_if_any(orders)

    def render(found: tuple[list[dict[str, Any]], Names], drawing: Drawing) -> None:
        orders, names = found
        if not orders:
            drawing.part("none", empty, visit.t("No orders here."))
            return
        with drawing.frame("table", _table, visit):
            for order in orders:
                drawing.part(order["order_id"], partial(_row, visit), order, names.of(order))

    await live(visit, fetch, render)


async def orders_at(visit: Visit, *stages: str) -> list[dict[str, Any]]:
    """The store's orders at the given stages."""
    found: list[dict[str, Any]] = await visit.shared(
        f"orders {' '.join(stages)}",
        lambda: visit.services.get("reception", f"{visit.store_path}/orders", stage=list(stages)),
    )
    return found


def numbers_of(visit: Visit, orders: Iterable[Mapping[str, Any]]) -> Numbers:
    """Queue numbers, with the day in front of those of another day than today."""
    today = visit.today()
    numbers = {}
    for order in orders:
        day = visit.store.local_day(datetime.fromisoformat(order["arrived_at"]))
        number = t_number(order["queue_number"])
        numbers[order["order_id"]] = number if day == today else f"{day:%m-%d} {number}"
    return numbers


def number_of(numbers: Numbers, job: Mapping[str, Any]) -> str:
    """The queue number of the job's order."""
    return numbers.get(job["order_id"], "···")


def _table(visit: Visit) -> AbstractContextManager[None]:
    t = visit.t
    who = [t("Plate"), t("Customer")] if visit.sees_persons else []
    amounts = [t("Amount"), t("Balance")]
    times = [t("Stage"), t("Arrived"), t("Promised")]
    return table([t("No."), *who, *times, t("Advisor"), *amounts], amounts)


def _row(visit: Visit, order: Mapping[str, Any], who: Who) -> None:
    zone, now = visit.store.timezone, visit.now()
    with mark(f"order-{order['queue_number']}", row("row-link")):
        with cell_box():
            link(
                t_number(order["queue_number"]),
                f"{visit.store_path}/orders/{order['order_id']}",
                "row-anchor number",
            )
        if visit.sees_persons:
            cell(who.plate or formats.NOTHING, "plate-cell")
            cell(who.name or formats.NOTHING)
        with cell_box():
            badge(visit.t.code("stage", order["stage"]), STAGE_TONES[order["stage"]])
        cell(formats.day_and_clock(order["arrived_at"], zone, now), "number")
        cell(formats.day_and_clock(order["promised_at"], zone, now), "number")
        cell(visit.colleague(order["advisor_id"]))
        cell(formats.money(order["invoiced_cents"] or order["estimate_cents"]), "figure")
        balance = order["balance_cents"] if order["invoice_id"] else None
        cell(formats.money(balance), "figure")
