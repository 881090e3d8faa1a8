"""Checklists, comebacks and the big screen, without any I/O (R13, R14)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workshop.domain import board
from services.workshop.domain.comeback import EarlierOrder, first_order, same_symptoms
from services.workshop.domain.inspection import ChecklistItem, ItemResult, failed_items
from services.workshop.domain.job import Job
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CHECKLIST = [ChecklistItem(item, item, item, critical=item == "b") for item in "abc"]
results = st.sampled_from(["ok", "failed", "not_applicable"])


def job(job_id: str, **changes: Any) -> Job:
    new = Job(job_id, "S01", job_id, 0, "MNT-001", 1.0, "planned", NOW + 60 * MINUTE, NOW)
    return replace(new, **changes)


@given(st.dictionaries(st.sampled_from("abcd"), results))
def test_incomplete_quality_inspection_is_rejected(answers: dict[str, ItemResult]) -> None:
    unknown, missing = set(answers) - set("abc"), set("abc") - set(answers)
    if unknown or missing or answers["b"] == "not_applicable":
        with pytest.raises(RuleViolation) as violation:
            failed_items(CHECKLIST, answers)
        rule = (
            "items_unknown" if unknown else "items_missing" if missing else "critical_items_apply"
        )
        assert (violation.value.rule, violation.value.field) == (rule, "items")
    else:
        failed = failed_items(CHECKLIST, answers)
        assert failed == tuple(item for item in "abc" if answers[item] == "failed")


def test_symptom_matches_under_another_condition() -> None:
    now = ("ENG-IDLE-HOT", "BRK-NOISE-LOW")
    assert same_symptoms(now, ("ENG-IDLE-COLD",)) == ("ENG-IDLE-HOT",)
    assert same_symptoms(now, ("ENG-LIGHT-ON", "BRK-PULL-LOW")) == ()


FIRST = EarlierOrder("first", NOW, ("ENG-IDLE-COLD", "BRK-PULL-LOW"))
SECOND = EarlierOrder(
    "second", NOW + timedelta(days=20), ("ENG-IDLE-HOT", "STR-HEAVY-ALWAYS"), FIRST.symptoms
)


@pytest.mark.parametrize(
    ("symptom", "earlier", "linked"),
    [
        ("ENG-IDLE-HOT", [SECOND, FIRST], "first"),
        ("ENG-IDLE-HOT", [SECOND], None),
        ("STR-HEAVY-COLD", [SECOND, FIRST], "second"),
        ("BRK-NOISE-LOW", [SECOND, FIRST], None),
    ],
)
def test_comeback_is_linked_to_first_order(
    symptom: str, earlier: list[EarlierOrder], linked: str | None
) -> None:
    found = first_order((symptom,), earlier)
    assert (found and found[0].order_id) == linked


def test_bay_shows_its_current_and_next_job() -> None:
    here = job("j1", status="paused", bay_id="b1")
    later = job("j2", bay_id="b1", planned_start_at=NOW + 9 * MINUTE)
    soon = job("j3", bay_id="b1", planned_start_at=NOW + 5 * MINUTE)
    states = board.bay_states([here, later, soon], ["b1", "b2"])
    assert (states["b1"].job, states["b1"].next_job) == (here, soon)
    assert states["b2"] == board.BayState(None, None)


def test_vehicle_without_wip_is_waiting() -> None:
    wip = job("j1", order_id="o1", status="in_progress")
    jobs = [
        wip,
        job("j2", order_id="o1", line_number=1),
        job("j3", order_id="o2", line_number=1),
        job("j4", order_id="o2"),
    ]
    assert [each.job_id for each in board.waiting(jobs)] == ["j4"]


@given(st.integers(-120, 40), st.integers(0, 240))
def test_light_shows_time_left_to_promise(left: int, close: int) -> None:
    light = "red" if left < 0 else "yellow" if left < close else "green"
    limit = timedelta(minutes=close)
    finish = NOW + timedelta(minutes=60 - 20 - left)
    planned = job("j1", planned_finish_at=finish)
    assert board.lights([planned], 20, limit, NOW) == {"j1": light}
    earlier = job("j0", order_id="j1", planned_finish_at=min(finish, NOW))
    assert board.lights([earlier, planned], 20, limit, NOW) == {"j1": light}
