"""Recognition of customers and vehicles at a registration."""

from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.domain.customer import Candidate, Decision, Recognition, recognize, register
from shared.contracts.crm import VehicleRole
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 4, tzinfo=UTC)

OWNER = Candidate("owner", ["owner"], same_name=False, same_phone=False)
DRIVER = Candidate("driver", ["driver"], same_name=True, same_phone=True)
MOTHER = Candidate("mother", [], same_name=False, same_phone=True)
BUYER = Candidate("buyer", [], same_name=True, same_phone=True)

candidates = st.builds(
    Candidate,
    customer_ref=st.sampled_from(["a", "b", "c"]),
    roles=st.lists(st.sampled_from(["owner", "driver", "payer", "bringer"]), max_size=2),
    same_name=st.booleans(),
    same_phone=st.booleans(),
)


def test_person_of_vehicle_is_recognized_without_question() -> None:
    assert recognize([OWNER, DRIVER], None) == Recognition("driver", "driver")
    assert recognize([], None) == Recognition(None, "owner")
    assert recognize([BUYER], None) == Recognition("buyer", "owner")


@pytest.mark.parametrize("found", [[OWNER], [MOTHER], [OWNER, BUYER], [OWNER, MOTHER]])
def test_other_name_or_number_is_asked_about(found: list[Candidate]) -> None:
    with pytest.raises(RuleViolation) as refused:
        recognize(found, None)
    assert refused.value.rule == "person_undecided"
    assert [each["customer_ref"] for each in refused.value.values["possibilities"]] == [
        each.customer_ref for each in found
    ]


def test_decision_says_who_comes() -> None:
    same = Decision("same_person", "owner")
    assert recognize([OWNER], same) == Recognition("owner", "owner", corrects=True)
    friend = Decision("another_person", role="bringer")
    assert recognize([OWNER], friend) == Recognition(None, "bringer")
    assert recognize([MOTHER], Decision("another_person")) == Recognition(None, "owner")
    sold = Decision("new_owner", "owner")
    assert recognize([OWNER], sold) == Recognition(None, "owner")
    assert recognize([OWNER, BUYER], sold) == Recognition("buyer", "owner")
    assert recognize([OWNER, DRIVER], sold) == Recognition("driver", "owner")


@pytest.mark.parametrize(
    ("found", "decision"),
    [
        ([OWNER], Decision("new_owner", "earlier-owner")),
        ([MOTHER], Decision("new_owner", "mother")),
        ([OWNER, MOTHER], Decision("same_person", "mother")),
        ([OWNER], Decision("same_person", "stranger")),
    ],
)
def test_decision_about_another_state_is_asked_again(
    found: list[Candidate], decision: Decision
) -> None:
    with pytest.raises(RuleViolation, match="Say who brings"):
        recognize(found, decision)


@given(st.lists(candidates, max_size=4, unique_by=lambda each: each.customer_ref))
def test_nobody_is_renamed_or_replaced_without_decision(found: list[Candidate]) -> None:
    owned = any("owner" in each.roles for each in found)
    decisions = [None, *(Decision("another_person", role=role) for role in ("driver", "bringer"))]
    for decision in decisions:
        try:
            recognition = recognize(found, decision)
        except RuleViolation:
            assert decision is None
            continue
        assert not recognition.corrects
        known = {each.customer_ref: each for each in found}.get(recognition.customer_ref or "")
        assert known is None or known.is_meant
        if owned and recognition.role == "owner":
            assert known is not None
            assert "owner" in known.roles


def test_change_of_owner_is_published_with_registration() -> None:
    roles: list[VehicleRole] = ["owner", "driver"]
    for role, former in product(roles, (None, "c-1")):
        events = register("S01", "v", "c-2", role, former, NOW)
        names = [type(event).__name__ for event in events]
        sold = role == "owner" and former is not None
        assert names == ["CustomerRegistered", *(["OwnershipChanged"] if sold else [])]
