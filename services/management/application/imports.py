"""Import of master data (导入): many definitions in one transaction (R40)."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.management.application import waiting_work
from services.management.application.deps import Deps
from services.management.application.records import (
    ContentWarning,
    WholeContent,
    announced,
    days_of,
    rules_of_group,
    warnings_of,
)
from services.management.application.references import known_for
from services.management.domain import errors, record
from services.management.domain.kinds import COLLECTIONS, STAFF, STORES, kind_in, record_id_of
from services.management.domain.known import Given, Known
from services.management.domain.record import Decision, Record, Version, content_on
from services.management.domain.references import CollectionName, Key
from services.management.persistence import records
from shared.contracts.base import GROUP, Identifier, State
from shared.contracts.versioned import require_version
from shared.contracts.violations import RuleViolation
from shared.group import CalendarDay
from shared.request_model import Reason, RequestModel, SeenVersion
from shared.unit_of_work import UnitOfWork

LARGEST_PORTION = 500
"""Largest number of definitions in one command."""

LARGEST_BODY = 4_000_000
"""Largest size of a portion in bytes."""


class Definition(RequestModel):
    """Content of a record from a day on; ``for_store`` decides on it, or the group.

    With the ``version`` that a person saw, it is refused if another one is present.
    """

    collection: CollectionName
    for_store: Identifier | None = None
    code: Identifier
    valid_from: CalendarDay
    content: WholeContent
    version: SeenVersion | None = None

    @property
    def owner(self) -> str:
        """The store that decides on it, or the group."""
        return self.for_store or GROUP


class ImportRequest(RequestModel):
    """Definitions: the group's are decided on first, and each store's in their order.

    With ``only_new``, a record that was ever defined stays as it is.
    """

    reason: Reason
    only_new: bool = False
    definitions: Annotated[list[Definition], Field(min_length=1, max_length=LARGEST_PORTION)]


class ImportResult(BaseModel):
    """Result of one definition; a refused one has the field, the rule and what it says, and some
    ``known`` codes where it names an unknown one.

    A version is replaced where another one of the command has begun too, later than it.
    ``changed_by`` is who was first, where the record has changed since a person saw it.
    """

    result: Literal["defined", "unchanged", "kept", "replaced", "refused"]
    field: str | None = None
    rule: str | None = None
    detail: str | None = None
    known: Sequence[str] = ()
    changed_by: str | None = None
    changed_at: datetime | None = None
    warnings: Sequence[ContentWarning] = ()


class ImportResponse(BaseModel):
    """Results in the order of the definitions."""

    results: Sequence[ImportResult]


@dataclass(frozen=True)
class Considered:
    """Result that a definition would have, and the record as it is stored, if it can be one."""

    result: ImportResult
    present: Record | None


async def import_records(uow: UnitOfWork, command: ImportRequest, deps: Deps) -> ImportResponse:
    """Define what a file says, each definition on the present version of its record (导入).

    A refused definition changes nothing and stops none of the others.
    """
    results, portions = _portions(command)
    for numbers in portions:
        definitions = [command.definitions[number] for number in numbers]
        portion = _Portion(uow, command, deps)
        results |= zip(numbers, await portion.define(definitions), strict=True)
    return ImportResponse(results=[results[number] for number in sorted(results)])


async def consider(uow: UnitOfWork, command: ImportRequest, deps: Deps) -> list[Considered]:
    """Return what :func:`import_records` would do, and change nothing (试导入)."""
    refused, portions = _portions(command)
    considered = {number: Considered(result, None) for number, result in refused.items()}
    for numbers in portions:
        definitions = [command.definitions[number] for number in numbers]
        portion = _Portion(uow, command, deps)
        considered |= zip(numbers, await portion.consider(definitions), strict=True)
    return [considered[number] for number in sorted(considered)]


def _portions(command: ImportRequest) -> tuple[dict[int, ImportResult], list[list[int]]]:
    """Return the definitions of others than these owners as refused, and the numbers of the group's
    and of the stores'.
    """
    refused: dict[int, ImportResult] = {}
    of_group: list[int] = []
    of_stores: list[int] = []
    for number, each in enumerate(command.definitions):
        try:
            kind_in(COLLECTIONS[each.collection], each.owner, each.code)
        except RuleViolation as violation:
            refused[number] = _refused(violation)
        else:
            (of_group if each.owner == GROUP else of_stores).append(number)
    return refused, [numbers for numbers in (of_group, of_stores) if numbers]


class _Portion:
    """Definitions of the group, or of any of its stores, decided on one after the other.

    ``_moved`` are the people whose records are the group's, whatever store decides on them,
    ``_before`` and ``_now`` are the records as they are stored and as they are decided so far,
    ``_begun`` the first day of the version that holds today, ``_days`` the present days of the
    owners that are known, ``_beside`` stores that may be meant by the others, and ``_states`` what
    is to be announced.
    """

    def __init__(self, uow: UnitOfWork, command: ImportRequest, deps: Deps) -> None:
        self._uow, self._command, self._deps = uow, command, deps
        self._days: Mapping[str, date] = {}
        self._moved: Set[str] = frozenset()
        self._before: dict[Key, Record] = {}
        self._now: dict[Key, Record] = {}
        self._begun: dict[Key, date] = {}
        self._beside: Mapping[Key, Sequence[str]] = {}
        self._states: list[State] = []
        self._known = Known()

    async def define(self, definitions: Sequence[Definition]) -> list[ImportResult]:
        """Define them in their order, and return the results."""
        results = await self._decide(definitions)
        async with self._uow.limited_to(GROUP, *self._days) as own:
            await self._save(own)
        return results

    async def consider(self, definitions: Sequence[Definition]) -> list[Considered]:
        """Return the results that they would have, and leave all as it is."""
        results = await self._decide(definitions)
        async with self._uow.limited_to(GROUP, *self._days) as own:
            await records.delete_undefined(own.connection, self._before)
        return [
            Considered(result, self._before.get(_key(each)))
            for each, result in zip(definitions, results, strict=True)
        ]

    async def _decide(self, definitions: Sequence[Definition]) -> list[ImportResult]:
        owners = {each.owner for each in definitions}
        async with self._uow.limited_to(GROUP) as group:
            known = await records.known_stores(group.connection, owners)
            self._days = await days_of(group.connection, owners & {GROUP, *known}, self._uow.now)
            unknown = [_store(each) for each in owners - self._days.keys()]
            self._beside = await records.ids_beside(group.connection, unknown)
            rules = await rules_of_group(group.connection, {each.code for each in definitions})
            staff = [each.code for each in definitions if each.collection == STAFF.name]
            self._moved = await records.known_ids(group.connection, STAFF, staff)
        given = [Given(each.owner, each.code, each.content) for each in definitions]
        self._known = await known_for(self._uow, given)
        async with self._uow.limited_to(GROUP, *self._days) as own:
            await self._lock(own, [each for each in definitions if each.owner in self._days])
        return [self._defined(each, rules.get(each.code, ())) for each in definitions]

    async def _lock(self, own: UnitOfWork, definitions: Sequence[Definition]) -> None:
        if not definitions:
            return
        wanted = {
            (self._owner(each), COLLECTIONS[each.collection], each.code) for each in definitions
        }
        self._before = dict(await records.lock(own.connection, wanted))
        self._now = dict(self._before)
        for each in sorted(definitions, key=lambda each: each.valid_from):
            if each.valid_from <= self._days[each.owner]:
                self._begun[_key(each)] = each.valid_from

    def _owner(self, definition: Definition) -> str:
        """Return the owner of the record: a store decides on people who are the group's, too."""
        is_moved = definition.collection == STAFF.name and definition.code in self._moved
        return GROUP if is_moved else definition.owner

    def _defined(self, definition: Definition, of_group: Sequence[Version]) -> ImportResult:
        key, day = _key(definition), definition.valid_from
        found = self._now.get(key)
        try:
            if definition.owner not in self._days:
                refusal = errors.unknown_store(definition.owner, "for_store")
                known = self._beside.get(_store(definition.owner), ())
                raise errors.naming(refusal, definition.owner, known)
            if found is None or found.store_id != self._owner(definition):
                raise errors.owned_elsewhere(definition.code)
            if self._command.only_new and self._before[key].changes:
                return ImportResult(result="kept")
            if day < self._begun.get(key, day):
                return ImportResult(result="replaced")
            decision = Decision(
                seen=str(found.version),
                valid_from=day,
                by=self._uow.person,
                at=self._uow.now,
                today=self._days[definition.owner],
                group=content_on(of_group, day),
                for_store=definition.owner,
            )
            changed = record.define(found, definition.content, decision)
            if changed is found:
                return ImportResult(result="unchanged")
            if definition.version:
                require_version(found, definition.version)
            self._known.require(changed)
            state = announced(changed)
        except RuleViolation as violation:
            return _refused(violation)
        self._now[key] = changed
        self._states.append(state)
        self._known.add(changed)
        return ImportResult(result="defined", warnings=warnings_of(self._known.doubts(changed)))

    async def _save(self, own: UnitOfWork) -> None:
        changed = [
            (before, self._now[key])
            for key, before in self._before.items()
            if self._now[key] is not before
        ]
        if changed:
            self._uow.publish(self._states)
            reasons = await self._deps.personal.encrypt_all(
                own.connection,
                [(now.store_id, now.record_id, self._command.reason) for _, now in changed],
            )
            await records.save(
                own.connection,
                [(*pair, reason) for pair, reason in zip(changed, reasons, strict=True)],
            )
            staff = [now for _, now in changed if now.collection is STAFF]
            await waiting_work.resume(own, {store for each in staff for store in each.stores})
        await records.delete_undefined(own.connection, self._before)


def _key(definition: Definition) -> Key:
    collection = COLLECTIONS[definition.collection]
    return collection.name, record_id_of(collection, definition.owner, definition.code)


def _store(code: str) -> Key:
    return STORES.name, code


def _refused(violation: RuleViolation) -> ImportResult:
    return ImportResult(
        result="refused",
        field=violation.field,
        rule=violation.rule,
        detail=str(violation),
        known=violation.values.get("known", ()),
        changed_by=violation.values.get("by"),
        changed_at=violation.values.get("at"),
    )
