"""Promises from the free time that the workshop published last (R11)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reception.domain.estimate import CatalogOperation
from services.reception.domain.provisional import provisional_promise
from shared.contracts.management import PromiseRules
from shared.contracts.workshop import FreeCapacity

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
DELIVERY_LEAD = timedelta(minutes=20)
SERVICE = CatalogOperation("MNT-001", "maintenance", 0.6)
CLUTCH = CatalogOperation("MEC-016", "mechanical", 1.0, technicians=2)


def free(skill_code: str, *minutes: int) -> list[FreeCapacity]:
    """Return half hours from NOW on; their ``promisable_at`` includes the delivery lead time."""
    return [
        FreeCapacity(
            skill_code=skill_code,
            starts_at=NOW + place * HALF_HOUR,
            free_minutes=each,
            promisable_at=NOW + (place + 1) * HALF_HOUR + DELIVERY_LEAD,
        )
        for place, each in enumerate(minutes)
    ]


@pytest.mark.parametrize(
    ("published", "operations", "half_hours"),
    [
        (free("maintenance", 30, 30, 30), [SERVICE], 2),
        (free("maintenance", 300, 300, 300), [SERVICE], 2),
        (free("maintenance", *[30] * 4), [SERVICE, SERVICE], 4),
        (free("mechanical", *[60] * 3), [CLUTCH], 2),
        (free("mechanical", *[30] * 5), [CLUTCH], 4),
    ],
    ids=["free", "more_technicians", "one_after_another", "team", "half_a_team"],
)
def test_provisional_promise_covers_work_and_delivery(
    published: list[FreeCapacity], operations: list[CatalogOperation], half_hours: int
) -> None:
    expected = NOW + half_hours * HALF_HOUR + DELIVERY_LEAD
    assert provisional_promise(published, operations, PromiseRules(), NOW) == expected


@given(st.integers(0, 10_080))
def test_work_beyond_published_capacity_is_delayed(delay: int) -> None:
    rules = PromiseRules(provisional_delay_minutes=delay)
    promised_at = provisional_promise(free("maintenance", 10), [SERVICE], rules, NOW)
    assert promised_at == NOW + timedelta(minutes=delay + 36)
