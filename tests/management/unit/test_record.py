"""Records: versions by their days, conflicts, what may end, be withdrawn or be put back (R40)."""

from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.management.domain.kinds import RULES, kind_in
from services.management.domain.record import (
    Action,
    Change,
    Decision,
    Record,
    content_on,
    define,
    end,
    put_back,
    versions,
    withdraw,
)
from shared.contracts.dated import version_on
from shared.contracts.management import GROUP, MessageRules, RuleSetDefined
from shared.contracts.violations import RuleViolation

TODAY = date(2026, 3, 4)
NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
QUIET, LOUD = MessageRules(notify_at_risk=False), MessageRules(notify_at_risk=True)
EMPTY = Record("S01", RULES, "messages")

ACTIONS: tuple[Action, ...] = get_args(Action)

days = st.dates(min_value=TODAY - timedelta(days=20), max_value=TODAY + timedelta(days=20))
contents = st.sampled_from([QUIET, LOUD, None])


def decision(seen: int, day: date = TODAY, *, by: str = "manager", today: date = TODAY) -> Decision:
    return Decision(str(seen), day, by, NOW, today)


def later(count: int) -> date:
    return TODAY + timedelta(days=count)


def defined(*dated: tuple[date, MessageRules]) -> Record:
    """Return a store's rule set in which each content was defined from its day on."""
    rules = EMPTY
    for day, content in dated:
        rules = define(rules, content, decision(rules.version, day))
    return rules


@st.composite
def histories(draw: st.DrawFn) -> list[Change]:
    count = draw(st.integers(min_value=0, max_value=12))
    changes: list[Change] = []
    for revision in range(1, count + 1):
        action = draw(st.sampled_from(ACTIONS))
        content = draw(contents) if action in ("defined", "put_back") else None
        changes.append(Change(revision, action, draw(days), content, None, "manager", NOW))
    return changes


@given(histories())
def test_versions_stand_in_order_of_distinct_days(history: list[Change]) -> None:
    dates = [version.valid_from for version in versions(history)]
    assert dates == sorted(set(dates))


@given(histories(), days)
def test_content_is_that_of_latest_day_before(history: list[Change], day: date) -> None:
    last = {change.valid_from: change for change in history}
    begun = [
        change
        for change in last.values()
        if change.action != "withdrawn" and change.valid_from <= day
    ]
    expected = max(begun, key=lambda change: change.valid_from).content if begun else None
    assert content_on(versions(history), day) == expected


@given(histories(), days, st.sampled_from([QUIET, LOUD]), days)
def test_definition_leaves_earlier_days_unchanged(
    history: list[Change], day: date, content: MessageRules, other: date
) -> None:
    before = Record("S01", RULES, "messages", changes=tuple(history), version=len(history))
    after = define(before, content, decision(len(history), day, today=date.min))
    assert content_on(after.versions, day) == content
    assert after.changes[: len(history)] == tuple(history)
    if other < day:
        assert version_on(after.versions, other) == version_on(before.versions, other)


@given(histories().filter(bool), st.data())
def test_put_back_content_holds_again(history: list[Change], data: st.DataObject) -> None:
    with_content = [change.revision for change in history if change.content is not None]
    rules = Record("S01", RULES, "messages", changes=tuple(history), version=len(history))
    revision = data.draw(st.sampled_from([change.revision for change in history]))
    if revision not in with_content:
        with pytest.raises(RuleViolation, match="no content"):
            put_back(rules, revision, decision(rules.version))
        return
    restored = put_back(rules, revision, decision(rules.version))
    assert content_on(restored.versions, TODAY) == history[revision - 1].content
    if restored is not rules:
        assert restored.changes[-1].action == "put_back"
        assert restored.changes[-1].of_revision == revision


@given(st.integers(min_value=0, max_value=5), st.integers(min_value=0, max_value=5))
def test_second_of_two_editors_gets_conflict(count: int, seen: int) -> None:
    rules = EMPTY
    for number in range(count):
        rules = define(
            rules, (QUIET, LOUD)[number % 2], decision(number, later(number), by=f"editor-{number}")
        )
    if seen == count:
        assert define(rules, LOUD, decision(seen, later(30))).version >= count
        return
    with pytest.raises(RuleViolation) as refused:
        define(rules, LOUD, decision(seen, later(30)))
    assert (refused.value.rule, refused.value.kind) == ("version_conflict", "conflict")
    assert refused.value.values["by"] == (f"editor-{count - 1}" if count else None)
    assert refused.value.values["version"] == str(count)


def test_same_content_again_changes_nothing() -> None:
    rules = defined((TODAY, QUIET))
    assert define(rules, QUIET, decision(1)) is rules
    assert define(rules, QUIET, decision(1, later(3))) is rules


def test_only_first_definition_may_begin_in_past() -> None:
    yesterday = TODAY - timedelta(days=1)
    rules = define(EMPTY, QUIET, decision(0, yesterday))
    with pytest.raises(RuleViolation) as refused:
        define(rules, LOUD, decision(1, yesterday))
    assert (refused.value.rule, refused.value.field) == ("day_passed", "valid_from")


def test_change_of_same_day_replaces_version() -> None:
    rules = defined((TODAY, QUIET), (TODAY, LOUD))
    assert [(each.valid_from, each.content) for each in rules.versions] == [(TODAY, LOUD)]
    assert [change.content for change in rules.changes] == [QUIET, LOUD]


def test_ended_rules_hold_until_their_day() -> None:
    rules = end(defined((TODAY, QUIET)), decision(1, later(2)))
    assert content_on(rules.versions, later(1)) == QUIET
    assert content_on(rules.versions, later(2)) is None
    with pytest.raises(RuleViolation, match="could end"):
        end(rules, decision(2, later(3)))


def test_group_rules_cannot_end() -> None:
    with pytest.raises(RuleViolation) as refused:
        end(Record(GROUP, RULES, "messages"), decision(0))
    assert refused.value.rule == "always_needed"


def test_withdrawn_version_never_begins() -> None:
    rules = withdraw(defined((TODAY, QUIET), (later(5), LOUD)), decision(2, later(5)))
    assert content_on(rules.versions, later(9)) == QUIET
    assert rules.changes[-1].action == "withdrawn"


@pytest.mark.parametrize(("day", "rule"), [(0, "already_holds"), (4, "no_version_from")])
def test_version_that_has_begun_cannot_be_withdrawn(day: int, rule: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        withdraw(defined((TODAY, QUIET), (later(5), LOUD)), decision(2, later(day)))
    assert refused.value.rule == rule


def test_unknown_revision_cannot_be_put_back() -> None:
    with pytest.raises(RuleViolation) as refused:
        put_back(defined((TODAY, QUIET)), 2, decision(1))
    assert (refused.value.rule, refused.value.field) == ("unknown_revision", "of_revision")


def test_state_has_all_versions_of_store() -> None:
    state = defined((TODAY, QUIET), (later(5), LOUD)).state
    assert isinstance(state, RuleSetDefined)
    assert (state.store_id, state.record_id, state.for_stores) == (GROUP, "messages.S01", ("S01",))
    assert [version.valid_from for version in state.versions] == ["2026-03-04", "2026-03-09"]
    assert Record(GROUP, RULES, "loyalty").state.for_stores == ()


def test_store_has_no_loyalty_rules() -> None:
    with pytest.raises(RuleViolation, match="group's") as refused:
        kind_in(RULES, "S01", "loyalty")
    assert refused.value.kind == "not_found"
