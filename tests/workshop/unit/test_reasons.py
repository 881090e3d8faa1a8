"""Texts of all reasons (R12)."""

from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from services.workshop.domain.reasons import (
    CAUSES,
    CHANGES,
    PLANNER,
    Reason,
    why_in_danger,
    why_planned,
)
from services.workshop.planning.replan import ChangeCode
from services.workshop.planning.risk import RiskCode

DETAIL = st.fixed_dictionaries(
    {
        "at": st.datetimes().map(lambda moment: f"{moment.isoformat()}+08:00"),
        "job_id": st.uuids().map(str),
        "technician_id": st.just("S01-technician-1"),
        "bay_id": st.just("S01-lift-1"),
        "minutes": st.integers(1, 1000),
    }
)


@given(st.sampled_from([*get_args(ChangeCode), "promised"]), DETAIL)
def test_every_plan_change_has_a_sentence(code: str, detail: dict[str, Any]) -> None:
    sentence = why_planned(Reason(code, detail), PLANNER)
    assert sentence.endswith(".")
    assert "{" not in sentence


@given(st.sampled_from(get_args(RiskCode)), DETAIL)
def test_every_risk_cause_has_a_sentence(code: str, detail: dict[str, Any]) -> None:
    sentence = why_in_danger(Reason(code, detail))
    assert sentence.endswith(".")
    assert "{" not in sentence


def test_every_sentence_has_its_code() -> None:
    assert set(CHANGES) == {*get_args(ChangeCode), "promised"}
    assert set(CAUSES) == set(get_args(RiskCode))


def test_override_reason_names_its_author() -> None:
    sentence = why_planned(Reason("override", {"why": "customer_request"}), "S01-dispatcher-1")
    assert sentence == "Manual override by S01-dispatcher-1: customer request."
