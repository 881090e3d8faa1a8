"""Assignment of customers to agents, as a pure decision."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.domain.assignment import Agent, Assignment, Relative, assign, distribute, reassign
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 5, 2, tzinfo=UTC)
WAITING = Assignment("S01", "c", NOW)


@given(st.integers(1, 6), st.integers(0, 60))
def test_equal_agents_get_equal_numbers(agents: int, customers: int) -> None:
    ids = [f"agent-{number}" for number in range(agents)]
    chosen = distribute(map(str, range(customers)), [Agent(each, 1.0) for each in ids])
    counts = [list(chosen.values()).count(each) for each in ids]
    assert len(chosen) == customers
    assert max(counts) - min(counts) <= 1


@given(st.lists(st.tuples(st.floats(0.2, 5), st.integers(0, 20), st.integers(0, 20)), min_size=1))
def test_new_customer_goes_to_least_burden(drawn: list[tuple[float, int, int]]) -> None:
    agents = [Agent(f"{number}", *each) for number, each in enumerate(drawn)]
    chosen = distribute(["c"], agents)["c"]
    assert min(each.burden for each in agents) == agents[int(chosen)].burden


@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(1, 4))
def test_family_goes_to_one_agent(families: list[int], agents: int) -> None:
    refs = [f"c-{number}" for number in range(len(families))]
    family_of = dict(zip(refs, families, strict=True))
    relatives = {
        ref: [Relative(each, None) for each in refs if family_of[each] == family_of[ref] != 0]
        for ref in refs
    }
    chosen = distribute(refs, [Agent(f"{number}", 1.0) for number in range(agents)], relatives)
    for family in set(families) - {0}:
        assert len({chosen[ref] for ref in refs if family_of[ref] == family}) == 1


def test_relative_of_absent_agent_goes_to_another() -> None:
    relatives = {"c": [Relative("r", "away"), Relative("s", "b")]}
    assert distribute(["c"], [Agent("a", 1.0), Agent("b", 1.0, 9)], relatives) == {"c": "b"}


def test_assigned_customer_is_published_once() -> None:
    assigned, (event,) = assign(WAITING, "a", "new_customer", None, NOW)
    assert (event.agent_id, event.previous_agent_id, event.cause) == ("a", None, "new_customer")
    assert assign(assigned, "a", "workload", "m", NOW) == (assigned, [])


def test_stale_or_strange_reassignment_is_refused() -> None:
    assigned, _ = assign(WAITING, "a", "new_customer", None, NOW)
    for seen, agent, rule in (("b", "c", "reassigned_meanwhile"), ("a", "x", "no_agent_of_store")):
        with pytest.raises(RuleViolation) as refused:
            reassign(
                assigned,
                agent,
                seen_agent_id=seen,
                agents=["a", "b", "c"],
                cause="workload",
                by="m",
                now=NOW,
            )
        assert refused.value.rule == rule
