"""Results of satisfaction surveys (满意度指数), each with its confidence interval (R24)."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby

from pydantic import BaseModel

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.domain import errors
from services.crm.domain.confidence import estimate
from services.crm.persistence.survey import Result
from shared.contracts.management import (
    CSI_OF_BEST,
    GROUP,
    HIGHEST_SCORE,
    LOWEST_SCORE,
    SurveyRules,
)
from shared.group import GROUP_ZONE

_LOWEST_CSI = CSI_OF_BEST * LOWEST_SCORE / HIGHEST_SCORE


class Interval(BaseModel):
    """Mean on 1,000, between ``low`` and ``high`` at 95 % confidence.

    The limits are absent of one answer. There are ``enough`` answers for a judgment, by the rule.
    """

    answers: int
    mean: float
    low: float | None
    high: float | None
    enough: bool


class FactorResult(BaseModel):
    """Result of one factor; a weak one has enough answers, and a mean that is too low."""

    factor: str
    result: Interval
    weak: bool


class PartResult(BaseModel):
    """Results of one month, version or channel, or of one person or store, without factors."""

    part: str
    csi: Interval
    factors: Sequence[FactorResult]


class SurveyResults(BaseModel):
    """Results of what was answered on these days; ``asked`` counts the surveys begun on them."""

    first_day: date
    last_day: date
    asked: int
    least_answers: int
    weak_below: int
    store: Sequence[PartResult]
    months: Sequence[PartResult]
    versions: Sequence[PartResult]
    channels: Sequence[PartResult]
    advisors: Sequence[PartResult]
    technicians: Sequence[PartResult]


async def get_survey_results(
    store_id: str, first_day: date, last_day: date, deps: Deps
) -> SurveyResults:
    """Return a store's results of what was answered from one day to another.

    Raises:
        RuleViolation: the last day is before the first.
    """
    _require_order(first_day, last_day)
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        begin, until = store.day_bounds(first_day)[0], store.day_bounds(last_day)[1]
        found = await persistence.survey_results(connection, store_id, begin, until, store.zone)
        asked = await persistence.asked_count(connection, store_id, begin, until)
        rules = await deps.group.rules_today(connection, SurveyRules, store_id)
    parts = {dimension: _parts(results, rules) for dimension, results in found.items()}
    return SurveyResults(
        first_day=first_day,
        last_day=last_day,
        asked=asked,
        least_answers=rules.least_answers,
        weak_below=rules.weak_below,
        **{name: parts.get(dimension, ()) for name, dimension in _DIMENSIONS.items()},
    )


async def get_group_survey_results(first_day: date, last_day: date, deps: Deps) -> list[PartResult]:
    """Return the CSI of every store that has answers from one day to another, the best first.

    Stores with too few answers come last, in no order of merit.

    Raises:
        RuleViolation: the last day is before the first.
    """
    _require_order(first_day, last_day)
    begin, until = (
        datetime.combine(day, time.min, GROUP_ZONE)
        for day in (first_day, last_day + timedelta(days=1))
    )
    async with deps.uow_factory.read(GROUP) as connection:
        found = await persistence.survey_results_of_stores(connection, begin, until)
        days = dict.fromkeys(found, last_day)
        rules = await deps.group.rules_on_days(connection, SurveyRules, days)
    parts = [
        PartResult(part=store_id, csi=_interval(result, rules[store_id]), factors=())
        for store_id, result in found.items()
    ]
    return ranked(parts)


def ranked(parts: Sequence[PartResult]) -> list[PartResult]:
    """Return parts with enough answers, the best first, and then the others by their names."""
    return sorted(
        parts,
        key=lambda each: (not each.csi.enough, -each.csi.mean if each.csi.enough else 0, each.part),
    )


_DIMENSIONS: Mapping[str, str] = {
    "store": "store",
    "months": "month",
    "versions": "version",
    "channels": "channel",
    "advisors": "service_advisor",
    "technicians": "technician",
}
_PERSONS = ("service_advisor", "technician")


def _parts(results: Sequence[Result], rules: SurveyRules) -> list[PartResult]:
    """Return the results of a dimension by part; those of persons are ranked."""
    parts = []
    for part, grouped in groupby(results, key=lambda each: each.part):
        whole, *factors = grouped
        parts.append(
            PartResult(
                part=part,
                csi=_interval(whole, rules),
                factors=[_factor(each, rules) for each in factors],
            )
        )
    return ranked(parts) if results and results[0].dimension in _PERSONS else parts


def _factor(result: Result, rules: SurveyRules) -> FactorResult:
    interval = _interval(result, rules)
    weak = interval.enough and interval.mean < rules.weak_below
    return FactorResult(factor=result.factor, result=interval, weak=weak)


def _interval(result: Result, rules: SurveyRules) -> Interval:
    found = estimate(
        result.answers, result.mean, result.deviation, lowest=_LOWEST_CSI, highest=CSI_OF_BEST
    )
    return Interval(**vars(found), enough=result.answers >= rules.least_answers)


def _require_order(first_day: date, last_day: date) -> None:
    if last_day < first_day:
        raise errors.days_out_of_order()
