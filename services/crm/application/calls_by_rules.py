"""Calls that the rules of a store demand each night (回访计划)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.crm import persistence
from services.crm.application.birthdays import birthdays_to_call_about
from services.crm.application.callers import NoAgentError
from services.crm.application.deps import Deps
from services.crm.application.follow_ups import (
    CallingRules,
    Occasion,
    calling_rules,
    plan_follow_ups,
)
from services.crm.application.nightly import BATCH, PLAN_CALLS, schedule_next_batch
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

_SILENCE_DAYS = 30
_BEGIN = ("0001-01-01T00:00:00+00:00", "")


async def plan_calls(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Plan calls about birthdays, and to customers who were silent for long (久未到店).

    The silent ones come a batch at a time.

    Their last visit is as many days ago as the rule says, and up to a month more: who is silent for
    longer has left. A call that was dropped because another one was too close is tried again in the
    next night. The batch that follows begins where this one has ended, also after a restart. While
    the store has no agent, it waits for the next night.

    Raises:
        NotDefinedError: the calendar or the rules of calls are not defined yet.
    """
    store = await deps.group.store(uow.connection, timer.store_id)
    rules = await calling_rules(uow.connection, store, deps)
    night = datetime.fromisoformat(timer.data.get("night", timer.due_at.isoformat()))
    after = timer.data.get("after", _BEGIN)
    found = await _silent_customers(uow, rules, night, after)
    occasions = [
        Occasion("long_silence", customer_ref, order_id, due_at=rules.due_after(uow.now, 1))
        for customer_ref, order_id, _ in found
    ]
    if "after" not in timer.data:
        occasions += await birthdays_to_call_about(uow, rules, deps)
    try:
        await plan_follow_ups(uow, store, occasions, deps)
    except NoAgentError:
        found = []
    more = len(found) == BATCH
    data = None
    if more:
        _, order_id, delivered_at = found[-1]
        data = {"night": night.isoformat(), "after": [delivered_at.isoformat(), order_id]}
    await schedule_next_batch(uow, PLAN_CALLS, store, more=more, data=data)


async def _silent_customers(
    uow: UnitOfWork, rules: CallingRules, night: datetime, after: Sequence[str]
) -> Sequence[tuple[str, str, datetime]]:
    rule = rules.reasons.reasons.get("long_silence")
    if rule is None or rule.after_days is None:
        return []
    until = night - timedelta(days=rule.after_days)
    begin, order_id = datetime.fromisoformat(after[0]), after[1]
    since = max(begin, until - timedelta(days=_SILENCE_DAYS))
    return await persistence.silent_customers(
        uow.connection, rules.store.id, since, order_id, until, BATCH
    )
