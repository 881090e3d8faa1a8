"""Satisfaction surveys (客户满意度调查) as managers decide on them."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import Code, DisplayName, EventPart, LocalTime

LOWEST_SCORE, HIGHEST_SCORE = 1, 10
"""Scale of an answer (评分): 10 is the best."""

WEIGHT_OF_ALL_BP = 10_000
"""Sum of the weights of all factors, in basis points: they sum to 1."""

CSI_OF_BEST = 1_000
"""CSI of a survey in which every answer is the best."""

SurveyChannel = Literal["link", "phone"]
"""一次性链接、电话."""

SURVEY_CHANNELS: tuple[SurveyChannel, ...] = ("link", "phone")

Wording = Annotated[str, Field(min_length=1, max_length=300)]
"""Published wording of a question in one language."""

Score = Annotated[int, Field(ge=LOWEST_SCORE, le=HIGHEST_SCORE)]


class SurveyQuestion(EventPart):
    """Question of a survey (问题), answered by a score of 1 to 10."""

    question: Code
    zh: Wording
    en: Wording


class SurveyFactor(EventPart):
    """Factor of satisfaction (满意度因子): its weight in basis points, and its questions."""

    factor: Code
    zh: DisplayName
    en: DisplayName
    weight_bp: Annotated[int, Field(ge=1, le=WEIGHT_OF_ALL_BP)]
    questions: Annotated[tuple[SurveyQuestion, ...], Field(min_length=1, max_length=10)]


class Questionnaire(EventPart):
    """Questionnaire (满意度问卷): factors with the weights of a year, which sum to 1.

    Customers are asked by the first of the ``channels`` that they can be reached by.
    """

    kind: Literal["questionnaire"] = "questionnaire"
    weights_year: Annotated[int, Field(ge=2000, le=2100)]
    channels: Annotated[tuple[Code, ...], Field(min_length=1, max_length=2)] = SURVEY_CHANNELS
    factors: Annotated[tuple[SurveyFactor, ...], Field(min_length=1, max_length=12)]


class SurveyRules(EventPart):
    """Rules of surveys (满意度调查规则).

    Of all deliveries, ``share_bp`` are asked about, ``asks_after_days`` later, at the local time
    ``asks_at``; a person is asked once in ``rest_days``. A link can be answered for
    ``answer_days``. An answer is low where the mean of a factor is under
    ``lowest_acceptable_score``; a factor is weak in a month where its mean, on 1,000, is under
    ``weak_below``. Months, stores and persons with fewer than ``least_answers`` are not judged.
    """

    kind: Literal["survey"] = "survey"
    share_bp: Annotated[int, Field(ge=0, le=10_000)] = 5_000
    rest_days: Annotated[int, Field(ge=1, le=3_650)] = 90
    asks_after_days: Annotated[int, Field(ge=1, le=60)] = 3
    asks_at: LocalTime = "10:30"
    answer_days: Annotated[int, Field(ge=1, le=60)] = 14
    lowest_acceptable_score: Score = 5
    weak_below: Annotated[int, Field(ge=100, le=CSI_OF_BEST)] = 750
    least_answers: Annotated[int, Field(ge=2, le=1_000)] = 10
