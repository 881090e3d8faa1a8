"""KPIs and event fields that only roles reading money and opinions may see."""

from collections.abc import Mapping
from typing import Any

from shared.contracts.reporting import DailyKpis

_MONEY_KPIS = frozenset(
    {
        "invoiced_cents",
        "labor_cents",
        "parts_cents",
        "received_cents",
        "refunded_cents",
        "credited_cents",
        "collection_rate",
        "collection_rate_by_age",
        "effective_labor_rate",
        "revenue_per_ro",
    }
)
_OPINION_KPIS = frozenset(
    {
        "feedback",
        "feedback_work_quality",
        "feedback_technical_skill",
        "feedback_service_attitude",
        "csi",
    }
)

CONFIDENTIAL_KPIS = _MONEY_KPIS | _OPINION_KPIS
"""KPIs of a day that tell money or opinions."""

EVENTS_OF_THE_WORK = frozenset(
    {
        "VehicleArrived",
        "CustomerGreeted",
        "AdvisorAssigned",
        "OrderOpened",
        "PromisedTimeRevised",
        "AdditionalWorkAuthorized",
        "AdditionalWorkDeclined",
        "WorkWithdrawn",
        "OrderCancelled",
        "VehicleDelivered",
    }
)
"""Events of reception that roles doing the work may read; they may read all of the workshop's."""

_MONEY_OF_EVENTS = frozenset({"on_account_approved_by"})
"""Fields of these events that contain money, besides amounts."""


def as_seen(kpis: DailyKpis, *, sees_money: bool) -> dict[str, Any]:
    """Return the KPIs without those that are confidential for roles doing the work."""
    hidden = () if sees_money else CONFIDENTIAL_KPIS
    return dict(kpis) | dict.fromkeys(hidden)


def without_money(value: Any) -> Any:
    """Return an event's data without amounts and other fields about money."""
    if isinstance(value, Mapping):
        return {
            name: without_money(each)
            for name, each in value.items()
            if not name.endswith("_cents") and name not in _MONEY_OF_EVENTS
        }
    return [without_money(each) for each in value] if isinstance(value, list) else value
