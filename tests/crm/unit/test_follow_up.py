"""Follow-up calls as pure decisions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.domain.follow_up import FollowUp, complete, least_loaded, schedule
from shared.contracts.refusal import Refused

DUE = datetime(2026, 3, 5, 2, tzinfo=UTC)
CALL = FollowUp("f", "S01", "o", "c", "agent", DUE)


@given(st.integers(1, 8), st.integers(0, 60))
def test_agents_are_balanced_whatever_their_number(agents: int, calls: int) -> None:
    ids = [f"agent-{number}" for number in range(agents)]
    load: dict[str, int] = {}
    for _ in range(calls):
        chosen = least_loaded(ids, load)
        load[chosen] = load.get(chosen, 0) + 1
    counts = [load.get(agent, 0) for agent in ids]
    assert max(counts) - min(counts) <= 1
    assert counts == sorted(counts, reverse=True)


def test_a_scheduled_call_says_so() -> None:
    follow_up, (event,) = schedule(
        follow_up_id="f", store_id="S01", order_id="o", customer_ref="c", agent_id="a", due_at=DUE
    )
    assert follow_up.status(DUE - timedelta(seconds=1)) == "scheduled"
    assert follow_up.status(DUE) == "due"
    assert (event.follow_up_id, event.agent_id, event.due_at) == ("f", "a", DUE)


@given(st.booleans(), st.none() | st.integers(1, 5))
def test_a_call_is_completed_once(reached: bool, satisfaction: int | None) -> None:
    def attempt(call: FollowUp):
        return complete(
            call,
            agent_id="other",
            reached=reached,
            satisfaction=satisfaction,
            channel="phone",
            now=DUE,
        )

    if satisfaction is not None and not reached:
        with pytest.raises(Refused, match="not reached"):
            attempt(CALL)
        return
    completed, (event,) = attempt(CALL)
    assert completed.status(DUE) == "completed"
    assert completed == replace(
        CALL,
        completed_at=DUE,
        completed_by="other",
        reached=reached,
        satisfaction=satisfaction,
        channel="phone",
    )
    assert (event.agent_id, event.reached, event.satisfaction) == ("other", reached, satisfaction)
    with pytest.raises(Refused, match="already completed"):
        attempt(completed)
