"""Appointment times to offer: off-peak, free and in the future (R1)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.reception.domain.advisors import AdvisorWorkload, suggest_advisors
from services.reception.domain.appointment_times import HALF_HOUR, HalfHour, off_peak_slots
from services.reception.domain.estimate import CatalogOperation
from services.reception.domain.opening_hours import OpeningDays, OpeningHours
from shared.contracts.violations import RuleViolation

MORNING = datetime(2026, 3, 4, 0, 0, tzinfo=UTC)
SKILL_CODES = ("maintenance", "mechanical")
CHINA = ZoneInfo("Asia/Shanghai")
ALWAYS = OpeningHours(time.min, time.max, CHINA)


@st.composite
def curves(draw: st.DrawFn) -> list[HalfHour]:
    """Return half hours of a morning in which technicians of two skills work, more or less
    booked.
    """
    curve = []
    for skill_code in SKILL_CODES:
        for place in draw(st.sets(st.integers(0, 15))):
            working = draw(st.integers(1, 4)) * 30
            free = draw(st.integers(0, working))
            curve.append(HalfHour(skill_code, MORNING + place * HALF_HOUR, working, free))
    return curve


operations = st.lists(
    st.builds(
        CatalogOperation,
        st.just("OP"),
        st.sampled_from(SKILL_CODES),
        st.sampled_from([0.3, 0.5, 1.2, 2.0]),
    ),
    min_size=1,
    max_size=3,
)


@given(curves(), operations, st.integers(-60, 300))
def test_off_peak_slots_have_capacity_least_booked_first(
    curve: list[HalfHour], work: list[CatalogOperation], minutes: int
) -> None:
    now = MORNING + timedelta(minutes=minutes)
    slots = off_peak_slots(curve, work, ALWAYS, now)
    assert slots == sorted(slots, key=lambda slot: (slot.booked_share, slot.starts_at))
    for slot in slots:
        assert slot.starts_at > now
        assert 0 <= slot.booked_share <= 1
        for skill_code in {operation.skill_code for operation in work}:
            needed = sum(o.standard_hours * 60 for o in work if o.skill_code == skill_code)
            span = (needed + 29.999) // 30 * HALF_HOUR
            free = sum(
                each.free_minutes
                for each in curve
                if each.skill_code == skill_code
                and slot.starts_at <= each.starts_at < slot.starts_at + span
            )
            assert free >= needed


@given(curves(), operations)
def test_freed_capacity_never_removes_slots(
    curve: list[HalfHour], work: list[CatalogOperation]
) -> None:
    freed = [
        HalfHour(each.skill_code, each.starts_at, each.working_minutes, each.working_minutes)
        for each in curve
    ]
    before = {slot.starts_at for slot in off_peak_slots(curve, work, ALWAYS, MORNING - HALF_HOUR)}
    after = {
        slot.starts_at: slot for slot in off_peak_slots(freed, work, ALWAYS, MORNING - HALF_HOUR)
    }
    assert before <= after.keys()
    assert all(slot.booked_share == 0 for slot in after.values())


@given(curves(), operations)
def test_offered_slots_lie_within_opening_hours(
    curve: list[HalfHour], work: list[CatalogOperation]
) -> None:
    day = OpeningHours(time(9), time(11), CHINA)
    offered = [slot.starts_at for slot in off_peak_slots(curve, work, day, MORNING - HALF_HOUR)]
    always = [slot.starts_at for slot in off_peak_slots(curve, work, ALWAYS, MORNING - HALF_HOUR)]
    assert offered == [at for at in always if 9 <= at.astimezone(CHINA).hour < 11]


@pytest.mark.parametrize(
    ("local", "is_open"),
    [
        (datetime(2026, 3, 4, 7, 59, tzinfo=CHINA), False),
        (datetime(2026, 3, 4, 8, 0, tzinfo=CHINA), True),
        (datetime(2026, 3, 4, 17, 59, tzinfo=CHINA), True),
        (datetime(2026, 3, 4, 18, 0, tzinfo=CHINA), False),
        (datetime(2026, 3, 5, 10, 0, tzinfo=CHINA), False),
    ],
)
def test_store_is_open_only_between_its_hours(local: datetime, is_open: bool) -> None:
    closed = frozenset({date(2026, 3, 5)})
    hours = OpeningHours(time(8), time(18), CHINA, closed)
    assert hours.is_open(local.astimezone(UTC)) is is_open


advisors = st.lists(st.sampled_from("ABCDE"), unique=True, max_size=5)
advisor_workloads = st.dictionaries(
    st.sampled_from("ABCDE"),
    st.builds(
        AdvisorWorkload,
        st.integers(0, 4),
        st.integers(0, 500).map(lambda m: MORNING + timedelta(minutes=m)),
    ),
)


@given(advisors, advisor_workloads, st.integers(0, 8))
def test_suggested_advisors_have_fewest_customers(
    known: list[str], now: dict[str, AdvisorWorkload], waiting: int
) -> None:
    chosen = suggest_advisors(known, now, waiting)
    assert len(chosen) == (waiting if known else 0)
    held = {each: now.get(each, AdvisorWorkload()).customers for each in known}
    for advisor in chosen:
        assert held[advisor] == min(held.values())
        held[advisor] += 1


def test_equally_free_advisors_are_suggested_by_last_greeting() -> None:
    now = {
        "A": AdvisorWorkload(0, MORNING + timedelta(hours=2)),
        "B": AdvisorWorkload(0, MORNING),
        "C": AdvisorWorkload(1, MORNING),
    }
    assert suggest_advisors(["A", "B", "C", "D"], now, 5) == ["D", "B", "A", "C", "D"]


def test_each_day_has_its_own_hours() -> None:
    early, late = (OpeningHours(time(begin), time(begin + 8), CHINA) for begin in (8, 10))
    days = OpeningDays(CHINA, {date(2026, 3, 4): early, date(2026, 3, 5): late})
    at_nine = [datetime(2026, 3, day, 9, tzinfo=CHINA) for day in (4, 5, 6)]
    assert [days.is_open(moment) for moment in at_nine] == [True, False, False]
    assert days.on(date(2026, 3, 5)) == late
    with pytest.raises(RuleViolation) as refused:
        days.on(date(2026, 3, 6))
    assert refused.value.rule == "store_ended"


def test_new_store_has_no_hours_before_opening() -> None:
    hours = OpeningHours(time(8), time(16), CHINA)
    days = OpeningDays(CHINA, {date(2026, 3, 5): hours}, opens_on=date(2026, 3, 5))
    assert days.on(date(2026, 3, 5)) == hours
    with pytest.raises(RuleViolation) as refused:
        days.on(date(2026, 3, 4))
    assert refused.value.rule == "store_not_open_yet"
