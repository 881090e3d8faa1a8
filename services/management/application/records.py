"""Master data (主数据): defined, ended, withdrawn and put back, with all its changes (R40).

``store_id`` is that of a store for what it decides, ``GROUP`` for the group.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

from services.management.application import waiting_work
from services.management.application.deps import Deps
from services.management.application.references import known_for
from services.management.domain import errors, record
from services.management.domain.difference import Scalar, differences
from services.management.domain.kinds import (
    KINDS,
    RULES,
    STAFF,
    Collection,
    Content,
    kind_in,
    record_id_of,
)
from services.management.domain.known import Given
from services.management.domain.readers import Reader, Shown, hidden_fields, seen
from services.management.domain.record import Action, Change, Decision, Record, content_on, versions
from services.management.domain.references import Doubt, unaccepted
from services.management.persistence import records
from services.management.persistence.records import ListedRecord
from shared.contracts.base import GROUP, BusinessDate, State
from shared.contracts.dated import version_on
from shared.db import EVERYWHERE, Connection
from shared.db import limit as limit_scope
from shared.group import GROUP_ZONE, CalendarDay
from shared.outbox import LARGEST_EVENT
from shared.request_model import Reason, Version, VersionedRequest
from shared.unit_of_work import UnitOfWork

LONGEST_LIST = 500
"""Largest number of records in a list."""


def _whole(given: Any, read: ValidatorFunctionWrapHandler) -> Any:
    """Refuse content with a field that its kind lacks; consumers of events ignore such fields."""
    content = read(given)
    for field in _unknown(given, content.model_dump(mode="json")):
        raise PydanticCustomError(
            "extra_forbidden", "Extra inputs are not permitted: {field}", {"field": field}
        )
    return content


def _unknown(given: Any, known: Any, place: str = "") -> Iterator[str]:
    """Return the paths of what is ``given`` but not ``known``."""
    if isinstance(given, Mapping):
        for key, part in given.items():
            if key in known:
                yield from _unknown(part, known[key], f"{place}{key}.")
            else:
                yield f"{place}{key}"
    elif isinstance(given, list):
        for index, part in enumerate(given):
            yield from _unknown(part, known[index], f"{place}{index}.")


class ChangeRequest(VersionedRequest):
    """Change of a record from a day on, with its reason, which stays in management."""

    valid_from: Annotated[CalendarDay, Field(description="生效日")]
    reason: Reason


WholeContent = Annotated[Content, WrapValidator(_whole)]
"""Content of which every field is known."""


class DefineRequest(ChangeRequest):
    """Content from a day on; unless the person ``accepts_warnings``, what may be a mistake, such as
    a price below cost, is refused.
    """

    content: WholeContent
    accepts_warnings: bool = True


class PutBackRequest(ChangeRequest):
    of_revision: Annotated[int, Field(ge=1, le=1_000_000)]


class RecordEntry(BaseModel):
    """A record in a list, with the reason of its last change; ``version`` is "0" for one that was
    never defined.

    ``current_from`` is the day of the version of today, whose ``content`` holds, ``next_from`` that
    of the one after it, whose content is ``next_content``. ``for_store`` is the store that decides
    on it.
    """

    record_id: str
    code: str
    kind: str
    for_store: str | None
    version: Version
    changed_by: str | None
    changed_at: datetime | None
    reason: str | None
    current_from: date | None
    next_from: date | None
    content: Content | None
    next_content: Content | None


class VersionView(BaseModel):
    """Content that holds from a day on until the next version's; without content, none holds."""

    valid_from: BusinessDate
    content: Content | None


class RecordView(BaseModel):
    """A record with its versions, and the one that holds on the day asked for, or today."""

    record_id: str
    code: str
    kind: str
    for_store: str | None
    version: Version
    changed_by: str | None
    changed_at: datetime | None
    today: date
    holds: VersionView | None
    versions: Sequence[VersionView]


class ContentWarning(BaseModel):
    """Field of accepted content that may be a mistake (提醒); a ``known`` code may be meant."""

    field: str
    rule: str
    detail: str
    known: Sequence[str] = ()


class RecordResponse(RecordView):
    """A record after a command; nothing has ``changed`` where the content held already."""

    changed: bool
    warnings: Sequence[ContentWarning]


class FieldDifference(BaseModel):
    """Field that a change altered, as a path such as ``tiers.0.visits``."""

    field: str
    old: Scalar
    new: Scalar


class ChangeView(BaseModel):
    """A change, with its differences to what held on its day before it.

    The reason is absent once its key was destroyed.
    """

    revision: int
    action: Action
    valid_from: date
    of_revision: int | None
    changed_by: str
    changed_at: datetime
    reason: str | None
    differences: Sequence[FieldDifference]


@dataclass(frozen=True)
class Place:
    """Place of a record: its collection, the store that decides on it, or GROUP, and its code."""

    collection: Collection
    store_id: str
    code: str


async def define(
    uow: UnitOfWork, place: Place, command: DefineRequest, deps: Deps
) -> RecordResponse:
    """Define what holds from a day on (规定).

    Content that holds already on that day changes nothing. Only the first definition may begin in
    the past.

    Raises:
        RuleViolation: as :func:`record.define`.
    """
    return await _decide(
        uow,
        place,
        command,
        deps,
        lambda found, decision: record.define(found, command.content, decision),
        accepts_warnings=command.accepts_warnings,
    )


async def end(uow: UnitOfWork, place: Place, command: ChangeRequest, deps: Deps) -> RecordResponse:
    """End it from a day on (终止); where a store's own rules end, the group's hold.

    Raises:
        RuleViolation: as :func:`record.end`.
    """
    return await _decide(uow, place, command, deps, record.end)


async def withdraw(
    uow: UnitOfWork, place: Place, command: ChangeRequest, deps: Deps
) -> RecordResponse:
    """Withdraw the version of a day to come; the one before it goes on (撤回).

    Raises:
        RuleViolation: as :func:`record.withdraw`.
    """
    return await _decide(uow, place, command, deps, record.withdraw)


async def put_back(
    uow: UnitOfWork, place: Place, command: PutBackRequest, deps: Deps
) -> RecordResponse:
    """Put the content of an earlier change back, from a day on (恢复).

    Raises:
        RuleViolation: as :func:`record.put_back`.
    """
    return await _decide(
        uow,
        place,
        command,
        deps,
        lambda found, decision: record.put_back(found, command.of_revision, decision),
    )


async def list_records(
    collection: Collection,
    scopes: Sequence[str],
    own: str,
    reader: Reader,
    deps: Deps,
    *,
    starting: str = "",
    after: str = "",
    ids: Sequence[str] | None = None,
    search: str = "",
    limit: int = LONGEST_LIST,
) -> list[RecordEntry]:
    """List the records of ``scopes`` by id, or those everywhere.

    Their codes begin with ``starting``; ids up to ``after``, and others than ``ids``, are left out.
    The rules of ``own`` are listed also where they were never defined.
    """
    days = await local_days([each for each in scopes if each != EVERYWHERE], deps)
    async with deps.uow_factory.read(*scopes) as connection:
        listed = await records.listed(
            connection,
            collection,
            days,
            starting=starting,
            after=after,
            ids=ids,
            search=search,
            limit=limit,
        )
        encrypted = [
            (each.store_id, record_id_of(collection, each.store_id, each.code), each.reason)
            for each in listed
            if each.reason
        ]
        await limit_scope(connection, {each.store_id for each in listed})
        texts = await deps.personal.decrypt_of_stores(connection, encrypted)
    reasons = {record_id: text for (_, record_id, _), text in zip(encrypted, texts, strict=True)}
    found = {record_id_of(collection, each.store_id, each.code): each for each in listed}
    if collection is RULES:
        for code in _codes_of_rules(own):
            record_id = record_id_of(RULES, own, code)
            wanted = code.startswith(starting) and record_id > after
            if wanted and (ids is None or record_id in ids):
                empty = ListedRecord(own, code, 0, None, None, None, None, None, None, None)
                found.setdefault(record_id, empty)
    return [
        _entry(collection, found[record_id], reasons, reader) for record_id in sorted(found)[:limit]
    ]


def _codes_of_rules(store_id: str) -> list[str]:
    """Return the codes of the rules on which a store, or the group, decides."""
    kinds = [kind for kind in KINDS.values() if kind.collection is RULES]
    return [code for kind in kinds for code in kind.codes(store_id)]


async def get_record(place: Place, day: date | None, reader: Reader, deps: Deps) -> RecordView:
    """Return the versions of a record, and the one that holds on ``day``, or today.

    Raises:
        RuleViolation: there can be no such record.
    """
    _require_possible(place)
    store_id = place.store_id
    today = (await local_days([store_id], deps))[store_id]
    async with deps.uow_factory.read(GROUP) as connection:
        owner = await _owner(connection, place, reader.reads)
        found = await records.find(connection, owner, place.collection, place.code)
    return RecordView(**_shown(found, today, day, reader))


async def history(place: Place, reader: Reader, deps: Deps) -> list[ChangeView]:
    """Return the changes of a record, the last one first (变更记录).

    Raises:
        RuleViolation: there can be no such record.
    """
    _require_possible(place)
    today = (await local_days([place.store_id], deps))[place.store_id]
    async with deps.uow_factory.read(GROUP) as connection:
        owner = await _owner(connection, place, reader.reads)
        found = await records.find(connection, owner, place.collection, place.code)
        encrypted = await records.reasons(connection, found)
        reasons = await deps.personal.decrypt_all(connection, owner, encrypted)
    hidden = _hidden(found, today, reader)
    views = [
        _change_view(change, found.changes[:number], reasons[number], hidden)
        for number, change in enumerate(found.changes)
    ]
    return views[::-1]


async def local_days(scopes: Iterable[str], deps: Deps) -> dict[str, date]:
    """Return the present day of stores, and of the group."""
    async with deps.uow_factory.read(GROUP) as connection:
        return await days_of(connection, scopes, deps.uow_factory.clock.now())


async def days_of(
    connection: Connection, scopes: Iterable[str], moment: datetime
) -> dict[str, date]:
    """Return the days of stores, and of the group, at ``moment``; the group is in scope."""
    wanted = list(scopes)
    zones = await records.zones(connection, [each for each in wanted if each != GROUP])
    return {
        each: moment.astimezone(ZoneInfo(zones.get(each, GROUP_ZONE.key))).date() for each in wanted
    }


def announced(changed: Record) -> State:
    """Return the state of a record, which all stores may read.

    Raises:
        RuleViolation: it is too large for an event.
    """
    state = changed.state
    if len(state.model_dump_json().encode()) > LARGEST_EVENT:
        raise errors.too_large(LARGEST_EVENT)
    return state


async def rules_of_group(
    connection: Connection, codes: Iterable[str]
) -> Mapping[str, Sequence[record.Version]]:
    """Return the versions of the group's rules by their codes; the group is in scope."""
    found = await records.versions_of(connection, [(RULES.name, code) for code in codes])
    return {code: dated for (_, code), dated in found.items()}


def warnings_of(doubts: Iterable[Doubt]) -> list[ContentWarning]:
    """Return the warnings for a person about what may be a mistake."""
    return [ContentWarning(**vars(each)) for each in doubts]


async def _decide(
    uow: UnitOfWork,
    place: Place,
    command: ChangeRequest,
    deps: Deps,
    decide: Callable[[Record, Decision], Record],
    *,
    accepts_warnings: bool = True,
) -> RecordResponse:
    """Apply a decision and announce the state.

    Raises:
        RuleViolation: there can be no such record, the decision is refused, the content names
            something unknown or may be a mistake that is not accepted, or the state is too large
            for an event.
    """
    _require_possible(place)
    store_id, day = place.store_id, command.valid_from
    async with uow.limited_to(GROUP) as group:
        today = (await days_of(group.connection, [store_id], uow.now))[store_id]
        rules = await rules_of_group(group.connection, [place.code])
    found = await _lock(uow, place)
    beside = content_on(rules.get(place.code, ()), day)
    decision = Decision(command.version, day, uow.person, uow.now, today, beside, store_id)
    changed = decide(found, decision)
    doubts: Sequence[Doubt] = ()
    if changed is not found:
        content = changed.changes[-1].content
        given = [Given(store_id, place.code, content)] if content else []
        known = await known_for(uow, given)
        known.require(changed)
        doubts = known.doubts(changed)
        if doubts and not accepts_warnings:
            raise unaccepted(doubts)
        uow.publish([announced(changed)])
        await _save(uow, found, changed, command.reason, deps)
    return RecordResponse(
        **_shown(changed, today, day), changed=changed is not found, warnings=warnings_of(doubts)
    )


async def _lock(uow: UnitOfWork, place: Place) -> Record:
    """Return the record at a place, locked.

    Raises:
        RuleViolation: it is one of another store, or of the group about other stores.
    """
    found = await _lock_of_owner(uow, place) or await _lock_of_owner(uow, place)
    if found is None or place.store_id not in (GROUP, found.store_id, *found.stores):
        raise errors.owned_elsewhere(place.code)
    return found


async def _lock_of_owner(uow: UnitOfWork, place: Place) -> Record | None:
    """Return the record at a place, locked; nothing if it is another owner's, or has become the
    group's while the lock was awaited.
    """
    async with uow.limited_to(GROUP) as seen_by_group:
        owner = await _owner(seen_by_group.connection, place, {EVERYWHERE})
    async with uow.limited_to(owner) as own:
        locked = await records.lock(own.connection, [(owner, place.collection, place.code)])
    return next(iter(locked.values()), None)


async def _owner(connection: Connection, place: Place, reads: Set[str]) -> str:
    """Return the store whose record it is, or the group; the transaction is limited to that.

    The group decides on the staff of all stores, and a store on people who are the group's; of
    other stores' records, a reader finds those of the stores that they read.
    """
    if place.collection is not STAFF:
        await limit_scope(connection, {place.store_id})
        return place.store_id
    of_stores = reads if place.store_id == GROUP else {place.store_id}
    await limit_scope(connection, {GROUP, *of_stores})
    owner = await records.owner_of(connection, STAFF, place.code) or place.store_id
    await limit_scope(connection, {owner})
    return owner


async def _save(uow: UnitOfWork, found: Record, changed: Record, reason: str, deps: Deps) -> None:
    """Store the last change; a person with a post beyond the record's store becomes the group's."""
    owner = found.store_id
    if changed.exceeds_owner:
        owner = GROUP
        await _give_to_group(uow, found, deps)
    async with uow.limited_to(owner) as own:
        encrypted = await deps.personal.encrypt(own.connection, owner, changed.record_id, reason)
        stored = replace(changed, store_id=owner)
        await records.save(own.connection, [(found, stored, encrypted)])
    if changed.collection is STAFF:
        await waiting_work.resume(uow, changed.stores)


async def _give_to_group(uow: UnitOfWork, found: Record, deps: Deps) -> None:
    async with uow.limited_to(found.store_id, GROUP) as both:
        connection = both.connection
        encrypted = await records.reasons(connection, found)
        texts = await deps.personal.decrypt_all(connection, found.store_id, encrypted)
        kept = [(GROUP, found.record_id, text or "") for text in texts]
        reasons = await deps.personal.encrypt_all(connection, kept)
        await records.give_to_group(connection, found, reasons)


def _require_possible(place: Place) -> None:
    kind_in(place.collection, place.store_id, place.code)


def _shown(
    found: Record, today: date, day: date | None, reader: Reader | None = None
) -> dict[str, Any]:
    """Return a record as its ``reader`` may see it; without a reader, with all its fields."""
    hidden = _hidden(found, today, reader) if reader else frozenset[str]()
    dated = [record.Version(each.valid_from, seen(each.content, hidden)) for each in found.versions]
    held = version_on(dated, day or today)
    return {
        "record_id": found.record_id,
        "code": found.code,
        "kind": found.kind.name,
        "for_store": _for_store(found.decided_by(today)),
        "version": found.version,
        "changed_by": found.changed_by,
        "changed_at": found.changed_at,
        "today": today,
        "holds": held and _version(held),
        "versions": [_version(version) for version in dated],
    }


def _version(version: record.Version) -> VersionView:
    return VersionView(valid_from=version.valid_from.isoformat(), content=version.content)


def _hidden(found: Record, today: date, reader: Reader) -> Set[str]:
    """Return the fields of a record that its reader does not see."""
    shown = Shown(found.record_id, found.store_id, found.contents_from(today))
    return hidden_fields(found.kind.name, reader, shown)


def _entry(
    collection: Collection,
    listed: ListedRecord,
    reasons: Mapping[str, str | None],
    reader: Reader,
) -> RecordEntry:
    record_id = record_id_of(collection, listed.store_id, listed.code)
    kind = kind_in(collection, listed.store_id, listed.code)
    contents = [each for each in (listed.content, listed.next_content) if each]
    decider = kind.decided_by(contents[0], listed.store_id) if contents else listed.store_id
    hidden = hidden_fields(kind.name, reader, Shown(record_id, listed.store_id, contents))
    return RecordEntry(
        record_id=record_id,
        code=listed.code,
        kind=kind.name,
        for_store=_for_store(decider),
        version=str(listed.version),
        changed_by=listed.changed_by,
        changed_at=listed.changed_at,
        reason=None if "reason" in hidden else reasons.get(record_id),
        current_from=listed.current_from,
        next_from=listed.next_from,
        content=seen(listed.content, hidden),
        next_content=seen(listed.next_content, hidden),
    )


def _change_view(
    change: Change, before: Sequence[Change], reason: str | None, hidden: Set[str]
) -> ChangeView:
    day = change.valid_from
    altered = differences(
        content_on(versions(before), day), content_on(versions([*before, change]), day)
    )
    return ChangeView(
        revision=change.revision,
        action=change.action,
        valid_from=day,
        of_revision=change.of_revision,
        changed_by=change.changed_by,
        changed_at=change.changed_at,
        reason=None if "reason" in hidden else reason,
        differences=[FieldDifference(**vars(each)) for each in altered if each.field not in hidden],
    )


def _for_store(store_id: str) -> str | None:
    return None if store_id == GROUP else store_id
