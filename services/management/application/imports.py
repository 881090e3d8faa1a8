"""Import of master data (导入): many definitions in one transaction (R40)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.management.application.deps import Deps
from services.management.application.records import (
    ContentWarning,
    WholeContent,
    announce,
    days_of,
    rules_of_group,
    warnings_of,
)
from services.management.application.references import known_for
from services.management.domain import errors, record
from services.management.domain.kinds import COLLECTIONS, kind_in, record_id_of
from services.management.domain.known import Known
from services.management.domain.record import Decision, Record, content_on
from services.management.domain.references import CollectionName, Key
from services.management.persistence import records
from shared.contracts.base import GROUP, Identifier
from shared.contracts.violations import RuleViolation
from shared.group import CalendarDay
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork

LARGEST_PORTION = 500
"""Largest number of definitions in one command."""

LARGEST_BODY = 4_000_000
"""Largest size of a portion in bytes."""


class Definition(RequestModel):
    """Content of a record from a day on; ``for_store`` decides on it, or the group."""

    collection: CollectionName
    for_store: Identifier | None = None
    code: Identifier
    valid_from: CalendarDay
    content: WholeContent


class ImportRequest(RequestModel):
    """Definitions: the group's are decided on first, and each store's in their order.

    With ``only_new``, a record that was ever defined stays as it is.
    """

    reason: Annotated[str, Field(min_length=2, max_length=500, description="原因")]
    only_new: bool = False
    definitions: Annotated[list[Definition], Field(min_length=1, max_length=LARGEST_PORTION)]


class ImportResult(BaseModel):
    """Result of one definition; a refused one has the field, the rule and what it says.

    A version is replaced where another one of the command has begun too, later than it.
    """

    result: Literal["defined", "unchanged", "kept", "replaced", "refused"]
    field: str | None = None
    rule: str | None = None
    detail: str | None = None
    warnings: Sequence[ContentWarning] = ()


class ImportResponse(BaseModel):
    """Results in the order of the definitions."""

    results: Sequence[ImportResult]


async def import_records(uow: UnitOfWork, command: ImportRequest, deps: Deps) -> ImportResponse:
    """Define what a file says, each definition on the present version of its record (导入).

    A refused definition changes nothing and stops none of the others.
    """
    results: dict[int, ImportResult] = {}
    by_owner: dict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(command.definitions):
        try:
            kind_in(COLLECTIONS[each.collection], each.for_store or GROUP, each.code)
        except RuleViolation as violation:
            results[number] = _refused(violation)
        else:
            by_owner[each.for_store or GROUP].append(number)
    for store_id, numbers in sorted(by_owner.items(), key=lambda owned: owned[0] != GROUP):
        definitions = [command.definitions[number] for number in numbers]
        portion = _Portion(uow, store_id, command, deps)
        results |= zip(numbers, await portion.define(definitions), strict=True)
    return ImportResponse(results=[results[number] for number in sorted(results)])


class _Portion:
    """Definitions of one store, or of the group, decided on one after the other.

    ``_before`` and ``_now`` are the records as they are stored and as they are decided so far,
    ``_begun`` the first day of the version that holds today.
    """

    def __init__(self, uow: UnitOfWork, store_id: str, command: ImportRequest, deps: Deps) -> None:
        self._uow, self._store_id, self._command, self._deps = uow, store_id, command, deps
        self._before: dict[Key, Record] = {}
        self._now: dict[Key, Record] = {}
        self._begun: dict[Key, date] = {}
        self._known = Known()

    async def define(self, definitions: Sequence[Definition]) -> list[ImportResult]:
        """Define them in their order, and return the results."""
        uow, store_id = self._uow, self._store_id
        async with uow.limited_to(GROUP) as group:
            if store_id != GROUP and not await records.knows_store(group.connection, store_id):
                refused = _refused(errors.unknown_store(store_id, "for_store"))
                return [refused] * len(definitions)
            today = (await days_of(group.connection, [store_id], uow.now))[store_id]
            rules = await rules_of_group(group.connection, {each.code for each in definitions})
        self._known = await known_for(uow, [each.content for each in definitions])
        async with uow.limited_to(store_id) as own:
            wanted = [(COLLECTIONS[each.collection], each.code) for each in definitions]
            self._before = dict(await records.lock(own.connection, store_id, wanted))
            self._now = dict(self._before)
            for each in sorted(definitions, key=lambda each: each.valid_from):
                if each.valid_from <= today:
                    self._begun[self._key(each)] = each.valid_from
            decision = Decision("", today, uow.person, uow.now, today)
            results = [
                self._defined(
                    each,
                    replace(
                        decision,
                        valid_from=each.valid_from,
                        group=content_on(rules.get(each.code, ()), each.valid_from),
                    ),
                )
                for each in definitions
            ]
            await self._save(own)
        return results

    def _defined(self, definition: Definition, decision: Decision) -> ImportResult:
        key = self._key(definition)
        found = self._now.get(key)
        try:
            if found is None:
                raise errors.owned_elsewhere(definition.code)
            if self._command.only_new and self._before[key].changes:
                return ImportResult(result="kept")
            if definition.valid_from < self._begun.get(key, definition.valid_from):
                return ImportResult(result="replaced")
            changed = record.define(
                found, definition.content, replace(decision, seen=str(found.version))
            )
            if changed is found:
                return ImportResult(result="unchanged")
            self._known.require(changed)
            announce(self._uow, changed)
        except RuleViolation as violation:
            return _refused(violation)
        self._now[key] = changed
        self._known.add(changed)
        return ImportResult(result="defined", warnings=warnings_of(self._known.doubts(changed)))

    def _key(self, definition: Definition) -> Key:
        collection = COLLECTIONS[definition.collection]
        return collection.name, record_id_of(collection, self._store_id, definition.code)

    async def _save(self, own: UnitOfWork) -> None:
        changed = [
            (before, self._now[key])
            for key, before in self._before.items()
            if self._now[key] is not before
        ]
        if changed:
            reasons = await self._deps.personal.encrypt_all(
                own.connection,
                self._store_id,
                [(now.record_id, self._command.reason) for _, now in changed],
            )
            await records.save(
                own.connection,
                [(*pair, reason) for pair, reason in zip(changed, reasons, strict=True)],
            )
        await records.delete_undefined(own.connection, self._before)


def _refused(violation: RuleViolation) -> ImportResult:
    return ImportResult(
        result="refused", field=violation.field, rule=violation.rule, detail=str(violation)
    )
