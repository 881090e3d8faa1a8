"""Campaigns: the draw of the control group, waves, answers, and the effect (R28)."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.crm.domain.campaign import (
    Campaign,
    CampaignStatus,
    GroupFigures,
    Invitation,
    InvoicedPrice,
    PriceLimit,
    answer,
    effect,
    limited_prices,
    plan,
    price_breaches,
    require_draft,
    start,
)
from services.crm.domain.confidence import rate_difference
from services.crm.domain.segment import Candidate, Draw, Segment, wave_of
from shared.contracts.crm import CampaignAnswer
from shared.contracts.violations import RuleViolation

NOW = datetime(2026, 3, 4, 2, tzinfo=UTC)
TODAY = date(2026, 3, 4)
CAMPAIGN = Campaign(
    store_id="S01",
    campaign_id="cp-1",
    title="春季保养",
    origin="store",
    reason="service_season",
    begins_on=TODAY,
    ends_on=TODAY + timedelta(days=20),
    segment=Segment(),
    control_bp=1_000,
    invite_by="message",
    waves=3,
    days_between_waves=10,
    price_limits=(),
    rebate_target_cents=None,
    planned_cost_cents=0,
    planned_by="m",
    planned_at=NOW,
)
INVITATION = Invitation("S01", "cp-1", "iv-1", "c-1", "gold", 1, "invited")
CANDIDATES = st.lists(
    st.builds(
        Candidate,
        st.uuids().map(str),
        st.sampled_from(["gold", "silver", "bronze", None]),
    ),
    max_size=200,
    unique_by=lambda each: each.customer_ref,
)
SHARES = st.integers(0, 5_000)


@given(CANDIDATES, SHARES, st.randoms(use_true_random=False))
def test_draw_is_same_in_any_order(
    candidates: list[Candidate], control_bp: int, chance: Any
) -> None:
    drawn = Draw.of("cp-1", candidates, control_bp)
    shuffled = candidates[:]
    chance.shuffle(shuffled)
    assert Draw.of("cp-1", shuffled, control_bp) == drawn
    assert sorted([*drawn.invited, *drawn.control], key=str) == sorted(candidates, key=str)


@given(CANDIDATES, SHARES)
def test_control_share_is_exact_and_near_in_tiers(
    candidates: list[Candidate], control_bp: int
) -> None:
    control = Draw.of("cp-1", candidates, control_bp).control
    assert len(control) == len(candidates) * control_bp // 10_000
    held_back = Counter(each.tier for each in control)
    for tier, size in Counter(each.tier for each in candidates).items():
        assert abs(held_back[tier] - size * control_bp / 10_000) <= 1


@given(CANDIDATES.filter(bool), st.integers(1, 12))
def test_waves_are_even_and_loyal_first(candidates: list[Candidate], waves: int) -> None:
    running = replace(CAMPAIGN, waves=waves, status="scheduled", started_by="m")
    ids = [str(number) for number in range(len(candidates))]
    _, invitations, event = start(running, candidates, ids, NOW)
    invited = [each for each in invitations if each.wave]
    order = ["gold", "silver", "bronze", None]
    turns = [(each.wave or 0, order.index(each.tier)) for each in invited]
    assert [rank for _, rank in turns] == sorted(rank for _, rank in turns)
    assert [wave for wave, _ in turns] == sorted(wave for wave, _ in turns)
    sizes = Counter(wave_of(place, len(invited), waves) for place in range(len(invited)))
    assert max(sizes.values(), default=0) - min(sizes.values(), default=0) <= 1
    assert (event.invited_count, event.control_count) == (
        len(invited),
        len(invitations) - len(invited),
    )


@given(st.integers(0, 60), st.integers(1, 60), st.integers(0, 60), st.integers(1, 60))
def test_difference_is_inside_its_interval(a: int, n: int, b: int, m: int) -> None:
    found = rate_difference(min(a, n), n, min(b, m), m)
    assert -1 - 1e-9 <= found.low <= found.difference <= found.high <= 1 + 1e-9
    other = rate_difference(min(b, m), m, min(a, n), n)
    assert other.low == pytest.approx(-found.high)


def test_difference_equals_published_example() -> None:
    """Newcombe (1998), table II, method 10: 56/70 less 48/80."""
    found = rate_difference(56, 70, 48, 80)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_effect_counts_what_control_group_lacks() -> None:
    found = effect(GroupFigures(100, 40, 44, 400_000), GroupFigures(50, 10, 10, 50_000))
    assert found.more_visitors == pytest.approx(20)
    assert found.more_cents == 300_000
    assert (found.is_small, found.is_certain) == (False, True)


def test_small_or_missing_control_is_said() -> None:
    few = effect(GroupFigures(100, 40, 44, 1), GroupFigures(9, 2, 2, 1))
    assert (few.is_small, few.is_certain) == (True, False)
    without = effect(GroupFigures(100, 40, 44, 1), GroupFigures())
    assert (without.is_small, without.difference, without.more_cents) == (True, None, None)


@pytest.mark.parametrize(
    ("changes", "rule", "field"),
    [
        ({"ends_on": TODAY - timedelta(days=1)}, "period_over", "ends_on"),
        ({"waves": 4}, "waves_after_end", "waves"),
        (
            {"price_limits": (PriceLimit(op_code="OIL", floor_cents=1),)},
            "limits_of_own_campaign",
            "price_limits",
        ),
        (
            {
                "origin": "manufacturer",
                "price_limits": (PriceLimit(op_code="OIL", floor_cents=2, ceiling_cents=1),),
            },
            "limits_crossed",
            "price_limits.0.ceiling_cents",
        ),
        (
            {"segment": Segment(min_odometer_km=9, max_odometer_km=8)},
            "limits_crossed",
            "segment.max_odometer_km",
        ),
    ],
)
def test_impossible_plan_is_refused(changes: dict[str, Any], rule: str, field: str) -> None:
    with pytest.raises(RuleViolation) as refused:
        plan(replace(CAMPAIGN, **changes), TODAY)
    assert (refused.value.rule, refused.value.field) == (rule, field)


PRICES = st.builds(
    InvoicedPrice,
    invoice_id=st.uuids().map(str),
    op_code=st.sampled_from(["OIL", "TIRE"]),
    order_id=st.just("o"),
    quantity=st.integers(1, 3),
    amount_cents=st.integers(0, 1_000),
    credited_cents=st.integers(0, 1_000),
    issued_at=st.just(NOW),
)


@given(st.lists(PRICES), st.integers(0, 300), st.integers(0, 300))
def test_breaches_are_prices_outside_limits(
    prices: list[InvoicedPrice], floor: int, span: int
) -> None:
    limit = PriceLimit(op_code="OIL", floor_cents=floor, ceiling_cents=floor + span)
    limited = limited_prices([limit], prices)
    assert {each.op_code for each in limited} <= {"OIL"}
    broken = {each.price.invoice_id: each for each in price_breaches([limit], limited)}
    for each in limited:
        allowed = range(floor * each.quantity, (floor + span) * each.quantity + 1)
        assert (each.net_cents in allowed) == (each.invoice_id not in broken)
    for breach in broken.values():
        below = breach.price.net_cents < breach.limit_cents
        assert below == (breach.bound == "floor")


def test_price_credited_whole_is_not_compared() -> None:
    limit = PriceLimit(op_code="OIL", floor_cents=100)
    price = InvoicedPrice("i", "OIL", "o", 1, 90, 0, NOW)
    assert limited_prices([limit], [price, replace(price, credited_cents=90)]) == [price]
    assert price_breaches([limit], [replace(price, amount_cents=0)])[0].limit_cents == 100


@pytest.mark.parametrize("status", ["scheduled", "running", "ended", "cancelled"])
def test_only_draft_is_editable(status: CampaignStatus) -> None:
    require_draft(CAMPAIGN)
    with pytest.raises(RuleViolation, match=status):
        require_draft(replace(CAMPAIGN, status=status))


@given(st.lists(st.sampled_from(["booked", "came", "declined", "no_answer"]), max_size=6))
def test_final_answer_is_never_replaced(answers: list[CampaignAnswer]) -> None:
    invitation = INVITATION
    taken: list[CampaignAnswer] = []
    for given_answer in answers:
        try:
            invitation, events = answer(invitation, given_answer, by=None, now=NOW)
        except RuleViolation:
            assert taken
            assert taken[-1] in ("came", "no_answer", given_answer)
        else:
            taken += [event.answer for event in events]
    assert not {"came", "no_answer"} & {*taken[:-1]}
    assert invitation.answer == (taken[-1] if taken else None)


def test_held_back_customer_has_no_answer() -> None:
    with pytest.raises(RuleViolation) as refused:
        answer(replace(INVITATION, state="control", wave=None), "booked", by="a", now=NOW)
    assert refused.value.rule == "not_invited"
