"""The deadlines of the workshop."""

from collections.abc import Mapping

from services.workshop.application import (
    active_work,
    assignments,
    clocks,
    holds,
    learning,
    load,
    master_data,
    promise_risks,
    promises,
    replanning,
    staffing,
)
from services.workshop.application.deps import Deps
from services.workshop.application.plan_changes import begin_plan_change, lock_plan
from shared.timers import TimerHandler

TIMERS: Mapping[str, TimerHandler[Deps]] = {
    replanning.REPLAN: TimerHandler(replanning.apply_replan, lock_plan, replanning.compute_replan),
    load.CAPACITY: TimerHandler(load.announce_capacity, lock_plan),
    promises.PROMISE_DUE: TimerHandler(promises.record_missed_promise, begin_plan_change),
    holds.HOLD_EXPIRY: TimerHandler(holds.expire_hold, begin_plan_change),
    active_work.OVERRUN: TimerHandler(active_work.extend_overrun, begin_plan_change),
    assignments.START_DUE: TimerHandler(replanning.replan_late_start, lock_plan),
    replanning.IMPROVE: TimerHandler(
        replanning.apply_improvement, lock_plan, replanning.compute_improvement
    ),
    promise_risks.PROMISE_RISK_CHECK: TimerHandler(
        promise_risks.check_promise_risks, prepare=promise_risks.assess_promise_risks
    ),
    learning.LEARN: TimerHandler(
        learning.apply_learned_durations, prepare=learning.learn_durations
    ),
    master_data.REPLAN_STORES: TimerHandler(master_data.replan_stores),
    master_data.BAY_CHANGES: TimerHandler(master_data.replan_changed_bay),
    staffing.STAFFING: TimerHandler(staffing.report_shortages, prepare=staffing.analyze),
    clocks.AUTO_CLOCK_OUT: TimerHandler(clocks.clock_out_automatically, begin_plan_change),
}
