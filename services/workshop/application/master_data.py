"""What a change of master data does to the plans of the stores (主数据变更).

A change takes effect in the next transaction. The plan of a store that has planned anything is
computed again at once, like after each disturbance, and its free capacity is published. Planned
work that a technician or a bay can no longer take moves, with the reason ``technician_absent``,
``not_qualified`` or ``bay_closed``; work in progress stays where it is. A bay can be used as on the
day of the plan, so that a plan is computed again when a version of a bay begins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time

from services.workshop import persistence
from services.workshop.application.deps import Deps
from services.workshop.application.replanning import request_replan
from shared import timers
from shared.contracts.base import GROUP
from shared.contracts.management import BayDefined, PersonDefined, RuleSetDefined, StoreDefined
from shared.envelope import ReceivedEvent
from shared.group import GROUP_ZONE, Store
from shared.master_data import MasterData
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

REPLAN_STORES = "replan_stores"
BAY_CHANGES = "bay_changes"

_STORES_AT_ONCE = 200


async def request_replans(
    uow: UnitOfWork, by_store: Mapping[str, Sequence[ReceivedEvent]], _deps: Deps
) -> None:
    """Request replans of the stores that changed, or of all stores, if a plan depends on it."""
    causes = {
        store_id: relevant[-1].envelope
        for store_id, batch in by_store.items()
        if (relevant := [received for received in batch if _is_relevant(received.event)])
    }
    for store_id, batch in by_store.items():
        for received in batch:
            bay = received.event
            if isinstance(bay, BayDefined) and (days := _days_to_come(bay, uow.now)):
                caused = uow.caused_by(received.envelope.causation, received.envelope.time)
                async with caused.limited_to(store_id) as limited:
                    await _schedule_bay_changes(limited, bay.record_id, days)
    if of_group := causes.pop(GROUP, None):
        caused = uow.caused_by(of_group.causation, of_group.time)
        await _schedule_stores_after(caused, "")
    for store_id in await persistence.planned_stores(uow.connection, causes):
        cause = causes[store_id]
        await _replan(uow.caused_by(cause.causation, cause.time), store_id)


async def replan_changed_bay(uow: UnitOfWork, timer: Timer, _deps: Deps) -> None:
    """Compute the plan again on the day on which a bay changes."""
    for store_id in await persistence.planned_stores(uow.connection, [timer.store_id]):
        await _replan(uow, store_id)


async def _schedule_bay_changes(uow: UnitOfWork, bay_id: str, days: Sequence[date]) -> None:
    """Have the plan computed again when each version of a bay begins."""
    found = await MasterData().get(uow.connection, StoreDefined, [uow.store_id])
    zone = Store.of(found[uow.store_id], uow.now).timezone if found else GROUP_ZONE
    for day in days:
        begin = datetime.combine(day, time.min, zone)
        await timers.schedule(
            uow, BAY_CHANGES, f"{bay_id}/{day}", store_id=uow.store_id, due_at=begin
        )


def _days_to_come(bay: BayDefined, now: datetime) -> list[date]:
    """Return the days from tomorrow on, in the zone of the group, on which a bay changes."""
    today = now.astimezone(GROUP_ZONE).date().isoformat()
    return [date.fromisoformat(each.valid_from) for each in bay.versions if each.valid_from > today]


async def replan_stores(uow: UnitOfWork, timer: Timer, _deps: Deps) -> None:
    """Request replans of the next stores, after what concerns all of them has changed."""
    after: str = timer.data["after"]
    store_ids = await persistence.stores_after(uow.connection, after, _STORES_AT_ONCE)
    wide = replace(uow, stores=uow.stores.union(store_ids))
    async with wide.limited_to(*store_ids) as limited:
        for store_id in await persistence.planned_stores(limited.connection, store_ids):
            await _replan(limited, store_id)
    if len(store_ids) == _STORES_AT_ONCE:
        await _schedule_stores_after(uow, store_ids[-1])


async def _replan(uow: UnitOfWork, store_id: str) -> None:
    async with uow.limited_to(store_id) as limited:
        await persistence.begin_plan_change(limited.connection, store_id)
        await request_replan(limited, store_id)


async def _schedule_stores_after(uow: UnitOfWork, store_id: str) -> None:
    await timers.schedule(
        uow,
        REPLAN_STORES,
        GROUP,
        store_id=GROUP,
        due_at=uow.now,
        data={"after": store_id},
    )


def _is_relevant(state: object) -> bool:
    """Return whether the plan of a store depends on the record."""
    if isinstance(state, RuleSetDefined):
        return state.record_id.partition(".")[0] in (
            "shifts",
            "working_calendar",
            "workshop",
        )
    return isinstance(state, BayDefined | PersonDefined | StoreDefined)
