"""What a promise rests on, in words."""

from collections.abc import Mapping
from typing import Any

from services.desk import formats
from services.desk.visit import Visit


def rests_on_text(visit: Visit, quote: Mapping[str, Any]) -> str:
    """Why the promise is not earlier."""
    t, reason = visit.t, quote["rests_on"]
    if quote["provisional"]:
        return t("Provisional: the workshop is away, the time comes from its last known capacity.")
    if not reason:
        return ""
    sentence = t.known(f"rests.{reason['code']}")
    return sentence.format_map(_Spoken(visit, reason)) if sentence else ""


class _Spoken(dict[str, str]):
    """The values of a reason in words; what the workshop did not say is left open."""

    def __init__(self, visit: Visit, reason: Mapping[str, Any]) -> None:
        t, zone = visit.t, visit.store.timezone
        super().__init__({name: str(value) for name, value in reason.items()})
        if at := reason.get("at"):
            self["at"] = formats.day_and_clock(at, zone, visit.now())
        if trade := reason.get("trade"):
            self["trade"] = t.code("trade", trade)
        if technician := reason.get("technician_id"):
            self["technician_id"] = visit.colleague(technician)

    def __missing__(self, name: str) -> str:
        return "—"
