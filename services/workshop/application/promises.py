"""Promises in the workshop: revised by reception, recorded with their hold, and scored.

The scores are what the store learns for its next promises (承诺校准). Reception decides on the
promise; whether the plan keeps it, ``application/promise_risks.py`` watches.

Every function runs inside a unit of work in which the store's plan is locked.

The calibration records whether the order's last job is finished by the moment that was to hold with
just the confidence of the hold, even if the customer was promised a later time.
"""

from collections.abc import Sequence
from dataclasses import replace

from services.workshop import persistence
from services.workshop.application.deps import Deps
from services.workshop.application.replanning import request_replan
from services.workshop.domain import job as jobs
from services.workshop.domain.hold import Hold
from services.workshop.domain.job import Job, is_unfinished
from services.workshop.domain.promise_record import PromiseRecord
from services.workshop.planning.expectation import score_finish
from shared import timers
from shared.contracts.reception import PromisedTimeRevised
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

PROMISE_DUE = "promise_due"


async def revise_promise(uow: UnitOfWork, event: PromisedTimeRevised, _deps: Deps) -> None:
    """Revise the promise of an order (承诺变更) and request a replan."""
    store_id = event.store_id
    order_jobs = await persistence.jobs_of_order(uow.connection, store_id, event.order_id)
    await persistence.save_jobs(uow, jobs.promise(order_jobs, event.promised_at))
    await request_replan(uow, store_id)


async def record_promise(uow: UnitOfWork, order_id: str, hold: Hold) -> None:
    """Record the promise of an order that rests on ``hold``."""
    promise = PromiseRecord(
        store_id=hold.store_id,
        order_id=order_id,
        due_at=hold.calibrated_at,
        confidence=round(hold.confidence, 2),
        expected_at=hold.expected_at,
        spread_minutes=hold.spread_minutes,
    )
    await persistence.save_promise_record(uow.connection, promise)
    await timers.schedule(uow, PROMISE_DUE, order_id, store_id=hold.store_id, due_at=promise.due_at)


async def delete_promise(uow: UnitOfWork, store_id: str, order_id: str) -> None:
    """Delete the promise of an order that will not be done."""
    await persistence.delete_promise(uow.connection, store_id, order_id)
    await timers.cancel(uow, PROMISE_DUE, order_id)


async def record_missed_promise(uow: UnitOfWork, timer: Timer, _deps: Deps) -> None:
    """Record a promise as broken if its work, due by now, is not done."""
    connection, store_id, order_id = uow.connection, timer.store_id, timer.entity_id
    promise = await persistence.read_promise_record(connection, store_id, order_id)
    order_jobs = await persistence.jobs_of_order(connection, store_id, order_id)
    if promise and not promise.scored and any(map(is_unfinished, order_jobs)):
        learned_model = await persistence.read_learned_model(connection, store_id)
        calibration = learned_model.calibration.with_outcome(promise.confidence, kept=False)
        await persistence.save_calibration(connection, store_id, calibration)
        await persistence.save_promise_record(connection, replace(promise, scored=True))


async def score_promise(uow: UnitOfWork, order_jobs: Sequence[Job], deps: Deps) -> None:
    """Score the promise of an order whose jobs are all done and accepted."""
    store_id, order_id = order_jobs[0].store_id, order_jobs[0].order_id
    promise = await persistence.read_promise_record(uow.connection, store_id, order_id)
    finished_at = max((job.finished_at for job in order_jobs if job.finished_at), default=None)
    if promise is None or finished_at is None:
        return
    learned_model = await persistence.read_learned_model(uow.connection, store_id)
    calibration = learned_model.calibration
    if not promise.scored:
        kept = finished_at <= promise.due_at
        calibration = calibration.with_outcome(promise.confidence, kept)
    begin = min(promise.expected_at, finished_at)
    absences = await persistence.absences_after(uow.connection, store_id, begin)
    workplace = await deps.workplace(uow.connection, store_id)
    technicians = workplace.technicians(begin, absences, learned_model.durations)
    score = score_finish(technicians, promise.expected_at, promise.spread_minutes, finished_at)
    await persistence.save_calibration(uow.connection, store_id, calibration.with_score(score))
    await delete_promise(uow, store_id, order_id)
