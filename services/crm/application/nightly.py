"""Nightly runs of a store: renewals, reminders, calls by rules, reviews and duplicates."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from services.crm.application.deps import Deps
from shared import timers
from shared.contracts.management import StoreDefined
from shared.group import Store
from shared.unit_of_work import UnitOfWork

RENEWALS_DUE, SERVICE_REMINDERS_DUE = "renewals_due", "service_reminders_due"
PLAN_CALLS = "plan_calls"
REVIEW_CUSTOMERS = "review_customers"
FIND_DUPLICATES = "find_duplicates"

_RUNS = (RENEWALS_DUE, SERVICE_REMINDERS_DUE, PLAN_CALLS, REVIEW_CUSTOMERS, FIND_DUPLICATES)

BATCH = 500
"""Rows that one transaction of a night changes."""

_NIGHT = time(1)


async def schedule_nights(uow: UnitOfWork, state: StoreDefined, _: Deps) -> None:
    """Have a store's nights begin with each of their runs."""
    store = Store.of(state, uow.now)
    if not store.has_ended:
        for kind in _RUNS:
            await timers.schedule_missing(uow, kind, {store.id: next_night(store, uow.now)})


async def schedule_next_batch(
    uow: UnitOfWork,
    kind: str,
    store: Store,
    *,
    more: bool,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Go on with a night at once while there is ``more``, else with the next night.

    ``data`` says where the next batch begins, where its rows do not. It stands in the transaction
    of the batch, so that a night that stops goes on where it was.
    """
    if not store.has_ended:
        due_at = uow.now if more else next_night(store, uow.now)
        await timers.schedule(uow, kind, store.id, store_id=store.id, due_at=due_at, data=data)


def next_night(store: Store, now: datetime) -> datetime:
    """Return when the store's next night begins."""
    day = store.local_day(now)
    due_at = store.at(day, _NIGHT)
    return due_at if due_at > now else store.at(day + timedelta(days=1), _NIGHT)
