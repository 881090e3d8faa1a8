"""Records, shifts and labor rates that content may name, as they are decided so far."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from services.management.domain import errors
from services.management.domain.kinds import PRICES, RULES, Content, kind_of, record_id_of
from services.management.domain.person import Person
from services.management.domain.prices import priced_item
from services.management.domain.record import Record, Version, content_on, versions
from services.management.domain.references import Beside, Doubt, Key, Reference
from shared.contracts.base import GROUP
from shared.contracts.management import (
    LaborOperation,
    PartMaster,
    PartPrice,
    ShiftRules,
    StoreProfile,
)

_SHIFTS = "shifts"


@dataclass(frozen=True)
class Given:
    """Content that a manager gives, with the owner and the code of its record."""

    store_id: str
    code: str
    content: Content

    @property
    def references(self) -> Iterable[Reference]:
        return kind_of(self.content).references(self.content, self.store_id, self.code)


@dataclass(frozen=True)
class Named:
    """Keys of the records, stores, skills and price lists that contents name.

    ``costs`` are the keys of the parts whose costs matter, ``stores`` the codes of the stores that
    the contents describe.
    """

    records: frozenset[Key] = frozenset()
    stores_with_shifts: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    costs: frozenset[Key] = frozenset()
    price_lists: frozenset[str] = frozenset()
    stores: frozenset[str] = frozenset()

    @classmethod
    def of(cls, given: Sequence[Given]) -> "Named":
        """Return what contents name."""
        contents = [each.content for each in given]
        workers = [each for each in contents if isinstance(each, Person) and each.shift]
        priced = [each for each in given if kind_of(each.content).collection is PRICES]
        lists = {priced_item(each.store_id, each.code).price_list for each in priced}
        return cls(
            frozenset(reference.key for each in given for reference in each.references),
            frozenset(post.in_store or GROUP for each in workers for post in each.posts)
            | frozenset({GROUP} if workers else ()),
            frozenset(each.skill_code for each in contents if isinstance(each, LaborOperation)),
            frozenset(
                reference.key
                for each in priced
                if isinstance(each.content, PartPrice)
                for reference in each.references
            ),
            frozenset(each for each in lists if each is not None),
            frozenset(each.code for each in given if isinstance(each.content, StoreProfile)),
        )


@dataclass
class Known:
    """Records with the day from which they have ended, if they have; shifts; skills with a rate.

    ``shifts`` are the versions of the rules on shifts of the group and of stores, ``parts`` those
    of parts, ``price_lists`` the lists that hold in a store, ``stores`` the codes of stores that
    differ at most by case from those described, ``beside`` the ids of records that hold, next to
    those that do not. A record that begins later is known already, so that
    definitions may come in any order of their days.
    """

    ended_from: dict[Key, date | None] = field(default_factory=dict)
    shifts: dict[str, Sequence[Version]] = field(default_factory=dict)
    rated_skills: set[str] = field(default_factory=set)
    parts: dict[Key, Sequence[Version]] = field(default_factory=dict)
    price_lists: set[str] = field(default_factory=set)
    stores: set[str] = field(default_factory=set)
    beside: Mapping[Key, Sequence[str]] = field(default_factory=dict)

    def require(self, changed: Record) -> None:
        """Check what the content of the last change names.

        A person keeps posts in a store that has ended: it finishes what it has.

        Raises:
            RuleViolation: a store, a labor operation, a part or a shift is unknown, or has ended on
                the day of the change; or the code of a new store differs from another's by case
                alone.
        """
        content, day = changed.changes[-1].content, changed.changes[-1].valid_from
        if content is None:
            return
        if isinstance(content, StoreProfile):
            self._require_new_code(changed)
        kept = _named_before(changed) if isinstance(content, Person) else set[Key]()
        for reference in Given(changed.store_id, changed.code, content).references:
            if not (reference.key in kept or self._holds(reference.key, day)):
                raise reference.refused(self.beside.get(reference.key, ()))
        if isinstance(content, Person) and content.shift:
            owners = [GROUP, *(post.in_store for post in content.posts if post.in_store)]
            shifts = self._shifts_of(owners, day)
            if content.shift not in shifts:
                raise errors.unknown_shift(content.shift, "content.shift", shifts)

    def _require_new_code(self, store: Record) -> None:
        alike = {each for each in self.stores if each.lower() == store.code.lower()}
        if len(store.changes) == 1 and (others := alike - {store.code}):
            raise errors.store_exists(min(others))

    def doubts(self, changed: Record) -> list[Doubt]:
        """Return what may be a mistake in the content of the last change."""
        content, day = changed.changes[-1].content, changed.changes[-1].valid_from
        if content is None:
            return []
        given = Given(changed.store_id, changed.code, content)
        parts = {each.key[1]: self.parts.get(each.key, ()) for each in given.references}
        costs = {record_id: content_on(dated, day) for record_id, dated in parts.items()}
        beside = Beside(
            self.rated_skills,
            self.price_lists,
            {
                key: part.cost_cents or 0
                for key, part in costs.items()
                if isinstance(part, PartMaster)
            },
        )
        return list(kind_of(content).doubts(content, changed.store_id, changed.code, beside))

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
        if key in self.parts:
            self.parts[key] = dated
        for version in dated:
            if isinstance(version.content, StoreProfile):
                self.stores.add(changed.code)
                self.rated_skills |= version.content.labor_rate_cents.keys()
                self.price_lists |= {version.content.price_list or ""}

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


def _named_before(changed: Record) -> set[Key]:
    """Return what the content named that held on the day of the last change before it."""
    *before, last = changed.changes
    held = content_on(versions(before), last.valid_from)
    given = [Given(changed.store_id, changed.code, held)] if held else []
    return {reference.key for each in given for reference in each.references}


def _from_day(dated: Sequence[Version], day: date) -> list[Content | None]:
    return [
        content_on(dated, day),
        *(version.content for version in dated if version.valid_from > day),
    ]
