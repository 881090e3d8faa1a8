"""What a promise rests on, in words."""

from collections.abc import Mapping
from typing import Any

from services.desk.reasons import sentence
from services.desk.visit import Visit


def rests_on_text(visit: Visit, quote: Mapping[str, Any]) -> str:
    """Why the promise is not earlier."""
    t, reason = visit.t, quote["rests_on"]
    if quote["provisional"]:
        return t("Provisional: the workshop is away, the time comes from its last known capacity.")
    return sentence(visit, "rests", reason["code"], reason, lambda job_id: job_id) if reason else ""
