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
from services.desk.i18n import Words
from services.desk.page import Page
from services.desk.visit import Visit

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
}
_VIEWS = {
    "open": ("draft", "rejected", "submitted", "approved"),
    "closed": ("settled", "written_off"),
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

    async def fetch() -> Sequence[Claim]:
        found: Sequence[Claim] = await visit.shared(
            f"claims {chosen}",
            lambda: visit.services.get(
                "reception", f"{visit.store_path}/claims", status=list(_VIEWS[chosen])
            ),
        )
        return found

    def render(found: Sequence[Claim], drawing: Drawing) -> None:
        if not found:
            drawing.part("none", empty, visit.t("No claims here."))
            return
        with drawing.frame("table", _table, visit.t):
            for claim in found:
                drawing.part(claim["claim_id"], partial(_row, visit, catalogue), claim)

    await live(visit, fetch, render)


def deadline(visit: Visit, claim: Claim) -> None:
    """Until when the claim has to be submitted or answered, in the colour of its urgency."""
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


def _table(t: Words) -> AbstractContextManager[None]:
    amounts = (t("Claimed"), t("Approved"))
    return table(
        [t("Claim"), t("Status"), t("Awaits"), t("Deadline"), t("Missing"), *amounts], amounts
    )


def _row(visit: Visit, catalogue: Catalogue, claim: Claim) -> None:
    t = visit.t
    with mark("claim", row("row-link")):
        with cell_box():
            address = f"{visit.store_path}/claims/{claim['claim_id']}"
            link(claim_name(catalogue, claim), address, "row-anchor")
        with cell_box():
            badge(t.code("claim", claim["status"]), CLAIM_TONES[claim["status"]])
        cell(t.code("awaits", claim["awaits"]))
        with cell_box():
            deadline(visit, claim)
        missing = claim["missing"] if claim["awaits"] == "submission" else ()
        cell("、".join(t.code("evidence", name) for name in missing) or formats.NOTHING)
        cell(formats.money(claim["amount_cents"]), "figure")
        cell(formats.money(claim["approved_cents"] or None), "figure")
