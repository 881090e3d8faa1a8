"""What is found to be wrong gets an owner and a deadline (R10, R43)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.domain import rectification as rectifications
from services.reporting.domain.rectification import Finding, Rule
from shared.contracts.reception import DailyCheckRecorded, FeedbackGiven
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
marks = st.integers(1, 5)
RULES = [
    Rule("feedback", "quality", "inspector", 3),
    Rule("feedback", None, "manager", 2),
    Rule("daily_check", None, "manager", 1),
]


def feedback(quality, technique, attitude):
    return FeedbackGiven(
        store_id="S01",
        order_id="o-1",
        quality=quality,
        technique=technique,
        attitude=attitude,
        advisor_id="a-1",
        customer_ref=None,
        recorded_by="a-2",
        given_at=NOW,
    )


def opened(owners=("a", "b"), open_count_by_owner=None, days=2):
    finding = Finding("feedback", "o-1", "o-1", ("attitude",))
    return rectifications.open_action(
        finding,
        rectification_id="r-1",
        store_id="S01",
        owners=owners,
        open_count_by_owner=open_count_by_owner or {},
        days=days,
        now=NOW,
    )


@given(marks, marks, marks)
def test_every_mark_up_to_two_is_found_the_worst_first(quality, technique, attitude):
    found = rectifications.finding_from(feedback(quality, technique, attitude))
    by_name = {"quality": quality, "technique": technique, "attitude": attitude}
    subjects = found.subjects if found else ()
    assert set(subjects) == {name for name, mark in by_name.items() if mark <= 2}
    assert [by_name[name] for name in subjects] == sorted(by_name[name] for name in subjects)


@pytest.mark.parametrize("failed", [(), ("floor_clean", "desks_tidy")])
def test_a_check_is_found_wrong_by_its_failed_items(failed):
    check = DailyCheckRecorded(
        store_id="S01",
        check_id="k-1",
        area="hall",
        day="2026-03-04",
        items=("floor_clean", "desks_tidy"),
        failed=failed,
        photo_id=None,
        checked_by="a-1",
        checked_at=NOW,
    )
    found = rectifications.finding_from(check)
    assert (found.subjects if found else ()) == failed


def test_the_worst_subject_decides_whose_task_it_is():
    finding = Finding("feedback", "o-1", "o-1", ("quality", "attitude"))
    assert rectifications.rule_for(RULES, finding).role == "inspector"
    assert rectifications.rule_for(RULES, Finding("feedback", "o", "o", ("attitude",))).days == 2
    assert (
        rectifications.rule_for(RULES[:1], Finding("feedback", "o", "o", ("attitude",))).days == 3
    )


@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 9)))
def test_owner_with_fewest_open_actions_gets_it(open_count_by_owner):
    rectification, events = opened(("a", "b", "c"), open_count_by_owner)
    assert open_count_by_owner.get(rectification.owner_id, 0) == min(
        open_count_by_owner.get(each, 0) for each in "abc"
    )
    assert events[0].due_at == NOW + timedelta(days=2)


def test_it_becomes_overdue_once_and_not_after_it_was_closed():
    rectification, _ = opened()
    late, events = rectifications.overdue(rectification, NOW)
    assert len(events) == 1
    assert rectifications.overdue(late, NOW)[1] == []
    closed, _ = rectifications.close(rectification, "corrected", "a", may=False, now=NOW)
    assert rectifications.overdue(closed, NOW)[1] == []


def test_only_the_owner_or_a_manager_closes_it_and_once():
    rectification, _ = opened()
    with pytest.raises(RuleViolation, match="belongs to a"):
        rectifications.close(rectification, "corrected", "b", may=False, now=NOW)
    closed, events = rectifications.close(rectification, "unfounded", "b", may=True, now=NOW)
    assert (closed.closed_by, events[0].result) == ("b", "unfounded")
    with pytest.raises(RuleViolation, match="closed already"):
        rectifications.close(closed, "corrected", "a", may=True, now=NOW)
