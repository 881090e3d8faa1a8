"""A warranty claim (索赔) in the ledger and on its own page."""

from collections.abc import Mapping
from datetime import timedelta

from services.desk import formats
from services.desk.catalog import Catalog
from services.desk.components.elements import badge, text
from services.desk.context import PageContext
from shared.clients.reception.models import ClaimEntry, ClaimStatus

CLAIM_TONES: Mapping[ClaimStatus, str] = {
    "draft": "calm",
    "submitted": "busy",
    "approved": "good",
    "rejected": "bad",
    "settled": "quiet",
    "written_off": "quiet",
    "withdrawn": "quiet",
}
_NEAR = timedelta(days=3)


def claim_deadline(ctx: PageContext, claim: ClaimEntry) -> None:
    """Show the deadline for submission or decision, in the color of its urgency."""
    if claim.pending_step is None:
        text(formats.NOTHING)
        return
    due, now = claim.due_at, ctx.now()
    tone = "bad" if due < now else "warn" if due < now + _NEAR else "calm"
    badge(formats.day_and_clock(due, ctx.store.timezone, now), tone)


def claim_name(catalog: Catalog, claim: ClaimEntry) -> str:
    """Return the claimed work: the first operation, or the first part."""
    lines = sorted(claim.lines, key=lambda line: line.kind != "labor")
    return catalog.line(lines[0].kind, lines[0].code)
