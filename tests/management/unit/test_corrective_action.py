"""Findings and their corrective actions: each gets an owner and a deadline (R10, R14, R21, R43)."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.management.domain import corrective_action as corrective_actions
from services.management.domain.corrective_action import CorrectiveAction, Finding
from services.management.domain.record import Version
from shared.contracts.crm import ComplaintCauseRepeated, FollowUpCompleted
from shared.contracts.management import (
    CorrectiveActionOpened,
    CorrectiveActionRule,
    CorrectiveActionSource,
)
from shared.contracts.reception import FacilityCheckCompleted, FeedbackSubmitted
from shared.contracts.violations import RuleViolation
from shared.contracts.workshop import ComebackLinked, QualityInspectionFailed
from tests.support.rules import feedback_rules, loyalty_rules

NOW = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
ratings = st.integers(1, 5)


def rule(source: str, finding: str | None, role: str, days: int) -> CorrectiveActionRule:
    return CorrectiveActionRule(source=source, finding=finding, role=role, days=days)


RULES = [
    rule("feedback", "work_quality", "quality_inspector", 3),
    rule("feedback", None, "service_manager", 2),
    rule("facility_check", None, "service_manager", 1),
]


def feedback(work_quality: int, technical_skill: int, service_attitude: int) -> FeedbackSubmitted:
    return FeedbackSubmitted(
        store_id="S01",
        order_id="o-1",
        work_quality=work_quality,
        technical_skill=technical_skill,
        service_attitude=service_attitude,
        advisor_id="a-1",
        customer_ref=None,
        recorded_by="a-2",
        submitted_at=NOW,
    )


def opened(
    owners: tuple[str, ...] = ("a", "b"),
    open_count_by_owner: dict[str, int] | None = None,
    days: int = 2,
) -> tuple[CorrectiveAction, list[CorrectiveActionOpened]]:
    return corrective_actions.open_action(
        found("service_attitude"),
        corrective_action_id="r-1",
        store_id="S01",
        owner_id=corrective_actions.least_loaded(owners, open_count_by_owner or {}),
        days=days,
        now=NOW,
    )


@given(ratings, ratings, ratings, st.integers(2, 5))
def test_low_ratings_are_findings_with_lowest_first(
    work_quality: int, technical_skill: int, service_attitude: int, lowest: int
) -> None:
    finding = corrective_actions.finding_from(
        feedback(work_quality, technical_skill, service_attitude), "e-1", lowest
    )
    by_name = {
        "work_quality": work_quality,
        "technical_skill": technical_skill,
        "service_attitude": service_attitude,
    }
    findings = finding.findings if finding else ()
    assert set(findings) == {name for name, rating in by_name.items() if rating < lowest}
    assert [by_name[name] for name in findings] == sorted(by_name[name] for name in findings)


@pytest.mark.parametrize("failed", [(), ("floor_clean", "desks_tidy")])
def test_failed_check_items_are_findings(failed: tuple[str, ...]) -> None:
    check = FacilityCheckCompleted(
        store_id="S01",
        check_id="k-1",
        area="customer_lounge",
        day="2026-03-04",
        items=("floor_clean", "desks_tidy"),
        failed=failed,
        photo_id=None,
        checked_by="a-1",
        checked_at=NOW,
    )
    finding = corrective_actions.finding_from(check, "e-1", 3)
    assert (finding.findings if finding else ()) == failed


def found(*findings: str, source: CorrectiveActionSource = "feedback") -> Finding:
    return Finding(source, "o-1", "e-1", "o-1", findings, "a-2")


def rule_of(
    own: Sequence[CorrectiveActionRule], group: Sequence[CorrectiveActionRule], finding: Finding
) -> CorrectiveActionRule:
    rule = corrective_actions.rule_for(own, group, finding)
    assert rule is not None
    return rule


def test_worst_finding_decides_corrective_action_owner() -> None:
    finding = found("work_quality", "service_attitude")
    assert rule_of([], RULES, finding).role == "quality_inspector"
    assert rule_of([], RULES, found("service_attitude")).days == 2
    assert rule_of([], RULES[:1], found("service_attitude")).days == 3


def test_own_rules_come_before_the_groups() -> None:
    own = [rule("feedback", "technical_skill", "dispatcher", 5)]
    assert rule_of(own, RULES, found("technical_skill")).days == 5
    assert rule_of(own, RULES, found("work_quality")).days == 3
    assert rule_of(own, RULES, found("floor_clean", source="facility_check")).days == 1
    general = [*own, rule("feedback", None, "dispatcher", 7)]
    assert rule_of(general, RULES, found("work_quality")).days == 7


def test_source_without_rule_has_no_owner() -> None:
    check = found("floor_clean", source="facility_check")
    assert corrective_actions.rule_for([], RULES[:2], check) is None
    assert corrective_actions.rule_for([], [], found("work_quality")) is None


def test_rules_hold_from_their_day_until_next_version() -> None:
    first, last = feedback_rules("dispatcher", 1), feedback_rules("dispatcher", 2)
    versions = [
        Version(valid_from=date(2026, 3, 4), content=first),
        Version(valid_from=date(2026, 3, 6), content=last),
        Version(valid_from=date(2026, 3, 8), content=None),
        Version(valid_from=date(2026, 3, 9), content=loyalty_rules()),
    ]
    held = {
        day: corrective_actions.rules_on(versions, date(2026, 3, day)) for day in (3, 4, 5, 6, 8, 9)
    }
    assert held == {3: (), 4: first.rules, 5: first.rules, 6: last.rules, 8: (), 9: ()}


@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 9)))
def test_owner_with_fewest_open_actions_is_chosen(open_count_by_owner: dict[str, int]) -> None:
    corrective_action, events = opened(("a", "b", "c"), open_count_by_owner)
    assert open_count_by_owner.get(corrective_action.owner_id, 0) == min(
        open_count_by_owner.get(each, 0) for each in "abc"
    )
    assert events[0].due_at == NOW + timedelta(days=2)


def answered(corrective_action: CorrectiveAction) -> CorrectiveAction:
    return corrective_actions.answer(corrective_action, "a", "0", may=False, now=NOW)[0]


def closed() -> CorrectiveAction:
    """Return one that its owner has closed."""
    corrective_action, _ = opened()
    return corrective_actions.close(
        answered(corrective_action), "corrected", "a", "0", may=False, now=NOW
    )[0]


def test_corrective_action_becomes_overdue_once_while_open() -> None:
    corrective_action, _ = opened()
    late, events = corrective_actions.overdue(corrective_action, NOW)
    assert len(events) == 1
    assert corrective_actions.overdue(late, NOW)[1] == []
    assert corrective_actions.overdue(closed(), NOW)[1] == []


def test_corrective_action_closes_once_by_owner_or_manager() -> None:
    corrective_action, _ = opened()
    with pytest.raises(RuleViolation, match="belongs to a"):
        corrective_actions.close(corrective_action, "corrected", "b", "0", may=False, now=NOW)
    ended, events = corrective_actions.close(
        corrective_action, "unfounded", "b", "0", may=True, now=NOW
    )
    assert (ended.closed_by, events[0].result) == ("b", "unfounded")
    with pytest.raises(RuleViolation, match="closed already"):
        corrective_actions.close(ended, "corrected", "a", "0", may=True, now=NOW)


def test_correction_needs_cause_and_measure() -> None:
    corrective_action, _ = opened()
    with pytest.raises(RuleViolation, match="State the cause"):
        corrective_actions.close(corrective_action, "corrected", "a", "0", may=False, now=NOW)


def test_answer_is_refused_to_others_and_once_closed() -> None:
    corrective_action, _ = opened()
    with pytest.raises(RuleViolation, match="belongs to a"):
        corrective_actions.answer(corrective_action, "b", "0", may=False, now=NOW)
    with pytest.raises(RuleViolation, match="closed already"):
        corrective_actions.answer(closed(), "a", "0", may=False, now=NOW)


def test_decision_on_older_version_is_refused() -> None:
    corrective_action, _ = opened()
    changed = "changed meanwhile"
    with pytest.raises(RuleViolation, match=changed):
        corrective_actions.answer(corrective_action, "a", "1", may=False, now=NOW)
    with pytest.raises(RuleViolation, match=changed):
        corrective_actions.close(corrective_action, "unfounded", "a", "1", may=False, now=NOW)
    with pytest.raises(RuleViolation, match=changed):
        corrective_actions.assess(closed(), True, "a-2", "1", may=False, now=NOW)


@pytest.mark.parametrize(("person", "may"), [("a-2", False), ("m", True)])
def test_finder_or_manager_says_whether_it_worked(person: str, may: bool) -> None:
    assessed, events = corrective_actions.assess(closed(), True, person, "0", may=may, now=NOW)
    assert (assessed.is_effective, assessed.assessed_by) == (True, person)
    assert events[0].is_effective
    with pytest.raises(RuleViolation, match="assessed already"):
        corrective_actions.assess(assessed, False, person, "0", may=may, now=NOW)


def test_owner_or_stranger_cannot_assess_it() -> None:
    with pytest.raises(RuleViolation, match="Another person"):
        corrective_actions.assess(closed(), True, "a", "0", may=True, now=NOW)
    with pytest.raises(RuleViolation, match="found it"):
        corrective_actions.assess(closed(), True, "c", "0", may=False, now=NOW)


def test_open_action_cannot_be_assessed() -> None:
    with pytest.raises(RuleViolation, match="not closed yet"):
        corrective_actions.assess(opened()[0], True, "a-2", "0", may=True, now=NOW)


def test_following_action_keeps_finding_and_owner() -> None:
    before = closed()
    later = NOW + timedelta(days=1)
    following, events = corrective_actions.follow_up(
        before, corrective_action_id="r-2", days=3, now=later
    )
    assert (following.finding, following.owner_id) == (before.finding, "a")
    assert (events[0].follows_id, events[0].due_at) == ("r-1", later + timedelta(days=3))
    assert following.answered_at is None


def call(satisfaction: int | None) -> FollowUpCompleted:
    return FollowUpCompleted(
        store_id="S01",
        customer_ref="c-1",
        follow_up_id="f-1",
        reason="delivery",
        order_id="o-1",
        agent_id="g-1",
        reached=True,
        satisfaction=satisfaction,
        completed_at=NOW,
    )


@pytest.mark.parametrize(("satisfaction", "is_finding"), [(2, True), (3, False), (None, False)])
def test_low_satisfaction_at_follow_up_is_finding(
    satisfaction: int | None, is_finding: bool
) -> None:
    finding = corrective_actions.finding_from(call(satisfaction), "e-1", 3)
    assert finding == (
        Finding("follow_up", "f-1", "e-1", "o-1", ("satisfaction",), "g-1") if is_finding else None
    )


@pytest.mark.parametrize("rework_of", ["j-0", None])
def test_only_failed_rework_is_finding(rework_of: str | None) -> None:
    failed = QualityInspectionFailed(
        store_id="S01",
        order_id="o-1",
        job_id="j-1",
        rework_job_id="j-2",
        rework_of_job_id=rework_of,
        inspector_id="i-1",
        failed_items=("no_leaks",),
        inspected_at=NOW,
    )
    finding = corrective_actions.finding_from(failed, "e-1", 3)
    assert (finding and finding.source_id) == ("j-1" if rework_of else None)


def test_comeback_is_finding_with_its_symptoms() -> None:
    comeback = ComebackLinked(
        store_id="S01",
        order_id="o-2",
        earlier_order_id="o-1",
        symptoms=("brake_noise",),
        earlier_technician_ids=("t-1",),
        earlier_finished_at=NOW,
    )
    finding = corrective_actions.finding_from(comeback, "e-1", 3)
    assert finding == Finding("comeback", "o-2", "e-1", "o-2", ("brake_noise",), None)


def test_repeated_cause_of_complaints_is_a_finding() -> None:
    event = ComplaintCauseRepeated(
        store_id="S01",
        cause="waiting_time",
        complaint_id="k-3",
        complaint_ids=("k-1", "k-2", "k-3"),
        period_days=30,
        found_by="S01-agent-1",
        repeated_at=NOW,
    )
    finding = corrective_actions.finding_from(event, "e-1", 3)
    assert finding == Finding("complaint", "k-3", "e-1", None, ("waiting_time",), "S01-agent-1")
