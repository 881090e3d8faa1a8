"""Policies, the cadence of their renewal, quotes and results (R27)."""

from calendar import monthrange
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.domain import insurance
from services.crm.domain.insurance import Policy, Quote, Terms
from shared.contracts.crm import RenewalDue, RenewalLost
from shared.contracts.management import InsuranceRules
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 4, tzinfo=UTC)
RULES = InsuranceRules()
ENDS_ON = date(2026, 5, 31)
DAYS = st.dates(date(2020, 1, 1), date(2060, 12, 31))

POLICY = Policy(
    store_id="S01",
    policy_id="p-1",
    customer_ref="c-1",
    vehicle_ref="v-1",
    insurer="picc",
    kinds=("compulsory", "damage"),
    begins_on=date(2025, 6, 1),
    ends_on=ENDS_ON,
    end_day=31,
    premium_cents=500_000,
    sold_here=True,
    channel="in_store",
    is_renewal=False,
    recorded_by="S01-agent-1",
    recorded_at=NOW,
    remind_on=ENDS_ON - timedelta(days=45),
)
TERMS = Terms("cpic", ["compulsory"], date(2026, 6, 1), date(2027, 5, 31), 480_000, "phone")
QUOTE = Quote("S01", "q-1", "p-1", "cpic", ("compulsory",), 480_000, date(2026, 3, 10), "a", NOW)


def record(terms: Terms, *others: Policy, confirmed: bool = False) -> Policy:
    policy, _ = insurance.record(
        terms,
        store_id="S01",
        policy_id="p-2",
        customer_ref="c-1",
        vehicle_ref="v-1",
        sold_here=True,
        is_renewal=False,
        others=others,
        overlap_confirmed=confirmed,
        rules=RULES,
        renewed=None,
        recorded_by="S01-agent-1",
        now=NOW,
    )
    return policy


@given(day=DAYS, months=st.integers(1, 24), steps=st.integers(1, 12))
def test_anchor_day_is_kept_over_short_months(day: date, months: int, steps: int) -> None:
    stepped = day
    for _ in range(steps):
        stepped = insurance.after_months(stepped, months, day.day)
    assert stepped == insurance.after_months(day, months * steps, day.day)
    assert stepped.day == min(day.day, monthrange(stepped.year, stepped.month)[1])


@given(day=DAYS, years=st.integers(1, 12))
def test_renewals_keep_anchor_day_of_first(day: date, years: int) -> None:
    policy = replace(POLICY, begins_on=day, ends_on=day, end_day=day.day)
    for _ in range(years):
        begins_on, ends_on = insurance.next_term(policy)
        assert begins_on == policy.ends_on + timedelta(days=1)
        end_day = insurance.end_day_of(ends_on, policy)
        policy = replace(policy, begins_on=begins_on, ends_on=ends_on, end_day=end_day)
    assert policy.ends_on == insurance.after_months(day, 12 * years, day.day)


def test_policy_of_leap_day_ends_there_again() -> None:
    policy = replace(POLICY, ends_on=date(2028, 2, 29), end_day=29)
    ends = [insurance.after_months(policy.ends_on, 12 * year, 29) for year in range(1, 5)]
    assert [(end.month, end.day) for end in ends] == [(2, 28), (2, 28), (2, 28), (2, 29)]


@given(first=st.integers(-40, 60), gaps=st.lists(st.integers(1, 20), min_size=1, max_size=60))
def test_each_day_of_cadence_is_raised_once(first: int, gaps: list[int]) -> None:
    policy, raised, today = POLICY, [], ENDS_ON - timedelta(days=first)
    for gap in gaps:
        if policy.remind_on is not None and policy.remind_on <= today:
            policy, events = insurance.remind(policy, RULES, today, NOW)
            raised += [each.reminder_days for each in events if isinstance(each, RenewalDue)]
            assert policy.remind_on is None or policy.remind_on > today
        today += timedelta(days=gap)
    assert raised == sorted(set(raised), reverse=True)
    assert set(raised) <= set(RULES.reminder_days)


def test_late_record_is_raised_for_nearest_day() -> None:
    policy, events = insurance.remind(POLICY, RULES, ENDS_ON - timedelta(days=20), NOW)
    assert [(e.reminder_days, e.days_left) for e in events if isinstance(e, RenewalDue)] == [
        (30, 20)
    ]
    assert policy.remind_on == ENDS_ON - timedelta(days=15)


def test_policy_without_result_lapses_after_grace() -> None:
    last = ENDS_ON + timedelta(days=RULES.close_after_days)
    kept, events = insurance.remind(replace(POLICY, reminded_days=1), RULES, last, NOW)
    assert (kept.result, events, kept.remind_on) == (None, [], last + timedelta(days=1))
    lost, events = insurance.remind(kept, RULES, last + timedelta(days=1), NOW)
    assert (lost.result, lost.loss_cause, lost.remind_on) == ("lost", "lapsed", None)
    assert isinstance(events[0], RenewalLost)


@pytest.mark.parametrize(
    ("terms", "rule"),
    [
        (replace(TERMS, ends_on=date(2026, 5, 31)), "policy_ends_before_begin"),
        (replace(TERMS, ends_on=date(2036, 5, 31)), "policy_too_long"),
        (replace(TERMS, insurer="acme"), "unknown_insurer"),
        (replace(TERMS, begins_on=ENDS_ON), "policies_overlap"),
    ],
)
def test_impossible_policy_is_refused(terms: Terms, rule: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        record(terms, POLICY)
    assert refused.value.rule == rule


def test_overlap_is_taken_when_confirmed() -> None:
    overlapping = replace(TERMS, begins_on=ENDS_ON)
    assert record(overlapping, POLICY, confirmed=True).begins_on == ENDS_ON


def test_policies_of_different_kinds_may_overlap() -> None:
    other = replace(TERMS, begins_on=ENDS_ON, kinds=["third_party"])
    assert record(other, POLICY).kinds == ("third_party",)


def test_renewal_has_one_result() -> None:
    won, _ = insurance.win(POLICY, replace(POLICY, policy_id="p-2"), None, "a", NOW)
    assert (won.result, won.new_policy_id) == ("won", "p-2")
    with pytest.raises(RuleViolation, match="has a result already"):
        insurance.lose(won, cause="price", insured_elsewhere=False, insurer=None, by="a", now=NOW)


def test_insured_elsewhere_names_other_insurer() -> None:
    lost, (event,) = insurance.lose(
        POLICY, cause="price", insured_elsewhere=True, insurer="cpic", by="a", now=NOW
    )
    assert (lost.result, lost.other_insurer) == ("insured_elsewhere", "cpic")
    assert isinstance(event, RenewalLost)
    assert event.insured_elsewhere


def test_insurer_without_other_insurance_is_refused() -> None:
    with pytest.raises(RuleViolation, match="insured elsewhere"):
        insurance.lose(
            POLICY, cause="price", insured_elsewhere=False, insurer="cpic", by="a", now=NOW
        )


def test_expired_quote_is_refused() -> None:
    insurance.require_current(QUOTE, QUOTE.valid_until)
    with pytest.raises(RuleViolation, match="was valid until 2026-03-10"):
        insurance.require_current(QUOTE, date(2026, 3, 11))


def test_cheapest_quote_is_a_valid_one() -> None:
    quotes = [QUOTE, replace(QUOTE, quote_id="q-2", premium_cents=1, valid_until=date(2026, 3, 1))]
    assert insurance.cheapest(quotes, date(2026, 3, 4)) == "q-1"


def test_renewal_is_not_handed_to_itself() -> None:
    with pytest.raises(RuleViolation, match="this store's already"):
        insurance.hand_over(POLICY, "S01", "phone", "a", NOW)
