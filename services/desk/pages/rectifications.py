"""Rectifications (整改) of feedback and daily checks, and who puts them right."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from services.desk import formats
from services.desk.catalogue import Catalogue
from services.desk.components.drawing import Drawing
from services.desk.components.elements import badge, cell, cell_box, empty, link, mark, row, table
from services.desk.components.live import live
from services.desk.components.rectification import close_button, rectification_state
from services.desk.page import Page
from services.desk.visit import Visit

DUTIES = ("R10", "R43")

PAGE = Page(
    path="/stores/{store_id}/rectifications",
    title="Rectifications",
    icon="build_circle",
    roles=frozenset({"advisor", "dispatcher", "inspector", "agent", "manager"}),
    duties=DUTIES,
)

_STATES = ("open", "overdue", "closed")

Entry = Mapping[str, Any]


@PAGE.shows
async def show(visit: Visit) -> None:
    """A person's own first, each with its finding, deadline and result."""
    catalogue = await visit.catalogue()

    async def fetch() -> list[Entry]:
        found: list[Entry] = await visit.shared(
            "rectifications",
            lambda: visit.services.get(
                "reporting", f"{visit.store_path}/rectifications", state=list(_STATES)
            ),
        )
        return found

    def render(found: Sequence[Entry], drawing: Drawing) -> None:
        t = visit.t
        if not found:
            drawing.part("none", empty, t("Nothing is to be put right."))
            return
        headings = [t("Source"), t("What"), t("Owner"), t("Due"), t("Status"), t("Result"), ""]
        with drawing.frame("table", table, headings):
            for each in sorted(found, key=partial(_order, visit)):
                drawing.part(each["rectification_id"], partial(_row, visit, catalogue), each)

    await live(visit, fetch, render)


def _order(visit: Visit, rectification: Entry) -> tuple[bool, bool, str]:
    """Open before closed, own before others', the most urgent first."""
    is_others = rectification["owner_id"] != visit.person.subject
    return rectification["closed_at"] is not None, is_others, rectification["due_at"]


def _row(visit: Visit, catalogue: Catalogue, rectification: Entry) -> None:
    t, zone, now = visit.t, visit.store.timezone, visit.now()
    with mark("rectification", row()):
        with cell_box():
            badge(t.code("rectification_source", rectification["source"]), "quiet")
        cell(t.listed(_subjects(visit, catalogue, rectification)))
        cell(visit.colleague(rectification["owner_id"]))
        cell(formats.day_and_clock(rectification["due_at"], zone, now), "number")
        with cell_box():
            rectification_state(visit, rectification)
        cell(t.code("closing", rectification["result"]))
        with cell_box("cell-actions"):
            close_button(visit, rectification)
            if order_id := rectification["order_id"]:
                link(t("Order"), f"{visit.store_path}/orders/{order_id}", "text-link")


def _subjects(visit: Visit, catalogue: Catalogue, rectification: Entry) -> list[str]:
    """Bad marks of a feedback, or failed items of a check, in words."""
    if rectification["source"] == "feedback":
        return [visit.t.code("mark", subject) for subject in rectification["subjects"]]
    items = {
        item["item"]: visit.t.of(dict(item))
        for area in catalogue.check_areas.values()
        for item in area["items"]
    }
    return [items.get(subject, subject) for subject in rectification["subjects"]]
