"""Findings and their corrective actions: each gets an owner and a deadline (R10, R43)."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reporting.domain import corrective_action as corrective_actions
from services.reporting.domain.corrective_action import CorrectiveAction, Finding
from shared.contracts.management import CorrectiveActionRule, RuleVersion
from shared.contracts.reception import FacilityCheckCompleted, FeedbackSubmitted
from shared.contracts.reporting import CorrectiveActionOpened, CorrectiveActionSource
from shared.contracts.violations import RuleViolation
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
    finding = Finding("feedback", "o-1", "o-1", ("service_attitude",))
    return corrective_actions.open_action(
        finding,
        corrective_action_id="r-1",
        store_id="S01",
        owners=owners,
        open_count_by_owner=open_count_by_owner or {},
        days=days,
        now=NOW,
    )


@given(ratings, ratings, ratings)
def test_low_ratings_are_findings_with_lowest_first(
    work_quality: int, technical_skill: int, service_attitude: int
) -> None:
    finding = corrective_actions.finding_from(
        feedback(work_quality, technical_skill, service_attitude)
    )
    by_name = {
        "work_quality": work_quality,
        "technical_skill": technical_skill,
        "service_attitude": service_attitude,
    }
    findings = finding.findings if finding else ()
    assert set(findings) == {name for name, rating in by_name.items() if rating <= 2}
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
    finding = corrective_actions.finding_from(check)
    assert (finding.findings if finding else ()) == failed


def found(*findings: str, source: CorrectiveActionSource = "feedback") -> Finding:
    return Finding(source, "o-1", "o-1", findings)


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
        RuleVersion(valid_from="2026-03-04", content=first),
        RuleVersion(valid_from="2026-03-06", content=last),
        RuleVersion(valid_from="2026-03-08", content=None),
        RuleVersion(valid_from="2026-03-09", content=loyalty_rules()),
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


def test_corrective_action_becomes_overdue_once_while_open() -> None:
    corrective_action, _ = opened()
    late, events = corrective_actions.overdue(corrective_action, NOW)
    assert len(events) == 1
    assert corrective_actions.overdue(late, NOW)[1] == []
    closed, _ = corrective_actions.close(corrective_action, "corrected", "a", may=False, now=NOW)
    assert corrective_actions.overdue(closed, NOW)[1] == []


def test_corrective_action_closes_once_by_owner_or_manager() -> None:
    corrective_action, _ = opened()
    with pytest.raises(RuleViolation, match="belongs to a"):
        corrective_actions.close(corrective_action, "corrected", "b", may=False, now=NOW)
    closed, events = corrective_actions.close(
        corrective_action, "unfounded", "b", may=True, now=NOW
    )
    assert (closed.closed_by, events[0].result) == ("b", "unfounded")
    with pytest.raises(RuleViolation, match="closed already"):
        corrective_actions.close(closed, "corrected", "a", may=True, now=NOW)
