"""The group folder as the workshop reads it: operations, technicians, bays and shifts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from services.workshop import planning
from services.workshop.domain.absence import Absence
from services.workshop.domain.resources import (
    BayConfig,
    Operation,
    Shift,
    TechnicianConfig,
    able_technicians,
    find_operation,
    suitable_bays,
)
from services.workshop.planning.real_time import interval
from services.workshop.planning.tasks import PlanningContext
from shared.group import Store, load_stores, read_yaml

HORIZON = timedelta(days=14)
"""Time ahead for which the workshop plans."""


@dataclass(frozen=True)
class WorkshopConfig:
    """Configuration of all workshops of the group."""

    stores: Mapping[str, Store]
    operations: Mapping[str, Operation]
    members: Mapping[str, Sequence[TechnicianConfig]]
    bays: Mapping[str, Sequence[BayConfig]]
    closed: frozenset[date]

    def operation(self, op_code: str) -> Operation:
        """Return an operation of the catalog.

        Raises:
            RuleViolation: it is not there.
        """
        return find_operation(self.operations, op_code)

    def capable(self, op_code: str) -> dict[str, int]:
        """Return by store how many technicians can do the operation, where the store can do it."""
        operation = self.operation(op_code)
        counts = {
            store_id: len(able_technicians(operation, members))
            for store_id, members in self.members.items()
            if suitable_bays(operation, self.bays[store_id])
        }
        return {
            store_id: count for store_id, count in counts.items() if count >= operation.technicians
        }

    def planning_context(self, store_id: str, durations: planning.Durations) -> PlanningContext:
        """Return the context from which tasks of the store's jobs are made, with ``durations``."""
        return PlanningContext(
            operations=self.operations,
            members=self.members[store_id],
            delivery_lead_minutes=self.stores[store_id].delivery_lead_minutes,
            durations=durations,
        )

    def delivery_lead(self, store_id: str) -> timedelta:
        """Return the time between the end of the work and the customer's departure."""
        return timedelta(minutes=self.stores[store_id].delivery_lead_minutes)

    def technicians(
        self,
        store_id: str,
        begin: datetime,
        absences: Iterable[Absence],
        durations: planning.Durations,
        since: datetime | None = None,
    ) -> tuple[planning.Technician, ...]:
        """Return the store's technicians with learned time factors and their working windows.

        The windows reach from ``begin`` to the horizon and leave out absences.

        ``since`` adds the days before, on which work in progress began.
        """
        days = self._open_days(store_id, begin, since or begin)
        away: defaultdict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
        for absence in absences:
            away[absence.technician_id].append((absence.starts_at, absence.ends_at))
        return tuple(
            planning.Technician(
                technician_id=member.technician_id,
                skills=member.skills,
                certificates=member.certificates,
                time_factor=member.time_factor * durations.time_factor(member.technician_id),
                working=self._working(store_id, member, days, away.get(member.technician_id, ())),
            )
            for member in self.members[store_id]
        )

    def shift_end(self, store_id: str, technician_ids: Iterable[str], now: datetime) -> datetime:
        """Return when the last of the technicians goes home today (下班).

        A technician who works outside of a shift, or after it, goes home at the end of the day.
        """
        store = self.stores[store_id]
        today = store.local_day(now)
        ends = [
            store.at(today, member.shift.spans[-1][1])
            for member in self.members[store_id]
            if member.technician_id in technician_ids
            and today.isoweekday() in member.shift.weekdays
            and today not in self.closed
        ]
        return max((end for end in ends if end > now), default=store.day_bounds(today)[1])

    def open_bays(self, store_id: str, begin: datetime) -> tuple[planning.Bay, ...]:
        """Return the store's bays, open during the store's hours."""
        store = self.stores[store_id]
        hours = tuple(
            interval(store.at(day, store.opening), store.at(day, store.closing))
            for day in self._open_days(store_id, begin, begin)
        )
        return tuple(
            planning.Bay(bay.bay_id, bay.capabilities, hours) for bay in self.bays[store_id]
        )

    def _working(
        self,
        store_id: str,
        member: TechnicianConfig,
        days: Iterable[date],
        away: Sequence[tuple[datetime, datetime]],
    ) -> tuple[planning.Interval, ...]:
        store = self.stores[store_id]
        spans = [
            (store.at(day, start), store.at(day, finish))
            for day in days
            if day.isoweekday() in member.shift.weekdays
            for start, finish in member.shift.spans
        ]
        for gone, back in away:
            spans = [
                piece
                for start, finish in spans
                for piece in ((start, min(finish, gone)), (max(start, back), finish))
                if piece[0] < piece[1]
            ]
        return tuple(interval(start, finish) for start, finish in spans)

    def _open_days(self, store_id: str, begin: datetime, since: datetime) -> list[date]:
        first = self.stores[store_id].local_day(since)
        after = self.stores[store_id].local_day(begin) + HORIZON
        days = (first + timedelta(days=later) for later in range((after - first).days))
        return [day for day in days if day not in self.closed]


def load_config(folder: Path) -> WorkshopConfig:
    """Read the group folder once, when the service starts."""
    calendar = read_yaml(folder, "calendar.yaml")
    shifts = {name: shift_of(name, entry) for name, entry in calendar["shifts"].items()}
    staff = read_yaml(folder, "staff.yaml")["staff"]
    bays = read_yaml(folder, "bays.yaml")["bays"]
    stores = load_stores(folder)
    return WorkshopConfig(
        stores=stores,
        operations={
            entry["id"]: _operation(entry)
            for entry in read_yaml(folder, "catalog/operations.yaml")["operations"]
        },
        members={
            store_id: [
                _member(person, shifts)
                for person in staff
                if "technician" in person["roles"] and store_id in person["stores"]
            ]
            for store_id in stores
        },
        bays={
            store_id: [
                BayConfig(bay["id"], bay["type"], frozenset(bay["capabilities"]))
                for bay in bays
                if bay["store"] == store_id
            ]
            for store_id in stores
        },
        closed=frozenset(map(date.fromisoformat, map(str, calendar["closed"]))),
    )


def _operation(entry: Mapping[str, Any]) -> Operation:
    return Operation(
        op_code=entry["id"],
        skill_code=entry["skill_code"],
        level=entry["level"],
        standard_hours=float(entry["standard_hours"]),
        bay_type=entry["bay"],
        technicians=entry["technicians"],
        certificate=entry.get("certificate"),
        process_step=entry.get("process_step"),
    )


def _member(person: Mapping[str, Any], shifts: Mapping[str, Shift]) -> TechnicianConfig:
    return TechnicianConfig(
        technician_id=person["id"],
        name=person["zh"],
        skills=person["skills"],
        certificates=frozenset(person["certificates"]),
        time_factor=float(person["time_factor"]),
        shift=shifts[person["shift"]],
    )


def shift_of(name: str, entry: Mapping[str, Any]) -> Shift:
    """Return a shift of the calendar.

    Raises:
        ValueError: two of its times overlap; the message names the field.
    """
    edges = {"start": entry["start"]}
    for number, pause in enumerate(entry["breaks"]):
        edges |= {f"breaks[{number}].{edge}": pause[edge] for edge in ("start", "finish")}
    edges["finish"] = entry["finish"]
    moments = [time.fromisoformat(text) for text in edges.values()]
    for field, (earlier, later) in zip(list(edges)[1:], pairwise(moments), strict=True):
        if later <= earlier:
            raise ValueError(
                f"calendar.yaml: shifts.{name}.{field} is {later:%H:%M}, "
                f"but what comes before it lasts until {earlier:%H:%M}"
            )
    return Shift(frozenset(entry["weekdays"]), tuple(zip(moments[::2], moments[1::2], strict=True)))
