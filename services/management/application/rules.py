"""Rules (规则): defined, ended, withdrawn and put back, with all their changes (R40).

``store_id`` is that of a store for its own rules, ``GROUP`` for the group's.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

from services.management.application.deps import Deps
from services.management.domain import errors, rule_set
from services.management.domain.difference import Scalar, differences
from services.management.domain.kinds import KINDS
from services.management.domain.rule_set import (
    Action,
    Change,
    Decision,
    RuleSet,
    announced,
    content_on,
    version_on,
    versions,
)
from services.management.persistence import rule_sets
from services.management.persistence.rule_sets import ListedRuleSet
from shared.contracts.management import GROUP, RuleContent, RuleKind, RuleVersion
from shared.group import CalendarDay
from shared.outbox import LARGEST_EVENT
from shared.request_model import Version, VersionedRequest
from shared.unit_of_work import UnitOfWork


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


class RuleChangeRequest(VersionedRequest):
    """Change of rules from a day on, with its reason, which stays in management."""

    valid_from: Annotated[CalendarDay, Field(description="生效日")]
    reason: Annotated[str, Field(min_length=2, max_length=500, description="原因")]


class DefineRulesRequest(RuleChangeRequest):
    content: Annotated[RuleContent, WrapValidator(_whole)]


class PutBackRulesRequest(RuleChangeRequest):
    of_revision: Annotated[int, Field(ge=1, le=1_000_000)]


class RulesEntry(BaseModel):
    """A rule set in a list, with the reason of its last change; ``version`` is "0" for one that was
    never defined.

    ``current_from`` is the day of the version of today, ``next_from`` that of the one after it.
    """

    rule_id: str
    kind: RuleKind
    for_store: str | None
    version: Version
    changed_by: str | None
    changed_at: datetime | None
    reason: str | None
    current_from: date | None
    next_from: date | None


class RulesView(BaseModel):
    """A rule set with its versions, and the one that holds on the day asked for, or today."""

    rule_id: str
    kind: RuleKind
    for_store: str | None
    version: Version
    changed_by: str | None
    changed_at: datetime | None
    today: date
    holds: RuleVersion | None
    versions: Sequence[RuleVersion]


class RulesResponse(RulesView):
    """A rule set after a command; nothing has ``changed`` where the content held already."""

    changed: bool


class RuleDifference(BaseModel):
    """Field that a change altered, as a path such as ``tiers.0.visits``."""

    field: str
    old: Scalar
    new: Scalar


class RuleChangeView(BaseModel):
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
    differences: Sequence[RuleDifference]


async def define_rules(
    uow: UnitOfWork, store_id: str, kind: RuleKind, command: DefineRulesRequest, deps: Deps
) -> RulesResponse:
    """Define what holds from a day on (规定).

    Content that holds already on that day changes nothing. Only the first definition may begin in
    the past.

    Raises:
        RuleViolation: as :func:`rule_set.define`.
    """
    return await _decide(
        uow,
        store_id,
        kind,
        command,
        deps,
        lambda found, decision: rule_set.define(found, command.content, decision),
    )


async def end_rules(
    uow: UnitOfWork, store_id: str, kind: RuleKind, command: RuleChangeRequest, deps: Deps
) -> RulesResponse:
    """End a store's own rules: from a day on the group's hold there too (终止).

    Raises:
        RuleViolation: as :func:`rule_set.end`.
    """
    return await _decide(uow, store_id, kind, command, deps, rule_set.end)


async def withdraw_rules(
    uow: UnitOfWork, store_id: str, kind: RuleKind, command: RuleChangeRequest, deps: Deps
) -> RulesResponse:
    """Withdraw the version of a day to come; the one before it goes on (撤回).

    Raises:
        RuleViolation: as :func:`rule_set.withdraw`.
    """
    return await _decide(uow, store_id, kind, command, deps, rule_set.withdraw)


async def put_back_rules(
    uow: UnitOfWork, store_id: str, kind: RuleKind, command: PutBackRulesRequest, deps: Deps
) -> RulesResponse:
    """Put the content of an earlier change back, from a day on (恢复).

    Raises:
        RuleViolation: as :func:`rule_set.put_back`.
    """
    return await _decide(
        uow,
        store_id,
        kind,
        command,
        deps,
        lambda found, decision: rule_set.put_back(found, command.of_revision, decision),
    )


async def list_rules(scopes: Sequence[str], own: str, deps: Deps) -> list[RulesEntry]:
    """List the rule sets of ``scopes``; those of ``own`` also where they were never defined."""
    now = deps.uow_factory.clock.now()
    days = {scope: deps.day(scope, now) for scope in scopes}
    async with deps.uow_factory.read(*scopes) as connection:
        found = {
            (each.store_id, each.kind): each for each in await rule_sets.listed(connection, days)
        }
        encrypted = [
            (each.store_id, KINDS[each.kind].rule_id(each.store_id), each.reason)
            for each in found.values()
            if each.reason
        ]
        texts = await deps.personal.decrypt_of_stores(connection, encrypted)
    reasons = {rule_id: text for (_, rule_id, _), text in zip(encrypted, texts, strict=True)}
    for kind in KINDS.values():
        if own == GROUP or kind.for_stores:
            empty = ListedRuleSet(own, kind.name, 0, None, None, None, None, None)
            found.setdefault((own, kind.name), empty)
    return [_entry(found[key], reasons) for key in sorted(found)]


async def get_rules(store_id: str, kind: RuleKind, day: date | None, deps: Deps) -> RulesView:
    """Return the versions of a rule set, and the one that holds on ``day``, or today.

    Raises:
        RuleViolation: stores have no rules of this kind.
    """
    async with deps.uow_factory.read(store_id) as connection:
        found = await rule_sets.find(connection, store_id, kind)
    return RulesView(**_shown(found, deps.day(store_id, deps.uow_factory.clock.now()), day))


async def rules_history(store_id: str, kind: RuleKind, deps: Deps) -> list[RuleChangeView]:
    """Return the changes of a rule set, the last one first (变更记录).

    Raises:
        RuleViolation: stores have no rules of this kind.
    """
    async with deps.uow_factory.read(store_id) as connection:
        found = await rule_sets.find(connection, store_id, kind)
        encrypted = [
            (found.rule_id, reason) for reason in await rule_sets.reasons(connection, found)
        ]
        reasons = await deps.personal.decrypt_all(connection, store_id, encrypted)
    views = [
        _change_view(change, found.changes[:place], reasons[place])
        for place, change in enumerate(found.changes)
    ]
    return views[::-1]


async def _decide(
    uow: UnitOfWork,
    store_id: str,
    kind: RuleKind,
    command: RuleChangeRequest,
    deps: Deps,
    decide: Callable[[RuleSet, Decision], RuleSet],
) -> RulesResponse:
    """Apply a decision and announce the state, which all stores may read.

    Raises:
        RuleViolation: the decision is refused, or the state is too large for an event.
    """
    today = deps.day(store_id, uow.now)
    group = await _group_content(uow, store_id, kind, command.valid_from)
    decision = Decision(command.version, command.valid_from, uow.person, uow.now, today, group)
    async with uow.limited_to(store_id) as own:
        found = await rule_sets.lock(own.connection, store_id, kind)
        changed = decide(found, decision)
        if changed is not found:
            reason = await deps.personal.encrypt(
                own.connection, store_id, changed.rule_id, command.reason
            )
            await rule_sets.save(own.connection, changed, reason)
    if changed is not found:
        state = changed.state
        if len(state.model_dump_json().encode()) > LARGEST_EVENT:
            raise errors.too_large(LARGEST_EVENT)
        uow.publish([state])
    shown = _shown(changed, today, command.valid_from)
    return RulesResponse(**shown, changed=changed is not found)


async def _group_content(
    uow: UnitOfWork, store_id: str, kind: RuleKind, day: date
) -> RuleContent | None:
    """Return what the group's rules say on ``day``, beside which those of a store have to stand."""
    if store_id == GROUP:
        return None
    async with uow.limited_to(GROUP) as group:
        return content_on((await rule_sets.find(group.connection, GROUP, kind)).versions, day)


def _shown(found: RuleSet, today: date, day: date | None) -> dict[str, Any]:
    dated = found.versions
    held = version_on(dated, day or today)
    return {
        "rule_id": found.rule_id,
        "kind": found.kind,
        "for_store": _for_store(found.store_id),
        "version": found.version,
        "changed_by": found.changed_by,
        "changed_at": found.changed_at,
        "today": today,
        "holds": held and announced(held),
        "versions": [announced(version) for version in dated],
    }


def _entry(listed: ListedRuleSet, reasons: Mapping[str, str | None]) -> RulesEntry:
    rule_id = KINDS[listed.kind].rule_id(listed.store_id)
    return RulesEntry(
        rule_id=rule_id,
        kind=listed.kind,
        for_store=_for_store(listed.store_id),
        version=str(listed.version),
        changed_by=listed.changed_by,
        changed_at=listed.changed_at,
        reason=reasons.get(rule_id),
        current_from=listed.current_from,
        next_from=listed.next_from,
    )


def _change_view(change: Change, before: Sequence[Change], reason: str | None) -> RuleChangeView:
    day = change.valid_from
    altered = differences(
        content_on(versions(before), day), content_on(versions([*before, change]), day)
    )
    return RuleChangeView(
        revision=change.revision,
        action=change.action,
        valid_from=day,
        of_revision=change.of_revision,
        changed_by=change.changed_by,
        changed_at=change.changed_at,
        reason=reason,
        differences=[RuleDifference(**vars(each)) for each in altered],
    )


def _for_store(store_id: str) -> str | None:
    return None if store_id == GROUP else store_id
