"""Completeness of customer records (档案完整度): gaps, old records, and the responsible roles."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Gap = Literal["telephone", "second_contact", "preferences", "vehicle", "plate", "stale"]
"""缺电话、缺第二联系方式、未问联系偏好、缺车辆、车辆缺车牌、久未核对."""

Custodian = Literal["customer_care_agent", "service_advisor"]
"""Role that keeps a class of records complete (档案责任人): 客服专员, 服务顾问."""

POINTS: Mapping[Gap, int] = {
    "telephone": 30,
    "vehicle": 20,
    "plate": 15,
    "second_contact": 15,
    "preferences": 10,
    "stale": 10,
}
"""Points of 100 that a record loses for each gap."""

CUSTODIANS: Mapping[Gap, Custodian] = {
    "telephone": "service_advisor",
    "vehicle": "service_advisor",
    "plate": "service_advisor",
    "second_contact": "customer_care_agent",
    "preferences": "customer_care_agent",
    "stale": "customer_care_agent",
}
"""Contact points, vehicles and plates are taken down at the counter; the rest on the telephone."""

STALE_AFTER = timedelta(days=730)
"""Time after which a record that was not updated is old."""


@dataclass(frozen=True)
class RecordState:
    """What there is of a customer's record, without what it says."""

    customer_ref: str
    has_phone: bool
    has_second_contact: bool
    has_preferences: bool
    has_vehicle: bool
    has_plates: bool
    checked_at: datetime


def gaps(state: RecordState, now: datetime) -> list[Gap]:
    """Return what a record lacks, what matters most first."""
    lacking: Mapping[Gap, bool] = {
        "telephone": not state.has_phone,
        "second_contact": not state.has_second_contact,
        "preferences": not state.has_preferences,
        "vehicle": not state.has_vehicle,
        "plate": state.has_vehicle and not state.has_plates,
        "stale": state.checked_at + STALE_AFTER < now,
    }
    return [gap for gap in POINTS if lacking[gap]]


def score(found: Collection[Gap]) -> int:
    """Return how complete a record with these gaps is, 0 to 100."""
    return 100 - sum(POINTS[gap] for gap in found)
