"""A rule set (规则): all its changes, and the dated versions that follow from them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from services.management.domain import errors
from services.management.domain.kinds import KINDS, Kind
from shared.contracts.management import (
    GROUP,
    RuleContent,
    RuleKind,
    RuleSetDefined,
    RuleVersion,
)
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
    content: RuleContent | None
    of_revision: int | None
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True)
class Version:
    """Content that holds from a day on until the next version's; without content, none holds."""

    valid_from: date
    content: RuleContent | None


@dataclass(frozen=True)
class RuleSet(Versioned):
    """The rules of one kind of the group, or a store's own; ``version`` counts its changes."""

    store_id: str
    kind: RuleKind
    changes: tuple[Change, ...] = ()

    @property
    def rule_id(self) -> str:
        return self._kind.rule_id(self.store_id)

    @property
    def versions(self) -> tuple[Version, ...]:
        """The dated versions, the earliest first."""
        return versions(self.changes)

    @property
    def state(self) -> RuleSetDefined:
        """The rule set as it is announced."""
        return RuleSetDefined(
            store_id=GROUP,
            rule_id=self.rule_id,
            for_store=None if self.store_id == GROUP else self.store_id,
            versions=tuple(announced(version) for version in self.versions),
        )

    @property
    def _kind(self) -> Kind:
        return KINDS[self.kind]


@dataclass(frozen=True)
class Decision:
    """Decision of a manager: the version that they saw, its day, and who decides when.

    ``today`` is the day of the store, or of the group. Beside a store's own rules, ``group`` is
    what the group's say on the day of the decision.
    """

    seen: str
    valid_from: date
    by: str
    at: datetime
    today: date
    group: RuleContent | None = None


def versions(changes: Sequence[Change]) -> tuple[Version, ...]:
    """Return the versions after ``changes``: of each day the last one counts."""
    by_day: dict[date, Version] = {}
    for change in changes:
        if change.action == "withdrawn":
            by_day.pop(change.valid_from, None)
        else:
            by_day[change.valid_from] = Version(change.valid_from, change.content)
    return tuple(by_day[day] for day in sorted(by_day))


def version_on(dated: Sequence[Version], day: date) -> Version | None:
    """Return the version that holds on ``day``."""
    return next((each for each in reversed(dated) if each.valid_from <= day), None)


def content_on(dated: Sequence[Version], day: date) -> RuleContent | None:
    """Return the content that holds on ``day``."""
    version = version_on(dated, day)
    return version.content if version else None


def announced(version: Version) -> RuleVersion:
    """Return the version as events and responses have it."""
    return RuleVersion(valid_from=version.valid_from.isoformat(), content=version.content)


def define(rule_set: RuleSet, content: RuleContent, decision: Decision) -> RuleSet:
    """Return the rule set with ``content`` from a day on; itself where that holds already.

    Only the first definition may begin in the past.

    Raises:
        RuleViolation: the content breaks a rule of its kind, another change came in between, or the
            day has passed.
    """
    KINDS[rule_set.kind].require(content, rule_set.store_id, decision.group)
    require_version(rule_set, decision.seen)
    if content_on(rule_set.versions, decision.valid_from) == content:
        return rule_set
    if rule_set.changes:
        _require_future(decision)
    return _changed(rule_set, "defined", content, decision)


def end(rule_set: RuleSet, decision: Decision) -> RuleSet:
    """Return the rule set without content from a day on.

    Raises:
        RuleViolation: the group needs the rules, another change came in between, the day has
            passed, or nothing holds on it.
    """
    if rule_set.store_id == GROUP:
        raise errors.always_needed(rule_set.kind)
    require_version(rule_set, decision.seen)
    _require_future(decision)
    if content_on(rule_set.versions, decision.valid_from) is None:
        raise errors.nothing_holds(decision.valid_from)
    return _changed(rule_set, "ended", None, decision)


def withdraw(rule_set: RuleSet, decision: Decision) -> RuleSet:
    """Return the rule set without the version of a day to come; the one before goes on.

    Raises:
        RuleViolation: another change came in between, no version begins on that day, or it has
            begun already.
    """
    require_version(rule_set, decision.seen)
    if decision.valid_from not in {version.valid_from for version in rule_set.versions}:
        raise errors.no_version_from(decision.valid_from)
    if decision.valid_from <= decision.today:
        raise errors.already_holds(decision.valid_from)
    return _changed(rule_set, "withdrawn", None, decision)


def put_back(rule_set: RuleSet, of_revision: int, decision: Decision) -> RuleSet:
    """Return the rule set with the content of an earlier change, from a day on.

    It is the rule set itself where that holds already.

    Raises:
        RuleViolation: there is no such change or it has no content, the content breaks a rule that
            is newer, another change came in between, or the day has passed.
    """
    require_version(rule_set, decision.seen)
    if not 1 <= of_revision <= len(rule_set.changes):
        raise errors.unknown_revision(of_revision)
    content = rule_set.changes[of_revision - 1].content
    if content is None:
        raise errors.nothing_to_put_back(of_revision)
    KINDS[rule_set.kind].require(content, rule_set.store_id, decision.group)
    _require_future(decision)
    if content_on(rule_set.versions, decision.valid_from) == content:
        return rule_set
    return _changed(rule_set, "put_back", content, decision, of_revision)


def _require_future(decision: Decision) -> None:
    if decision.valid_from < decision.today:
        raise errors.day_passed(decision.today)


def _changed(
    rule_set: RuleSet,
    action: Action,
    content: RuleContent | None,
    decision: Decision,
    of_revision: int | None = None,
) -> RuleSet:
    revision = rule_set.version + 1
    change = Change(
        revision, action, decision.valid_from, content, of_revision, decision.by, decision.at
    )
    return replace(
        rule_set,
        changes=(*rule_set.changes, change),
        version=revision,
        changed_by=decision.by,
        changed_at=decision.at,
    )
