"""Warranty claims (索赔台账): what has to be submitted or answered, the most urgent first."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from services.desk import formats
from services.desk.catalogue import Catalogue
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
    text,
)
from services.desk.components.live import live
from services.desk.page import Page
from services.desk.pages.orders import number_of, numbers_of
from services.desk.visit import Names, Visit, Who

PAGE = Page(
    path="/stores/{store_id}/claims",
    title="Warranty claims",
    icon="verified_user",
    roles=frozenset({"advisor", "manager", "group_manager"}),
    duties=("R6", "R32"),
)

Claim = Mapping[str, Any]

CLAIM_TONES = {
    "draft": "calm",
    "submitted": "busy",
    "approved": "good",
    "rejected": "bad",
    "settled": "quiet",
    "written_off": "quiet",
    "withdrawn": "quiet",
}
_VIEWS = {
    "open": ("draft", "rejected", "submitted", "approved"),
    "closed": ("settled", "written_off", "withdrawn"),
}
_VIEW_TITLES = {"open": "Open", "closed": "Closed"}
_NEAR = timedelta(days=3)


@PAGE.shows
async def show(visit: Visit) -> None:
    """Open claims with their deadlines; closed ones under a tab of their own."""
    catalogue = await visit.catalogue()
    chosen = visit.query.get("view", "open")
    if chosen not in _VIEWS:
        chosen = "open"
    with box("tabs"):
        for view, title in _VIEW_TITLES.items():
            classes = "tab current" if view == chosen else "tab"
            mark(f"tab-{view}", link(visit.t(title), f"?view={view}", classes))

    async def fetch() -> tuple[Sequence[Claim], Names]:
        found: Sequence[Claim] = await visit.shared(
            f"claims {chosen}",
            lambda: visit.services.get(
                "reception", f"{visit.store_path}/claims", status=list(_VIEWS[chosen])
            ),
        )
        return found, await visit.names_if_any(found)

    def render(ledger: tuple[Sequence[Claim], Names], drawing: Drawing) -> None:
        found, names = ledger
        if not found:
            drawing.part("none", empty, visit.t("No claims here."))
            return
        numbers = numbers_of(visit, found)
        with drawing.frame("table", _table, visit):
            for claim in found:
                number = number_of(numbers, claim)
                row = partial(_row, visit, catalogue)
                drawing.part(claim["claim_id"], row, claim, number, names.of(claim))

    await live(visit, fetch, render)


def deadline(visit: Visit, claim: Claim) -> None:
    """Until when the claim has to be submitted or answered, in the color of its urgency."""
    if claim["awaits"] is None:
        text(formats.NOTHING)
        return
    due, now = datetime.fromisoformat(claim["due_at"]), visit.now()
    tone = "bad" if due < now else "warn" if due < now + _NEAR else "calm"
    badge(formats.day_and_clock(due, visit.store.timezone, now), tone)


def claim_name(catalogue: Catalogue, claim: Claim) -> str:
    """What is claimed: the first operation, or the first part."""
    lines = sorted(claim["lines"], key=lambda line: line["kind"] != "labor")
    return catalogue.line(lines[0]["kind"], lines[0]["code"])


def _table(visit: Visit) -> AbstractContextManager[None]:
    t = visit.t
    whose = [t("Order"), *([t("Plate"), t("Customer")] if visit.sees_persons else [])]
    state = [t("Status"), t("Awaits"), t("Deadline"), t("Missing")]
    amounts = (t("Claimed"), t("Approved"))
    return table([t("Claim"), *whose, *state, *amounts], amounts)


def _row(visit: Visit, catalogue: Catalogue, claim: Claim, number: str, who: Who) -> None:
    t = visit.t
    with mark("claim", row("row-link")):
        with cell_box():
            address = f"{visit.store_path}/claims/{claim['claim_id']}"
            link(claim_name(catalogue, claim), address, "row-anchor")
        with cell_box():
            link(number, f"{visit.store_path}/orders/{claim['order_id']}", "text-link number")
        if visit.sees_persons:
            cell(who.plate or formats.NOTHING, "plate-cell")
            cell(who.name or formats.NOTHING)
        with cell_box():
            badge(t.code("claim", claim["status"]), CLAIM_TONES[claim["status"]])
        cell(t.code("awaits", claim["awaits"]))
        with cell_box():
            deadline(visit, claim)
        missing = claim["missing"] if claim["awaits"] == "submission" else ()
        cell(t.listed(t.code("evidence", name) for name in missing) or formats.NOTHING)
        cell(formats.money(claim["amount_cents"]), "figure")
        cell(formats.money(claim["approved_cents"] or None), "figure")
