"""Absences of technicians (R12)."""

from datetime import UTC, datetime, timedelta

import pytest

from services.workshop.domain import absence as absences
from services.workshop.domain.absence import Absence
from services.workshop.domain.job import Assignment
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


def test_absence_is_cancelled_once() -> None:
    cancelled, event = absences.cancel("S01", MORNING, NOW + HOUR)
    assert cancelled.cancelled_at == event.cancelled_at == NOW + HOUR
    with pytest.raises(RuleViolation) as caught:
        absences.cancel("S01", cancelled, NOW + 2 * HOUR)
    assert caught.value.rule == "already_cancelled"


@pytest.mark.parametrize(
    ("technician_id", "begin", "end", "cut"),
    [
        ("t1", -2, 0, False),
        ("t1", -2, 1, True),
        ("t1", 1, 2, True),
        ("t1", 3, 6, True),
        ("t1", 4, 6, False),
        ("t1", -1, 5, False),
        ("t2", 1, 2, False),
    ],
)
def test_absence_cuts_work_at_its_ends(technician_id: str, begin: int, end: int, cut: bool) -> None:
    slot = Assignment((technician_id, "t3"), "b1", NOW + begin * HOUR, NOW + end * HOUR)
    assert MORNING.cuts(slot) is cut
