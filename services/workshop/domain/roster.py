"""Roster of a store (排班): opening hours, technicians, bays and shifts on each day.

They follow from the records that management has published, each with all its dated versions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from itertools import chain

from services.workshop.domain.absence import Absence
from services.workshop.domain.job import Assignment
from services.workshop.domain.resources import (
    BayConfig,
    Operation,
    Shift,
    Span,
    TechnicianConfig,
    able_technicians,
    suitable_bays,
)
from shared.contracts.dated import content_on
from shared.contracts.management import (
    BAY_TYPES,
    BayVersion,
    RuleVersion,
    ShiftRules,
    StaffProfile,
    StaffVersion,
    StoreVersion,
)

_TECHNICIAN = "technician"


@dataclass(frozen=True)
class WorkingDay:
    """A technician on one day, with the working time of the shift that starts on it."""

    technician: TechnicianConfig
    spans: Sequence[Span]


@dataclass(frozen=True)
class Roster:
    """Records of one store, whose days are those of ``zone``.

    ``shifts`` are the versions of the group's shifts and of the store's own, which replace the
    group's of the same code.
    ``closed`` are days on which the store is closed, besides those that its own record names.
    """

    store_id: str
    zone: tzinfo
    hours: Sequence[StoreVersion]
    staff: Mapping[str, Sequence[StaffVersion]]
    bays: Mapping[str, Sequence[BayVersion]]
    shifts: Sequence[Sequence[RuleVersion]]
    closed: frozenset[date]

    def technicians_on(self, day: date) -> list[TechnicianConfig]:
        """Return the technicians of the store as their records are on ``day``."""
        shifts = self._shifts_on(day)
        profiles = (
            (person_id, content_on(versions, day)) for person_id, versions in self.staff.items()
        )
        return [
            TechnicianConfig.of(person_id, profile, day, shifts)
            for person_id, profile in profiles
            if profile and self._employs(profile)
        ]

    def bays_on(self, day: date) -> list[BayConfig]:
        """Return the bays of the store as their records are on ``day``."""
        contents = ((bay_id, content_on(versions, day)) for bay_id, versions in self.bays.items())
        profiles = [(bay_id, profile) for bay_id, profile in contents if profile]
        profiles.sort(key=lambda each: (BAY_TYPES.index(each[1].type), each[1].number, each[0]))
        return [BayConfig.of(bay_id, profile) for bay_id, profile in profiles]

    def opening_on(self, day: date) -> Span | None:
        """Return when the store opens and closes on ``day``; None on a closed day."""
        profile = content_on(self.hours, day)
        if profile is None or day in self.closed or day.isoformat() in profile.closed_days:
            return None
        opening, closing = map(time.fromisoformat, (profile.opening, profile.closing))
        return datetime.combine(day, opening, self.zone), datetime.combine(day, closing, self.zone)

    def working_days(
        self, first: date, after: date, absences: Iterable[Absence] = ()
    ) -> dict[str, list[WorkingDay]]:
        """Return the days from ``first`` until before ``after`` of each technician, less absences.

        A shift that began on the day before ``first`` and ends on it counts to its own day.
        """
        away: dict[str, list[Span]] = {}
        for absence in absences:
            away.setdefault(absence.technician_id, []).append((absence.starts_at, absence.ends_at))
        midnight = datetime.combine(first, time.min, self.zone)
        found: dict[str, list[WorkingDay]] = {each: [] for each in self.staff}
        for day in _days(first - timedelta(days=1), after):
            is_open = self.opening_on(day) is not None
            for technician in self.technicians_on(day):
                who = technician.technician_id
                spans = technician.shift.spans_on(day, self.zone) if is_open else []
                spans = [span for span in spans if span[1] > midnight]
                if day >= first or spans:
                    found[who].append(WorkingDay(technician, _without(spans, away.get(who, ()))))
        return {who: days for who, days in found.items() if days}

    def bay_hours(self, first: date, after: date) -> dict[str, tuple[BayConfig, list[Span]]]:
        """Return each bay with its open hours from ``first`` until before ``after``.

        It can be used as on the first of these days.
        """
        found: dict[str, tuple[BayConfig, list[Span]]] = {}
        for day in _days(first, after):
            hours = self.opening_on(day)
            for bay in self.bays_on(day):
                _, open_hours = found.setdefault(bay.bay_id, (bay, []))
                open_hours.extend([hours] if hours else [])
        return found

    def shift_end(self, technician_ids: Iterable[str], now: datetime) -> datetime | None:
        """Return when the last of the technicians goes home whose shift is not over (下班).

        That is the shift of today, or of yesterday if it passes midnight.
        """
        today = now.astimezone(self.zone).date()
        days = self.working_days(today, today + timedelta(days=1))
        spans = (day.spans for who in technician_ids for day in days.get(who, ()))
        return max((end for _, end in chain.from_iterable(spans) if end > now), default=None)

    def serves(self, assignment: Assignment) -> bool:
        """Return whether its bay is open, and its technicians are here, on the day it begins."""
        day = assignment.starts_at.astimezone(self.zone).date()
        here = {each.technician_id: each.shift.weekdays for each in self.technicians_on(day)}
        return any(bay.bay_id == assignment.bay_id for bay in self.bays_on(day)) and all(
            here.get(each) for each in assignment.technician_ids
        )

    def capable_technicians(self, operation: Operation, day: date) -> int:
        """Return how many technicians can do the operation on ``day``; 0 if the store cannot."""
        count = len(able_technicians(operation, self.technicians_on(day)))
        is_capable = count >= operation.technicians and suitable_bays(operation, self.bays_on(day))
        return count if is_capable else 0

    def _employs(self, profile: StaffProfile) -> bool:
        """Return whether the person works as a technician in this store.

        Of technicians in several stores the hours count once: where their full-time post is.
        """
        stores = [each for each in profile.posts if each.in_store and each.role == _TECHNICIAN]
        main = min(stores, key=lambda post: not post.full_time, default=None)
        return main is not None and main.in_store == self.store_id

    def _shifts_on(self, day: date) -> dict[str, Shift]:
        contents = [content_on(versions, day) for versions in self.shifts]
        return {
            pattern.shift: Shift.of(pattern)
            for content in contents
            if isinstance(content, ShiftRules)
            for pattern in content.shifts
        }


def _days(first: date, after: date) -> Iterable[date]:
    return (first + timedelta(days=later) for later in range((after - first).days))


def _without(spans: Sequence[Span], away: Iterable[Span]) -> Sequence[Span]:
    """Return the spans less the time away."""
    for gone, back in away:
        spans = [
            piece
            for start, finish in spans
            for piece in ((start, min(finish, gone)), (max(start, back), finish))
            if piece[0] < piece[1]
        ]
    return spans
