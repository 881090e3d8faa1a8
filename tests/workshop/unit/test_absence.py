"""Absences of technicians (R12)."""

from datetime import UTC, datetime, timedelta

import pytest

from services.workshop.domain import absence as absences
from services.workshop.domain.absence import Absence
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
MORNING = Absence("a1", "t1", NOW, NOW + 4 * HOUR, "sick")


def test_overlapping_absence_is_rejected() -> None:
    noon = Absence("a2", "t1", NOW + 3 * HOUR, NOW + 5 * HOUR)
    with pytest.raises(RuleViolation) as caught:
        absences.record("S01", noon, [MORNING])
    assert (caught.value.rule, caught.value.values) == ("absence_overlaps", {"absence_id": "a1"})


def test_absence_of_another_technician_is_recorded() -> None:
    event = absences.record("S01", Absence("a2", "t2", NOW, NOW + HOUR), [MORNING])
    assert (event.technician_id, event.ends_at) == ("t2", NOW + HOUR)


def test_absence_is_withdrawn_once() -> None:
    withdrawn, event = absences.withdraw("S01", MORNING, NOW + HOUR)
    assert withdrawn.cancelled_at == event.cancelled_at == NOW + HOUR
    with pytest.raises(RuleViolation) as caught:
        absences.withdraw("S01", withdrawn, NOW + 2 * HOUR)
    assert caught.value.rule == "already_cancelled"
