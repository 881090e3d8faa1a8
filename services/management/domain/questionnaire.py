"""Check of questionnaires (满意度问卷)."""

from collections.abc import Sequence
from decimal import Decimal

from shared.contracts.management import SURVEY_CHANNELS, WEIGHT_OF_ALL_BP, Questionnaire
from shared.contracts.violations import RuleViolation


def check(questionnaire: Questionnaire) -> None:
    """Check channels, codes and weights.

    Raises:
        RuleViolation: a channel is unknown or stands twice, a factor or a question stands twice, or
            the weights do not sum to 1.
    """
    for place, channel in enumerate(questionnaire.channels):
        if channel not in SURVEY_CHANNELS:
            raise RuleViolation(
                "unknown_channel",
                f"{channel} is not one of {', '.join(SURVEY_CHANNELS)}.",
                field=f"content.channels.{place}",
            )
    factors = [each.factor for each in questionnaire.factors]
    questions = [
        (f"factors.{number}.questions.{place}.question", each.question)
        for number, factor in enumerate(questionnaire.factors)
        for place, each in enumerate(factor.questions)
    ]
    _require_once("channels.{}", questionnaire.channels)
    _require_once("factors.{}.factor", factors)
    _require_once("{}", [code for _, code in questions], [place for place, _ in questions])
    total = sum(each.weight_bp for each in questionnaire.factors)
    if total != WEIGHT_OF_ALL_BP:
        raise RuleViolation(
            "weights_not_one",
            f"The weights sum to {Decimal(total) / WEIGHT_OF_ALL_BP} instead of 1.",
            field="content.factors",
            total_bp=total,
        )


def _require_once(field: str, codes: Sequence[str], places: Sequence[str] | None = None) -> None:
    """Refuse a code that stands twice, at its place in ``field``."""
    for number, code in enumerate(codes):
        if code in codes[:number]:
            place = places[number] if places else number
            raise RuleViolation(
                "code_twice",
                f"{code} stands there twice.",
                field=f"content.{field.format(place)}",
                code=code,
            )
