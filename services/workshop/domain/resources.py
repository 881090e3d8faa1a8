"""Operations, technicians and bays, and their fitness for a job (资质与工位)."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Protocol

from shared.contracts.management import BayProfile, LaborOperation, ShiftPattern, StaffProfile
from shared.contracts.violations import unknown, unknown_code

Span = tuple[datetime, datetime]
"""Stretch of time from its start until its end."""


@dataclass(frozen=True)
class Operation:
    """A labor operation (维修项目) and its requirements."""

    op_code: str
    skill_code: str
    level: int
    standard_hours: float
    bay_type: str
    technicians: int
    certificate: str | None
    process_step: str | None

    @classmethod
    def of(cls, op_code: str, content: LaborOperation) -> "Operation":
        """Return the operation as the catalog has it."""
        return cls(
            op_code=op_code,
            skill_code=content.skill_code,
            level=content.level,
            standard_hours=content.standard_hours,
            bay_type=content.bay,
            technicians=content.technicians,
            certificate=content.certificate,
            process_step=content.process_step,
        )


@dataclass(frozen=True)
class Shift:
    """Working time of a weekday pattern (班次), local to the store.

    Times at or before its start are those of the next day; all of it counts to the day it starts.
    """

    weekdays: frozenset[int]
    spans: tuple[tuple[time, time], ...]

    @classmethod
    def of(cls, pattern: ShiftPattern) -> "Shift":
        """Return the shift less its breaks."""
        pauses = [edge for each in pattern.breaks for edge in (each.start, each.finish)]
        edges = [time.fromisoformat(text) for text in (pattern.start, *pauses, pattern.finish)]
        spans = tuple(zip(edges[::2], edges[1::2], strict=True))
        return cls(frozenset(pattern.weekdays), spans)

    def spans_on(self, day: date, zone: tzinfo) -> list[Span]:
        """Return the working time of the shift that starts on ``day``, if one does."""
        if day.isoweekday() not in self.weekdays:
            return []
        begin, next_day = self.spans[0][0], day + timedelta(days=1)
        return [
            (
                datetime.combine(day if start >= begin else next_day, start, zone),
                datetime.combine(day if finish > begin else next_day, finish, zone),
            )
            for start, finish in self.spans
        ]


OFF_DUTY = Shift(frozenset(), ())
"""Shift of those who have none."""


@dataclass(frozen=True)
class TechnicianConfig:
    """A technician (技师) of one store, as their record is on one day."""

    technician_id: str
    skills: Mapping[str, int]
    certificates: frozenset[str]
    time_factor: float
    shift: Shift

    @classmethod
    def of(
        cls, technician_id: str, profile: StaffProfile, day: date, shifts: Mapping[str, Shift]
    ) -> "TechnicianConfig":
        """Return the technician as ``profile`` is on ``day``, with the certificates then valid.

        One on leave has no shift.
        """
        today = day.isoformat()
        on_leave = any(each.first_day <= today <= each.last_day for each in profile.leave)
        return cls(
            technician_id=technician_id,
            skills=profile.skills,
            certificates=frozenset(
                each.certificate
                for each in profile.certificates
                if (each.valid_from or today) <= today <= (each.expires_on or today)
            ),
            time_factor=profile.time_factor,
            shift=OFF_DUTY if on_leave else shifts.get(profile.shift or "", OFF_DUTY),
        )


@dataclass(frozen=True)
class BayConfig:
    """A bay (工位) of one store."""

    bay_id: str
    type: str
    capabilities: frozenset[str]

    @classmethod
    def of(cls, bay_id: str, profile: BayProfile) -> "BayConfig":
        """Return the bay as its record is."""
        return cls(bay_id, profile.type, frozenset(profile.capabilities))


class Demanding(Protocol):
    """Work that demands a skill at a level, perhaps a certificate, and a type of bay."""

    @property
    def skill_code(self) -> str: ...
    @property
    def level(self) -> int: ...
    @property
    def certificate(self) -> str | None: ...
    @property
    def bay_type(self) -> str: ...


class Skilled(Protocol):
    """A technician's certificates and levels by skill."""

    @property
    def skills(self) -> Mapping[str, int]: ...
    @property
    def certificates(self) -> AbstractSet[str]: ...


class Equipped(Protocol):
    """A bay's types."""

    @property
    def capabilities(self) -> AbstractSet[str]: ...


def has_level(work: Demanding, technician: Skilled) -> bool:
    """Return whether the technician has the skill at the level demanded."""
    return technician.skills.get(work.skill_code, 0) >= work.level


def missing_qualification(work: Demanding, technician: Skilled) -> str | None:
    """Return the skill or certificate that the work demands and the technician lacks."""
    if not has_level(work, technician):
        return f"{work.skill_code} {work.level}"
    if work.certificate is not None and work.certificate not in technician.certificates:
        return work.certificate
    return None


def is_qualified(work: Demanding, technician: Skilled) -> bool:
    """Return whether the technician has the skill at the level demanded, and the certificate."""
    return missing_qualification(work, technician) is None


def is_suitable(work: Demanding, bay: Equipped) -> bool:
    """Return whether the work can be done in the bay."""
    return work.bay_type in bay.capabilities


def able_technicians(work: Demanding, members: Iterable[TechnicianConfig]) -> list[str]:
    """Return the ids of the technicians who are qualified for the work."""
    return [member.technician_id for member in members if is_qualified(work, member)]


def suitable_bays(work: Demanding, bays: Iterable[BayConfig]) -> list[str]:
    """Return the ids of the bays in which the work can be done."""
    return [bay.bay_id for bay in bays if is_suitable(work, bay)]


def find_operation(operations: Mapping[str, Operation], op_code: str) -> Operation:
    """Return an operation of the catalog.

    Raises:
        RuleViolation: it is not there.
    """
    operation = operations.get(op_code)
    if operation is None:
        raise unknown_code("op_codes", op_code)
    return operation


def find_technician(members: Sequence[TechnicianConfig], technician_id: str) -> TechnicianConfig:
    """Return a technician of the store.

    Raises:
        RuleViolation: no technician of the store has that id.
    """
    for member in members:
        if member.technician_id == technician_id:
            return member
    raise unknown("technician_id", technician_id)


def find_bay(bays: Sequence[BayConfig], bay_id: str) -> BayConfig:
    """Return a bay of the store.

    Raises:
        RuleViolation: no bay of the store has that id.
    """
    for bay in bays:
        if bay.bay_id == bay_id:
            return bay
    raise unknown("bay_id", bay_id)
