"""Records, shifts and labor rates that content may name, as they are decided so far."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from services.management.domain import errors
from services.management.domain.kinds import RULES, Content, kind_of, record_id_of
from services.management.domain.person import Person
from services.management.domain.record import Record, Version, content_on
from services.management.domain.references import Doubt, Key
from shared.contracts.base import GROUP
from shared.contracts.management import LaborOperation, ShiftRules, StoreProfile

_SHIFTS = "shifts"


@dataclass(frozen=True)
class Named:
    """Keys of the records, stores and skills that contents name."""

    records: frozenset[Key] = frozenset()
    stores_with_shifts: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()

    @classmethod
    def of(cls, contents: Sequence[Content]) -> "Named":
        """Return what ``contents`` name."""
        workers = [each for each in contents if isinstance(each, Person) and each.shift]
        return cls(
            frozenset(
                reference.key for each in contents for reference in kind_of(each).references(each)
            ),
            frozenset(post.in_store or GROUP for each in workers for post in each.posts)
            | frozenset({GROUP} if workers else ()),
            frozenset(each.skill_code for each in contents if isinstance(each, LaborOperation)),
        )


@dataclass
class Known:
    """Records with the day from which they have ended, if they have; shifts; skills with a rate.

    ``shifts`` are the versions of the rules on shifts of the group and of stores. A record that
    begins later is known already, so that definitions may come in any order of their days.
    """

    ended_from: dict[Key, date | None] = field(default_factory=dict)
    shifts: dict[str, Sequence[Version]] = field(default_factory=dict)
    rated_skills: set[str] = field(default_factory=set)

    def require(self, changed: Record) -> None:
        """Check what the content of the last change names.

        Raises:
            RuleViolation: a store, a labor operation, a part or a shift is unknown, or has ended on
                the day of the change.
        """
        content, day = changed.changes[-1].content, changed.changes[-1].valid_from
        if content is None:
            return
        for reference in kind_of(content).references(content):
            if not self._holds(reference.key, day):
                raise reference.refusal
        if isinstance(content, Person) and content.shift:
            owners = [GROUP, *(post.in_store for post in content.posts if post.in_store)]
            if content.shift not in self._shifts_of(owners, day):
                raise errors.unknown_shift(content.shift, "content.shift")

    def doubts(self, changed: Record) -> list[Doubt]:
        """Return what may be a mistake in the content of the last change."""
        content = changed.changes[-1].content
        return [] if content is None else list(kind_of(content).doubts(content, self.rated_skills))

    def add(self, changed: Record) -> None:
        """Note what was decided on a record."""
        dated = changed.versions
        last = dated[-1] if dated else None
        key = changed.collection.name, changed.record_id
        if last:
            self.ended_from[key] = None if last.content else last.valid_from
        else:
            self.ended_from.pop(key, None)
        if changed.collection is RULES and changed.code == _SHIFTS:
            self.shifts[changed.store_id] = dated
        for version in dated:
            if isinstance(version.content, StoreProfile):
                self.rated_skills |= version.content.labor_rate_cents.keys()

    def _holds(self, key: Key, day: date) -> bool:
        if key not in self.ended_from:
            return False
        ended_from = self.ended_from[key]
        return ended_from is None or day < ended_from

    def _shifts_of(self, owners: Iterable[str], day: date) -> set[str]:
        """Return the shifts that hold on a day or later."""
        return {
            shift.shift
            for owner in owners
            for content in _from_day(self.shifts.get(owner, ()), day)
            if isinstance(content, ShiftRules)
            for shift in content.shifts
        }


def shifts_record(owner: str) -> str:
    """Return the id of the rules on shifts of a store, or of the group."""
    return record_id_of(RULES, owner, _SHIFTS)


def _from_day(dated: Sequence[Version], day: date) -> list[Content | None]:
    return [
        content_on(dated, day),
        *(version.content for version in dated if version.valid_from > day),
    ]
