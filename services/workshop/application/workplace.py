"""The store's workshop as master data describes it, read in the transaction that needs it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.workshop import persistence, planning
from services.workshop.domain.absence import Absence
from services.workshop.domain.resources import (
    BayConfig,
    Operation,
    TechnicianConfig,
    find_operation,
)
from services.workshop.domain.roster import Roster, WorkingDay
from services.workshop.planning.real_time import interval
from services.workshop.planning.tasks import PlanningContext
from shared.contracts.base import State
from shared.contracts.dated import content_on
from shared.contracts.management import (
    BayDefined,
    CatalogItemDefined,
    LaborOperation,
    PersonDefined,
    RuleSetDefined,
    StoreDefined,
    WorkingCalendarRules,
    WorkshopRules,
)
from shared.db import Connection
from shared.group import GROUP_ZONE, Group, Store
from shared.master_data import NotDefinedError
from shared.working_calendar import calendar_of

Operations = Mapping[str, Operation]
"""Labor operations by their codes."""

_OPERATION = "operation:"

_OTHER_STORES = 50
"""Number of other stores that are asked whether they can do an operation."""

_Qualification = tuple[tuple[tuple[str, int], ...], frozenset[str]]
"""Levels by skill, and certificates."""


@dataclass(frozen=True)
class Workplace:
    """Workshop of one store (车间) as of ``today``: the store, its technicians, bays and shifts.

    ``rules`` are those of today.
    """

    store: Store
    today: date
    roster: Roster
    rules: WorkshopRules

    @property
    def horizon(self) -> timedelta:
        """Time ahead for which the workshop plans."""
        return timedelta(days=self.rules.planning_days)

    @property
    def members(self) -> Sequence[TechnicianConfig]:
        """Technicians of today."""
        return self.roster.technicians_on(self.today)

    @property
    def bays(self) -> Sequence[BayConfig]:
        """Bays of today."""
        return self.roster.bays_on(self.today)

    @property
    def delivery_lead(self) -> timedelta:
        """Time between the end of the work and the customer's departure."""
        return timedelta(minutes=self.store.delivery_lead_minutes)

    def planning_context(
        self, operations: Operations, durations: planning.Durations
    ) -> PlanningContext:
        """Return the context from which tasks of the store's jobs are made, with ``durations``."""
        return PlanningContext(
            operations=operations,
            members=self.members,
            delivery_lead_minutes=self.store.delivery_lead_minutes,
            durations=durations,
        )

    def technicians(
        self,
        begin: datetime,
        absences: Iterable[Absence],
        durations: planning.Durations,
        since: datetime | None = None,
        horizon: timedelta | None = None,
    ) -> tuple[planning.Technician, ...]:
        """Return the store's technicians with learned time factors and their working windows.

        The windows reach from ``begin`` to the horizon, by default that of the workshop's plans,
        and leave out leave and absences.

        ``since`` adds the days before, on which work in progress began.
        """
        day = self.store.local_day(begin)
        first = self.store.local_day(since or begin)
        until = day + (horizon or self.horizon)
        present = {each.technician_id: each for each in self.roster.technicians_on(day)}
        return tuple(
            _technician(present.get(who) or days[-1].technician, days, durations)
            for who, days in self.roster.working_days(first, until, absences).items()
        )

    def open_bays(self, begin: datetime) -> tuple[planning.Bay, ...]:
        """Return the store's bays, open during the store's hours from ``begin`` to the horizon."""
        day = self.store.local_day(begin)
        return tuple(
            planning.Bay(bay_id, bay.capabilities, tuple(interval(*each) for each in hours))
            for bay_id, (bay, hours) in self.roster.bay_hours(day, day + self.horizon).items()
        )

    def shift_end(self, technician_ids: Iterable[str], now: datetime) -> datetime:
        """Return when the last of the technicians goes home (下班).

        A technician who works outside of a shift, or after it, goes home at the end of the day.
        """
        end = self.roster.shift_end(technician_ids, now)
        return end or self.store.day_bounds(self.store.local_day(now))[1]


async def read_workplace(connection: Connection, store_id: str, group: Group) -> Workplace:
    """Return the workshop of a store as the transaction sees it now.

    Raises:
        NotDefinedError: management has not announced the store or the working calendar yet.
    """
    found = await read_workplaces(connection, [store_id], group)
    if store_id not in found:
        raise NotDefinedError(f"profiles of the store {store_id}")
    return found[store_id]


async def read_workplaces(
    connection: Connection, store_ids: Collection[str], group: Group
) -> dict[str, Workplace]:
    """Return the workshops of those of the stores that are known.

    Raises:
        NotDefinedError: management has not announced the working calendar yet.
    """
    data, now = group.master_data, group.clock.now()
    stores = await data.get(connection, StoreDefined, store_ids)
    staff = await data.of_stores(connection, PersonDefined, store_ids)
    bays = await data.of_stores(connection, BayDefined, store_ids)
    own_shifts = {store_id: f"shifts.{store_id}" for store_id in store_ids}
    rules = await data.get(
        connection, RuleSetDefined, ["working_calendar", "shifts", *own_shifts.values()]
    )
    closed = _closed_days(rules.get("working_calendar"), now)
    days = {store_id: Store.of(state, now).local_day(now) for store_id, state in stores.items()}
    workshop_rules = await group.rules_on_days(connection, WorkshopRules, days)
    workplaces = {}
    for store_id, state in stores.items():
        store = Store.of(state, now)
        shifts = (rules.get(each) for each in ("shifts", own_shifts[store_id]))
        roster = Roster(
            store_id=store_id,
            zone=store.timezone,
            hours=state.versions,
            staff={key: each.versions for key, each in staff.items() if _concerns(each, store_id)},
            bays={key: each.versions for key, each in bays.items() if _concerns(each, store_id)},
            shifts=[each.versions for each in shifts if each],
            closed=closed,
        )
        workplaces[store_id] = Workplace(store, days[store_id], roster, workshop_rules[store_id])
    return workplaces


async def capable_elsewhere(
    connection: Connection, op_code: str, workplace: Workplace, group: Group
) -> dict[str, int]:
    """Return by store how many technicians can do the operation, where the store can do it.

    Only a bounded number of other stores is looked at, first those of the same city.
    """
    store_ids = await persistence.nearest_stores(connection, workplace.store.id, _OTHER_STORES)
    operation = (await read_operations(connection, [op_code], group))[op_code]
    others = await read_workplaces(connection, store_ids, group)
    counts = {
        store_id: other.roster.capable_technicians(operation, other.today)
        for store_id, other in others.items()
    }
    return {store_id: count for store_id, count in counts.items() if count}


async def read_operations(
    connection: Connection, op_codes: Iterable[str], group: Group
) -> dict[str, Operation]:
    """Return operations that were ordered; one that is no longer offered is as it was at last.

    Raises:
        NotDefinedError: management has not announced one of them yet.
    """
    wanted = set(op_codes)
    found = await _operations(connection, wanted, group)
    if missing := wanted - found.keys():
        raise NotDefinedError(f"operations {', '.join(sorted(missing))}")
    return {op_code: operation for op_code, (operation, _) in found.items()}


async def require_offered(connection: Connection, op_codes: Iterable[str], group: Group) -> None:
    """Refuse operations that the group does not offer today."""
    wanted = list(op_codes)
    found = await _operations(connection, set(wanted), group)
    offered = {
        op_code: operation for op_code, (operation, is_offered) in found.items() if is_offered
    }
    for op_code in wanted:
        find_operation(offered, op_code)


async def _operations(
    connection: Connection, op_codes: Collection[str], group: Group
) -> dict[str, tuple[Operation, bool]]:
    """Return the operations with their last content until today, and whether that still holds."""
    today = group.clock.now().astimezone(GROUP_ZONE).date()
    keys = [f"{_OPERATION}{op_code}" for op_code in sorted(op_codes)]
    found = {}
    for key, state in (await group.master_data.get(connection, CatalogItemDefined, keys)).items():
        op_code = key.removeprefix(_OPERATION)
        contents = [
            version.content
            for version in state.versions
            if version.valid_from <= today.isoformat()
            and isinstance(version.content, LaborOperation)
        ]
        if contents:
            is_offered = content_on(state.versions, today) is not None
            found[op_code] = Operation.of(op_code, contents[-1]), is_offered
    return found


def _technician(
    present: TechnicianConfig, days: Sequence[WorkingDay], durations: planning.Durations
) -> planning.Technician:
    """Return the technician with all working time.

    Where the qualifications change within it, the time of each is given.
    """
    qualifications: dict[_Qualification, list[planning.Interval]] = {_qualification(present): []}
    for day in days:
        windows = [interval(start, finish) for start, finish in day.spans]
        if windows:
            qualifications.setdefault(_qualification(day.technician), []).extend(windows)
    return planning.Technician(
        technician_id=present.technician_id,
        skills=present.skills,
        certificates=present.certificates,
        time_factor=present.time_factor * durations.time_factor(present.technician_id),
        working=tuple(interval(*span) for day in days for span in day.spans),
        qualifications=tuple(
            planning.Qualification(dict(skills), certificates, tuple(windows))
            for (skills, certificates), windows in qualifications.items()
        )
        if len(qualifications) > 1
        else (),
    )


def _qualification(technician: TechnicianConfig) -> _Qualification:
    return tuple(sorted(technician.skills.items())), technician.certificates


def _closed_days(calendar: RuleSetDefined | None, now: datetime) -> frozenset[date]:
    today = now.astimezone(GROUP_ZONE).date()
    content = content_on(calendar.versions, today) if calendar else None
    if not isinstance(content, WorkingCalendarRules):
        raise NotDefinedError("working calendars")
    return calendar_of(content).closed


def _concerns(state: State, store_id: str) -> bool:
    return store_id in state.for_stores
