"""Limiting factor of a promise, as a sentence."""

from collections.abc import Mapping
from typing import Any

from services.desk.context import PageContext
from services.desk.reasons import sentence


def limiting_factor_text(ctx: PageContext, quote: Mapping[str, Any]) -> str:
    """Return the reason why the promise is not earlier."""
    t, reason = ctx.t, quote["limiting_factor"]
    if quote["provisional"]:
        return t(
            "Provisional: the workshop is unavailable, the time comes from its last known capacity."
        )
    return (
        sentence(ctx, "limiting_factor", reason["code"], reason, lambda job_id: job_id)
        if reason
        else ""
    )
