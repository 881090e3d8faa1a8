"""Months of satisfaction surveys: weak factors are found when a month has ended (R24)."""

from datetime import date, timedelta

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.domain import survey as surveys
from services.crm.domain.survey import Month
from shared import timers
from shared.contracts.crm import FactorMonth
from shared.contracts.management import SurveyRules
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

EVALUATE_SURVEYS = "evaluate_surveys"


async def plan_evaluation(uow: UnitOfWork, store_id: str, deps: Deps) -> None:
    """Plan to evaluate the present month of a store when it has ended."""
    store = await deps.group.store(uow.connection, store_id)
    first = store.local_day(uow.now).replace(day=1)
    await timers.schedule(
        uow,
        EVALUATE_SURVEYS,
        f"{store_id}/{first:%Y-%m}",
        store_id=store_id,
        due_at=store.day_bounds(_next_month(first))[0],
        data={"first_day": first.isoformat()},
    )


async def evaluate_surveys(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Evaluate the answers of a month, and publish which factors were weak."""
    connection, store_id = uow.connection, timer.store_id
    store = await deps.group.store(connection, store_id)
    first = date.fromisoformat(timer.data["first_day"])
    begin, until = store.day_bounds(first)[0], store.day_bounds(_next_month(first))[0]
    found = await persistence.survey_results(connection, store_id, begin, until, store.zone)
    rules = await deps.group.rules_on(connection, SurveyRules, store_id, first)
    whole = [each for each in found.get("store", ()) if not each.factor]
    for each in whole:
        factors = [
            FactorMonth(factor=part.factor, answers=part.answers, mean=part.mean)
            for part in found["store"]
            if part.factor
        ]
        month = Month(f"{first:%Y-%m}", each.answers, each.mean, factors)
        uow.publish(surveys.evaluate_month(store_id, month, rules, uow.now))


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)
