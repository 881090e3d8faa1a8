"""Follow-up calls as pure decisions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.domain.follow_up import (
    FollowUp,
    Need,
    announced,
    call_rules,
    cancel,
    least_loaded,
    record_call,
)
from shared.contracts.crm import (
    FollowUpAttempted,
    FollowUpCancelled,
    FollowUpCompleted,
    FollowUpRescheduled,
    FollowUpScheduled,
)
from shared.contracts.management import FollowUpRules
from shared.contracts.violations import RuleViolation

DUE = datetime(2026, 3, 5, 2, tzinfo=UTC)
NEXT = DUE + timedelta(days=1)
MOST_ATTEMPTS = 3
CALL = FollowUp("f", "S01", "delivery", "o", "c", "customer_care_agent", 1, DUE, order_id="o")


@given(st.integers(1, 8), st.integers(0, 60))
def test_follow_ups_are_balanced_over_agents(agents: int, calls: int) -> None:
    ids = [f"agent-{number}" for number in range(agents)]
    load: dict[str, int] = {}
    for _ in range(calls):
        chosen = least_loaded(ids, load)
        load[chosen] = load.get(chosen, 0) + 1
    counts = [load.get(agent, 0) for agent in ids]
    assert max(counts) - min(counts) <= 1
    assert counts == sorted(counts, reverse=True)


def test_follow_up_is_due_from_its_time() -> None:
    assert CALL.status(DUE - timedelta(seconds=1)) == "scheduled"
    assert CALL.status(DUE) == "due"
    assert cancel(CALL, "settled", DUE).status(DUE) == "cancelled"


def test_changed_plan_is_published() -> None:
    (scheduled,) = announced(None, CALL)
    (moved,) = announced(CALL, replace(CALL, due_at=NEXT))
    (cancelled,) = announced(CALL, cancel(CALL, "crowded", NEXT))
    assert isinstance(scheduled, FollowUpScheduled)
    assert isinstance(moved, FollowUpRescheduled)
    assert isinstance(cancelled, FollowUpCancelled)
    assert (scheduled.reason, scheduled.due_at, moved.due_at) == ("delivery", DUE, NEXT)
    assert cancelled.cause == "crowded"


def test_unchanged_and_never_planned_calls_are_unpublished() -> None:
    assert announced(CALL, replace(CALL, priority=5)) == []
    assert announced(None, cancel(CALL, "crowded", DUE)) == []


def call(
    follow_up: FollowUp,
    *,
    reached: bool,
    satisfaction: int | None = None,
    needs: Sequence[Need] = (),
) -> tuple[FollowUp, Sequence[FollowUpCompleted | FollowUpAttempted]]:
    return record_call(
        follow_up,
        agent_id="other",
        reached=reached,
        satisfaction=satisfaction,
        needs=needs,
        channel="phone",
        most_attempts=MOST_ATTEMPTS,
        next_due_at=NEXT,
        now=DUE,
    )


@given(st.none() | st.integers(1, 5))
def test_reached_customer_completes_follow_up(satisfaction: int | None) -> None:
    completed, (event,) = call(CALL, reached=True, satisfaction=satisfaction)
    assert completed.status(DUE) == "completed"
    assert completed == replace(
        CALL,
        completed_at=DUE,
        completed_by="other",
        reached=True,
        satisfaction=satisfaction,
        channel="phone",
    )
    assert isinstance(event, FollowUpCompleted)
    assert (event.agent_id, event.reached, event.satisfaction) == ("other", True, satisfaction)
    with pytest.raises(RuleViolation, match="already completed"):
        call(completed, reached=True)


def test_not_reached_customer_is_called_again() -> None:
    follow_up = CALL
    for attempt in range(1, MOST_ATTEMPTS):
        follow_up, (event,) = call(follow_up, reached=False)
        assert isinstance(event, FollowUpAttempted)
        assert (event.attempt, event.next_due_at) == (attempt, NEXT)
        assert follow_up.status(DUE) == "scheduled"
        assert follow_up.status(NEXT) == "due"
    ended, (event,) = call(follow_up, reached=False)
    assert isinstance(event, FollowUpAttempted)
    assert (event.attempt, event.next_due_at) == (MOST_ATTEMPTS, None)
    assert ended.status(NEXT) == "not_reached"
    with pytest.raises(RuleViolation, match="already completed"):
        call(ended, reached=True)


def test_cancelled_call_takes_no_record() -> None:
    with pytest.raises(RuleViolation, match="is cancelled"):
        call(cancel(CALL, "settled", DUE), reached=True)


def test_not_reached_customer_has_no_answers() -> None:
    with pytest.raises(RuleViolation, match="not reached"):
        call(CALL, reached=False, satisfaction=3)
    with pytest.raises(RuleViolation, match="not reached"):
        call(CALL, reached=False, needs=["repair"])


def test_needs_of_customer_are_published_once() -> None:
    completed, (event,) = call(CALL, reached=True, needs=["repair", "tires", "repair"])
    assert isinstance(event, FollowUpCompleted)
    assert event.needs == completed.needs == ("repair", "tires")


def test_fewer_attempts_end_call_already_tried() -> None:
    ended, _ = call(replace(CALL, attempts=MOST_ATTEMPTS + 1), reached=False)
    assert ended.status(NEXT) == "not_reached"


def test_own_follow_up_rules_come_first() -> None:
    group = FollowUpRules(
        days_after_delivery=1, calls_at="10:00", attempts=3, days_between_attempts=1
    )
    rules = call_rules(group, FollowUpRules(calls_at="14:30", attempts=1))
    assert (rules.calls_at, rules.attempts, rules.days_after_delivery) == (time(14, 30), 1, 1)
    assert call_rules(group, None).calls_at == time(10)
