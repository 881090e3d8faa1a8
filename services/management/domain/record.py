"""A record of master data (主数据): all its changes, and the dated versions that follow."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from services.management.domain import errors
from services.management.domain.kinds import (
    RULES,
    Collection,
    Content,
    Kind,
    kind_in,
    kind_of,
    record_id_of,
)
from shared.contracts.base import GROUP, State
from shared.contracts.dated import version_on
from shared.contracts.versioned import Versioned, require_version

Action = Literal["defined", "ended", "withdrawn", "put_back"]
"""规定、终止、撤回、恢复."""


@dataclass(frozen=True)
class Change:
    """One change: what holds from ``valid_from`` on; without content, nothing does.

    A version that is withdrawn never begins. ``of_revision`` is the change that is put back.
    """

    revision: int
    action: Action
    valid_from: date
    content: Content | None
    of_revision: int | None
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True)
class Version:
    """Content that holds from a day on until the next version's; without content, none holds."""

    valid_from: date
    content: Content | None


@dataclass(frozen=True)
class Record(Versioned):
    """Record of a store, or of the group, under a code; ``version`` counts its changes."""

    store_id: str
    collection: Collection
    code: str
    changes: tuple[Change, ...] = ()

    @property
    def record_id(self) -> str:
        return record_id_of(self.collection, self.store_id, self.code)

    @property
    def kind(self) -> Kind:
        return kind_in(self.collection, self.store_id, self.code)

    @property
    def versions(self) -> tuple[Version, ...]:
        """The dated versions, the earliest first."""
        return versions(self.changes)

    @property
    def stores(self) -> list[str]:
        """The stores that the record concerns."""
        return sorted(self.collection.stores_of(self.store_id, self.code, self.versions))

    def decided_by(self, day: date) -> str:
        """Return the store that decides on what holds on ``day``, or GROUP.

        Where nothing holds, what held last counts, and before the first version that.
        """
        contents = [(each.valid_from, each.content) for each in self.versions if each.content]
        begun = [content for begin, content in contents if begin <= day]
        known = begun[-1:] or [content for _, content in contents[:1]]
        return self.kind.decided_by(known[0], self.store_id) if known else self.store_id

    def contents_from(self, day: date) -> list[Content]:
        """Return what holds on ``day`` and later; where nothing does, what held last."""
        dated = self.versions
        later = [each.content for each in dated if each.valid_from > day]
        last = [change.content for change in self.changes if change.content][-1:]
        return [each for each in (content_on(dated, day), *later) if each] or last

    @property
    def exceeds_owner(self) -> bool:
        """Whether a version is not for the store whose record it is to decide on."""
        return self.store_id != GROUP and any(
            self.kind.decided_by(version.content, self.store_id) != self.store_id
            for version in self.versions
            if version.content
        )

    @property
    def state(self) -> State:
        """The record as it is announced; what its event lacks, such as a name, stays here."""
        return self.collection.event.model_validate(
            {
                "store_id": GROUP,
                "record_id": self.record_id,
                "for_stores": self.stores,
                "versions": [
                    {
                        "valid_from": version.valid_from.isoformat(),
                        "content": version.content and version.content.model_dump(mode="json"),
                    }
                    for version in self.versions
                ],
            }
        )


@dataclass(frozen=True)
class Decision:
    """Decision of a manager: the version that they saw, its day, and who decides when.

    ``today`` is the day of the store, or of the group. Beside a store's own rules, ``group`` is
    what the group's say on the day of the decision. The store ``for_store`` decides, or the group;
    by default that of the record.
    """

    seen: str
    valid_from: date
    by: str
    at: datetime
    today: date
    group: Content | None = None
    for_store: str | None = None


def versions(changes: Sequence[Change]) -> tuple[Version, ...]:
    """Return the versions after ``changes``: of each day the last one counts."""
    by_day: dict[date, Version] = {}
    for change in changes:
        if change.action == "withdrawn":
            by_day.pop(change.valid_from, None)
        else:
            by_day[change.valid_from] = Version(change.valid_from, change.content)
    return tuple(by_day[day] for day in sorted(by_day))


def content_on(dated: Sequence[Version], day: date) -> Content | None:
    """Return the content that holds on ``day``."""
    version = version_on(dated, day)
    return version.content if version else None


def define(record: Record, content: Content, decision: Decision) -> Record:
    """Return the record with ``content`` from a day on; itself where that holds already.

    Only the first definition may begin in the past.

    Raises:
        RuleViolation: the content breaks a rule of its kind, another change came in between, or the
            day has passed.
    """
    _require(record, content, decision)
    require_version(record, decision.seen)
    if not record.changes:
        record.collection.require_new_code(record.store_id, record.code)
    if content_on(record.versions, decision.valid_from) == content:
        return record
    if record.changes:
        _require_future(decision)
    return _changed(record, "defined", content, decision)


def end(record: Record, decision: Decision) -> Record:
    """Return the record without content from a day on.

    Raises:
        RuleViolation: they are rules of the group, which are always needed, another change came in
            between, the day has passed, or nothing holds on it.
    """
    if record.collection is RULES and record.store_id == GROUP:
        raise errors.always_needed(record.code)
    require_version(record, decision.seen)
    _require_future(decision)
    if content_on(record.versions, decision.valid_from) is None:
        raise errors.nothing_holds(decision.valid_from)
    return _changed(record, "ended", None, decision)


def withdraw(record: Record, decision: Decision) -> Record:
    """Return the record without the version of a day to come; the one before goes on.

    Raises:
        RuleViolation: another change came in between, no version begins on that day, or it has
            begun already.
    """
    require_version(record, decision.seen)
    if decision.valid_from not in {version.valid_from for version in record.versions}:
        raise errors.no_version_from(decision.valid_from)
    if decision.valid_from <= decision.today:
        raise errors.already_holds(decision.valid_from)
    return _changed(record, "withdrawn", None, decision)


def put_back(record: Record, of_revision: int, decision: Decision) -> Record:
    """Return the record with the content of an earlier change, from a day on.

    It is the record itself where that holds already.

    Raises:
        RuleViolation: there is no such change or it has no content, the content breaks a rule that
            is newer, another change came in between, or the day has passed.
    """
    require_version(record, decision.seen)
    if not 1 <= of_revision <= len(record.changes):
        raise errors.unknown_revision(of_revision)
    content = record.changes[of_revision - 1].content
    if content is None:
        raise errors.nothing_to_put_back(of_revision)
    _require(record, content, decision)
    _require_future(decision)
    if content_on(record.versions, decision.valid_from) == content:
        return record
    return _changed(record, "put_back", content, decision, of_revision)


def _require(record: Record, content: Content, decision: Decision) -> None:
    kind = record.kind
    if kind_of(content) is not kind:
        raise errors.another_kind(kind.name)
    kind.check_code(record.code, decision.today)
    kind.require(content, decision.for_store or record.store_id, decision.group)


def _require_future(decision: Decision) -> None:
    if decision.valid_from < decision.today:
        raise errors.day_passed(decision.today)


def _changed(
    record: Record,
    action: Action,
    content: Content | None,
    decision: Decision,
    of_revision: int | None = None,
) -> Record:
    revision = record.version + 1
    change = Change(
        revision, action, decision.valid_from, content, of_revision, decision.by, decision.at
    )
    changed = replace(
        record,
        changes=(*record.changes, change),
        version=revision,
        changed_by=decision.by,
        changed_at=decision.at,
    )
    _require_decider(record, changed, decision)
    return changed


def _require_decider(record: Record, changed: Record, decision: Decision) -> None:
    """Check that who decides does so on what held on the day, and on what holds there now, if any.

    Raises:
        RuleViolation: another store decides on it, or the group.
    """
    decider, day = decision.for_store or record.store_id, decision.valid_from
    deciders = {record.decided_by(day)}
    if content_on(changed.versions, day):
        deciders.add(changed.decided_by(day))
    if decider != GROUP and deciders != {decider}:
        raise errors.owned_elsewhere(record.code)
