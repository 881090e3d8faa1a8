"""The limiting factor of a promise, as a sentence."""

from collections.abc import Mapping
from typing import Any

from services.desk.reasons import sentence
from services.desk.visit import Visit


def limiting_factor_text(visit: Visit, quote: Mapping[str, Any]) -> str:
    """Why the promise is not earlier."""
    t, reason = visit.t, quote["limiting_factor"]
    if quote["provisional"]:
        return t("Provisional: the workshop is away, the time comes from its last known capacity.")
    return (
        sentence(visit, "limiting_factor", reason["code"], reason, lambda job_id: job_id)
        if reason
        else ""
    )
