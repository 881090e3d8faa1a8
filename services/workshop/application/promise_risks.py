"""Risks of open promises (承诺风险)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel

from services.workshop import persistence
from services.workshop.application.deps import Deps
from services.workshop.application.snapshots import take_snapshot
from services.workshop.domain.promise_risk import PromiseRisk, confidence_of, update_alerts
from services.workshop.domain.reasons import Reason
from services.workshop.planning.real_time import localize_detail, minute, moment
from shared import timers
from shared.contracts.management import PromiseRules
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

PROMISE_RISK_CHECK = "promise_risk_check"

_CHECK_EVERY = timedelta(minutes=5)


class PromiseRiskView(BaseModel):
    """Probability of keeping the promise, its main risk, and the best new promise.

    ``alerted_at``: since when it counts as at risk, absent while it is not.
    """

    order_id: str
    promised_at: datetime
    probability: float
    cause: str
    detail: Mapping[str, str | int]
    best_promise_at: datetime
    alerted_at: datetime | None

    @classmethod
    def of(cls, promise_risk: PromiseRisk) -> "PromiseRiskView":
        return cls(
            order_id=promise_risk.order_id,
            promised_at=promise_risk.promised_at,
            probability=promise_risk.probability,
            cause=promise_risk.cause.code,
            detail=dict(promise_risk.cause.detail),
            best_promise_at=promise_risk.best_promise_at,
            alerted_at=promise_risk.alerted_at,
        )


async def list_risks(store_id: str, deps: Deps) -> list[PromiseRiskView]:
    """List the risks of all open promises, the least likely to be kept first."""
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.promise_risks(connection, store_id)
    return [PromiseRiskView.of(each) for each in found]


async def schedule_risk_check(uow: UnitOfWork, store_id: str, *, after: timedelta) -> None:
    """Schedule the next check of the open promises."""
    due_at = uow.now + after
    await timers.schedule(uow, PROMISE_RISK_CHECK, store_id, store_id=store_id, due_at=due_at)


@dataclass(frozen=True)
class RiskAssessment:
    """Risks of the open promises, and the rules by which they were assessed."""

    rules: PromiseRules
    promise_risks: Sequence[PromiseRisk]


async def assess_promise_risks(store_id: str, _entity_id: str, deps: Deps) -> RiskAssessment:
    """Assess how likely the open promises are to be kept."""
    snapshot = await take_snapshot(store_id, deps)
    found = await deps.planner.assess_risks(
        snapshot.workshop, confidence_of(snapshot.promises), snapshot.calibration
    )
    workplace = snapshot.workplace
    horizon = minute(snapshot.taken_at + workplace.horizon)
    zone, delivery_lead = workplace.store.timezone, workplace.delivery_lead
    promised = {job.order_id: job.promised_at for job in snapshot.jobs.values()}
    promise_risks = [
        PromiseRisk(
            order_id=risk.order_id,
            promised_at=promised[risk.order_id],
            probability=round(risk.probability, 4),
            cause=Reason(risk.code, localize_detail(risk.detail, zone)),
            best_promise_at=moment(min(risk.best_promise, horizon)) + delivery_lead,
        )
        for risk in found
    ]
    return RiskAssessment(snapshot.promises, promise_risks)


async def check_promise_risks(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Warn of promises that will probably be missed (R9, R12), and schedule the next check."""
    store_id, connection = timer.store_id, uow.connection
    store = await deps.group.store(connection, store_id)
    still_open = {job.order_id for job in await persistence.open_jobs(connection, store_id)}
    assessed: RiskAssessment = timer.prepared
    watched, events = update_alerts(
        [each for each in assessed.promise_risks if each.order_id in still_open],
        {
            each.order_id: each.alerted_at
            for each in await persistence.promise_risks(connection, store_id)
            if each.alerted_at
        },
        store_id=store_id,
        threshold=store.risk_threshold,
        rules=assessed.rules,
        now=uow.now,
    )
    await persistence.save_promise_risks(connection, store_id, watched, uow.now)
    uow.publish(events)
    if still_open:
        await schedule_risk_check(uow, store_id, after=_CHECK_EVERY)
