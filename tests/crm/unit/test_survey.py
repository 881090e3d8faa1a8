"""Sampling, answers and months of satisfaction surveys (R24)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.group_folder import read_rules
from services.crm.domain import survey as surveys
from services.crm.domain.message import Channel, Contact, Declinable
from services.crm.domain.survey import AskedVersion, Month, Survey
from shared.contracts.crm import FactorMonth, VisitStaff
from shared.contracts.management import Questionnaire, SurveyRules
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 7, 2, 30, tzinfo=UTC)
RULES = SurveyRules()
QUESTIONNAIRE = next(
    each.content
    for each in read_rules(Path("deploy/group"))
    if isinstance(each.content, Questionnaire)
)
ASKED = AskedVersion("2026-01-01.0", QUESTIONNAIRE)
QUESTIONS = [each.question for factor in QUESTIONNAIRE.factors for each in factor.questions]
SURVEY = Survey("s", "S01", "o", "c", ASKED.version, "link", NOW, NOW + timedelta(days=14))
STAFF = [VisitStaff(role="technician", person_id="S01-tech-1")]
SCORES = st.fixed_dictionaries({each: st.integers(1, 10) for each in QUESTIONS})


def answer(scores: dict[str, int], survey: Survey = SURVEY, at: datetime = NOW) -> Survey:
    answered, _ = surveys.answer(
        survey,
        ASKED,
        scores,
        channel="link",
        answered_by=None,
        staff=STAFF,
        rules=RULES,
        now=at,
    )
    return answered


@given(st.text(min_size=1), st.integers(0, 10_000), st.integers(0, 10_000))
def test_larger_share_contains_smaller(order: str, one: int, other: int) -> None:
    smaller, larger = sorted((one, other))
    assert surveys.is_sampled(order, smaller) <= surveys.is_sampled(order, larger)
    assert not surveys.is_sampled(order, 0)
    assert surveys.is_sampled(order, 10_000)


def test_sample_has_its_share_of_orders() -> None:
    sampled = sum(surveys.is_sampled(f"order-{number}", 3_000) for number in range(10_000))
    assert 2_800 < sampled < 3_200


@given(SCORES)
def test_csi_lies_between_factor_means(scores: dict[str, int]) -> None:
    answered = answer(scores)
    means = (answered.factor_means or {}).values()
    assert answered.csi is not None
    assert min(means) - 1e-9 <= answered.csi <= max(means) + 1e-9


@given(SCORES)
def test_low_factors_are_those_below_rule(scores: dict[str, int]) -> None:
    answered = answer(scores)
    means = answered.factor_means or {}
    limit = RULES.lowest_acceptable_score * 100
    assert set(answered.low_factors) == {code for code, mean in means.items() if mean < limit}
    assert [means[each] for each in answered.low_factors] == sorted(
        means[each] for each in answered.low_factors
    )


@given(st.integers(1, 10))
def test_equal_scores_give_their_csi(score: int) -> None:
    answered = answer(dict.fromkeys(QUESTIONS, score))
    assert answered.csi == pytest.approx(score * 100)


def test_answer_is_published_with_weights_and_staff() -> None:
    _, (event,) = surveys.answer(
        SURVEY,
        ASKED,
        dict.fromkeys(QUESTIONS, 7),
        channel="phone",
        answered_by="S01-agent-1",
        staff=STAFF,
        rules=RULES,
        now=NOW,
    )
    assert sum(each.weight_bp for each in event.factors) == 10_000
    assert (event.weights_year, event.answered_by, event.staff) == (2026, "S01-agent-1", (*STAFF,))


@pytest.mark.parametrize(
    ("changes", "late", "expected"),
    [
        ({"unheard_of": 5}, 0, "question_of_another_version"),
        ({}, 14, "survey_expired"),
    ],
)
def test_wrong_answer_is_refused(changes: dict[str, int], late: int, expected: str) -> None:
    scores = dict.fromkeys(QUESTIONS, 7) | changes
    with pytest.raises(RuleViolation) as refused:
        answer(scores, at=NOW + timedelta(days=late))
    assert refused.value.rule == expected


def test_second_answer_is_refused() -> None:
    scores = dict.fromkeys(QUESTIONS, 7)
    with pytest.raises(RuleViolation) as refused:
        answer(scores, answer(scores))
    assert refused.value.rule == "survey_answered"


@pytest.mark.parametrize(
    ("addresses", "declined", "expected"),
    [
        ({"sms": "1"}, (), "link"),
        ({"sms": "1"}, ("sms",), "phone"),
        ({"email": "a"}, (), "phone"),
        ({}, ("phone",), None),
    ],
)
def test_channel_respects_wishes(
    addresses: dict[Channel, str], declined: tuple[Declinable, ...], expected: str | None
) -> None:
    contact = Contact(addresses, declined=declined)
    assert surveys.channel_for(contact, ("link", "phone"), {"sms"}) == expected
    assert surveys.channel_for(contact, (), {"sms"}) is None


def test_version_changes_with_its_content() -> None:
    other = QUESTIONNAIRE.model_copy(update={"weights_year": 2027})
    versions = {surveys.version_of("2026-01-01", each).version for each in (QUESTIONNAIRE, other)}
    assert len(versions) == 2
    assert {each.partition(".")[0] for each in versions} == {"2026-01-01"}


def test_weak_factors_need_enough_answers() -> None:
    factors = [
        FactorMonth(factor="quality", answers=10, mean=740),
        FactorMonth(factor="start", answers=10, mean=700),
        FactorMonth(factor="delivery", answers=9, mean=300),
        FactorMonth(factor="advisor", answers=10, mean=750),
    ]
    (event,) = surveys.evaluate_month("S01", Month("2026-03", 10, 700, factors), RULES, NOW)
    assert event.weak_factors == ("start", "quality")
