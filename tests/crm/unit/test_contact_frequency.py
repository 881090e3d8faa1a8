"""How often a customer is called, as a pure decision."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.crm.domain.contact_frequency import spread
from services.crm.domain.follow_up import FollowUp
from services.crm.domain.follow_up_reason import PURPOSES, REASONS, ReasonRules, is_refused
from services.crm.domain.message import QuietHours
from shared.contracts.management import FOLLOW_UP_REASONS, FollowUpReasonRules

NOW = datetime(2026, 3, 5, 10, tzinfo=UTC)
RULES = ReasonRules.of(FollowUpReasonRules())
WEEK = timedelta(days=7)
QUIET = QuietHours(time(21), time(8))

MINUTES = st.integers(-20 * 1440, 40 * 1440).map(lambda minutes: timedelta(minutes=minutes))


def callable_from(moment: datetime) -> datetime:
    return QUIET.end_after(moment) or moment


def call(reason: str, due_at: datetime = NOW, follow_up_id: str = "f") -> FollowUp:
    return FollowUp(
        follow_up_id,
        "S01",
        reason,  # type: ignore[arg-type]
        "about",
        "c",
        "agent",
        RULES.order[reason],
        due_at,
    )


KEPT = ("ad_hoc",)
CALLS = st.lists(
    st.tuples(st.sampled_from([each for each in REASONS if each not in KEPT]), MINUTES), max_size=8
).map(
    lambda drawn: [
        call(reason, NOW + after, f"f-{number}") for number, (reason, after) in enumerate(drawn)
    ]
)
CONTACTS = st.lists(st.integers(0, 20 * 1440), max_size=2).map(
    lambda drawn: [NOW - timedelta(minutes=minutes) for minutes in drawn]
)


def spread_out(calls: Sequence[FollowUp], contacts: Sequence[datetime] = ()) -> list[FollowUp]:
    return list(spread(calls, contacts, RULES, callable_from, NOW))


@given(CALLS, CONTACTS)
def test_no_customer_is_called_twice_a_week(
    calls: list[FollowUp], contacts: list[datetime]
) -> None:
    kept = [each for each in spread_out(calls, contacts) if each.cancelled_at is None]
    times = sorted(callable_from(max(each.due_at, NOW)) for each in kept)
    assert all(later - earlier >= WEEK for earlier, later in pairwise(times))
    assert all(moment - contact >= WEEK for moment in times for contact in contacts)


@given(CALLS, CONTACTS)
def test_no_call_is_due_in_quiet_hours(calls: list[FollowUp], contacts: list[datetime]) -> None:
    for each in spread_out(calls, contacts):
        if each.cancelled_at is None and each.due_at >= NOW:
            assert QUIET.end_after(each.due_at) is None


@given(CALLS)
def test_most_important_call_keeps_its_time(calls: list[FollowUp]) -> None:
    first = min(
        calls, key=lambda each: (each.priority, each.due_at, each.follow_up_id), default=None
    )
    kept = {each.follow_up_id: each for each in spread_out(calls)}
    if first:
        due_at = first.due_at if first.due_at < NOW else callable_from(first.due_at)
        assert kept[first.follow_up_id] == replace(first, due_at=due_at)


@given(CALLS, CONTACTS)
def test_calls_only_drop_where_rule_says(calls: list[FollowUp], contacts: list[datetime]) -> None:
    found = spread_out(calls, contacts)
    assert {each.follow_up_id for each in found} == {each.follow_up_id for each in calls}
    assert all(RULES.if_crowded(each.reason) == "drop" for each in found if each.cancelled_at)


@given(CALLS, CONTACTS)
def test_spread_calls_stay_where_they_are(calls: list[FollowUp], contacts: list[datetime]) -> None:
    once = [each for each in spread_out(calls, contacts) if each.cancelled_at is None]
    again = spread_out(once, contacts)
    assert sorted(again, key=lambda each: each.follow_up_id) == sorted(
        once, key=lambda each: each.follow_up_id
    )


def test_delivery_moves_survey_drops_behind_complaint() -> None:
    complaint = call("complaint_revisit", NOW + timedelta(days=1), "complaint")
    found = spread_out([call("delivery", follow_up_id="delivery"), complaint, call("survey")])
    by_id = {each.follow_up_id: each for each in found}
    assert by_id["complaint"] == complaint
    assert by_id["delivery"].due_at == complaint.due_at + WEEK
    assert by_id["f"].cancel_cause == "crowded"


@given(CALLS, CONTACTS)
def test_call_that_customer_asked_for_keeps_its_time(
    calls: list[FollowUp], contacts: list[datetime]
) -> None:
    asked = call("ad_hoc", NOW + timedelta(hours=1), "asked")
    kept = {each.follow_up_id: each for each in spread_out([*calls, asked], contacts)}
    assert kept["asked"] == asked


@given(st.sampled_from(REASONS), st.sets(st.sampled_from(sorted(set(PURPOSES.values())))))
def test_refusal_covers_reasons_of_its_purpose(reason: str, refused: set[str]) -> None:
    assert is_refused(reason, refused) == (PURPOSES[reason] in refused)  # type: ignore[arg-type, index]


def test_rules_know_every_reason() -> None:
    assert set(FOLLOW_UP_REASONS) == set(REASONS) == set(RULES.order)
