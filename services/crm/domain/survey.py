"""Satisfaction surveys (满意度调查): who is asked, by what, and what was answered."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import fmean
from typing import Literal

from services.crm.domain import errors
from services.crm.domain.message import Channel, Contact
from shared.contracts.crm import (
    FactorMonth,
    FactorScores,
    SurveyAnswered,
    SurveyMonthEvaluated,
    SurveyScore,
    SurveySent,
    VisitStaff,
)
from shared.contracts.management import (
    CSI_OF_BEST,
    HIGHEST_SCORE,
    WEIGHT_OF_ALL_BP,
    Questionnaire,
    SurveyChannel,
    SurveyRules,
)

Status = Literal["open", "answered", "expired"]
"""待答、已答、已过期."""

_SHARES = 10_000
_PER_POINT = CSI_OF_BEST / HIGHEST_SCORE


@dataclass(frozen=True)
class AskedVersion:
    """Questionnaire as customers of a store are asked by it.

    ``version`` is its first day with a digest of its content, which a manager may still correct on
    that day.
    """

    version: str
    questionnaire: Questionnaire


@dataclass(frozen=True)
class Survey:
    """One customer asked about one visit.

    ``channel`` is that of the question, and once it is answered that of the answer. ``scores`` are
    by question, ``factor_means`` by factor on 1,000; ``csi`` weighs them (满意度指数).
    """

    survey_id: str
    store_id: str
    order_id: str
    customer_ref: str
    version: str
    channel: SurveyChannel
    asked_at: datetime
    expires_at: datetime
    answered_at: datetime | None = None
    answered_by: str | None = None
    scores: Mapping[str, int] | None = None
    factor_means: Mapping[str, float] | None = None
    low_factors: Sequence[str] = ()
    csi: float | None = None

    def status(self, now: datetime) -> Status:
        if self.answered_at is not None:
            return "answered"
        return "expired" if self.expires_at <= now else "open"


def version_of(valid_from: str, questionnaire: Questionnaire) -> AskedVersion:
    """Return the questionnaire that holds from a day on, under the name of its version."""
    digest = hashlib.sha256(questionnaire.model_dump_json().encode()).hexdigest()
    return AskedVersion(f"{valid_from}.{digest[:8]}", questionnaire)


def is_sampled(order_id: str, share_bp: int) -> bool:
    """Return whether a delivery is in the sample of ``share_bp``, always the same for one order.

    A larger share contains every smaller one.
    """
    digest = hashlib.sha256(f"survey/{order_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % _SHARES < share_bp


def channel_for(
    contact: Contact, wanted: Sequence[str], channels: Collection[Channel]
) -> SurveyChannel | None:
    """Return how to ask a customer, None where they want to be asked by nothing that there is.

    ``wanted`` are the channels of the questionnaire, ``channels`` those of messages that the group
    has.
    """
    can_be_sent = any(
        channel in channels and channel not in contact.declined for channel in contact.addresses
    )
    reachable: Mapping[SurveyChannel, bool] = {
        "link": can_be_sent,
        "phone": "phone" not in contact.declined,
    }
    return next((each for each in reachable if each in wanted and reachable[each]), None)


def ask(survey: Survey) -> tuple[Survey, list[SurveySent]]:
    """Ask a customer about a visit."""
    event = SurveySent(
        store_id=survey.store_id,
        customer_ref=survey.customer_ref,
        survey_id=survey.survey_id,
        order_id=survey.order_id,
        questionnaire_version=survey.version,
        channel=survey.channel,
        sent_at=survey.asked_at,
        expires_at=survey.expires_at,
    )
    return survey, [event]


def require_open(survey: Survey, now: datetime) -> None:
    """Refuse a survey that is answered, or can be answered no more.

    Raises:
        RuleViolation: it is one of them.
    """
    if survey.answered_at is not None:
        raise errors.survey_answered(survey.answered_at)
    if survey.expires_at <= now:
        raise errors.survey_expired(survey.expires_at)


def answer(
    survey: Survey,
    asked: AskedVersion,
    scores: Mapping[str, int],
    *,
    channel: SurveyChannel,
    answered_by: str | None,
    staff: Sequence[VisitStaff],
    rules: SurveyRules,
    now: datetime,
) -> tuple[Survey, list[SurveyAnswered]]:
    """Record the customer's scores, one for each question of the version that was asked.

    Raises:
        RuleViolation: the survey is answered or has expired, a question has no score, or is not one
            of this version.
    """
    require_open(survey, now)
    factors = asked.questionnaire.factors
    questions = [each.question for factor in factors for each in factor.questions]
    if foreign := [code for code in scores if code not in questions]:
        raise errors.question_of_another_version(foreign[0])
    if missing := [code for code in questions if code not in scores]:
        raise errors.question_unanswered(missing[0])
    means = {
        factor.factor: fmean(scores[each.question] for each in factor.questions) * _PER_POINT
        for factor in factors
    }
    lowest = rules.lowest_acceptable_score * _PER_POINT
    low = sorted((code for code in means if means[code] < lowest), key=lambda code: means[code])
    weights = {factor.factor: factor.weight_bp for factor in factors}
    answered = replace(
        survey,
        channel=channel,
        answered_at=now,
        answered_by=answered_by,
        scores=dict(scores),
        factor_means=means,
        low_factors=tuple(low),
        csi=weighted(means, weights),
    )
    event = SurveyAnswered(
        store_id=survey.store_id,
        customer_ref=survey.customer_ref,
        survey_id=survey.survey_id,
        order_id=survey.order_id,
        questionnaire_version=survey.version,
        channel=channel,
        weights_year=asked.questionnaire.weights_year,
        factors=tuple(
            FactorScores(
                factor=factor.factor,
                weight_bp=factor.weight_bp,
                scores=tuple(
                    SurveyScore(question=each.question, score=scores[each.question])
                    for each in factor.questions
                ),
            )
            for factor in factors
        ),
        staff=tuple(staff),
        low_factors=tuple(low),
        answered_by=answered_by,
        answered_at=now,
    )
    return answered, [event]


def weighted(means: Mapping[str, float], weights_bp: Mapping[str, int]) -> float:
    """Return the CSI: the sum of weight times mean over all factors, on 1,000."""
    return sum(means[code] * weight for code, weight in weights_bp.items()) / WEIGHT_OF_ALL_BP


@dataclass(frozen=True)
class Month:
    """Answers of a store's month: their number, CSI and means by factor."""

    month: str
    answers: int
    csi: float
    factors: Sequence[FactorMonth]


def evaluate_month(
    store_id: str, month: Month, rules: SurveyRules, now: datetime
) -> list[SurveyMonthEvaluated]:
    """Find the weak factors of a month that has ended, if there are enough answers."""
    weak = [
        each
        for each in month.factors
        if each.answers >= rules.least_answers and each.mean < rules.weak_below
    ]
    event = SurveyMonthEvaluated(
        store_id=store_id,
        month=month.month,
        answers=month.answers,
        csi=month.csi,
        factors=tuple(month.factors),
        weak_factors=tuple(each.factor for each in sorted(weak, key=lambda each: each.mean)),
        evaluated_at=now,
    )
    return [event]
