"""Working time of technicians and bays by their dated records."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.workshop.domain.job import Assignment
from services.workshop.domain.roster import Roster
from shared.contracts.management import (
    BayProfile,
    Break,
    Certificate,
    Leave,
    Post,
    ShiftPattern,
    ShiftRules,
    StaffProfile,
    StoreVersion,
)
from tests.support.rules import rule_set
from tests.support.staff import staff_record
from tests.support.stores import bay, profile, store

ZONE = ZoneInfo("Asia/Shanghai")
FIRST = date(2026, 1, 1)
WEDNESDAY, THURSDAY = date(2026, 3, 4), date(2026, 3, 5)
WHO, BAY = "S01-technician-1", "S01-lift-1"
LIFT = BayProfile(type="lift", number=1, capabilities=("lift",))
EARLY = ShiftPattern(
    shift="early", zh="早班", en="Early", weekdays=tuple(range(1, 8)), start="08:00", finish="17:00"
)
NIGHT = ShiftPattern(
    shift="night",
    zh="夜班",
    en="Night",
    weekdays=(3,),
    start="22:00",
    finish="06:00",
    breaks=(Break(start="00:00", finish="01:00"),),
)


def technician(**fields: Any) -> StaffProfile:
    posts = (Post(role="technician", in_store="S01"),)
    return StaffProfile.model_validate({"posts": posts, "shift": "early", **fields})


def roster(
    *profiles: tuple[date, StaffProfile | None],
    bays: Sequence[tuple[date, BayProfile | None]] = ((FIRST, LIFT),),
    hours: Sequence[StoreVersion] = store("S01", (FIRST, profile())).versions,
    shifts: Mapping[str, ShiftPattern] = {},
) -> Roster:
    """Return the roster of a store with one technician and one bay; ``shifts`` are its own."""
    rules = [rule_set("shifts", (FIRST, ShiftRules(shifts=(EARLY, NIGHT))))]
    if shifts:
        rules.append(rule_set("shifts.S01", (FIRST, ShiftRules(shifts=tuple(shifts.values())))))
    return Roster(
        store_id="S01",
        zone=ZONE,
        hours=hours,
        staff={WHO: staff_record(WHO, *profiles).versions},
        bays={BAY: bay(BAY, *bays).versions},
        shifts=[each.versions for each in rules],
        closed=frozenset({date(2026, 3, 6)}),
    )


def at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZONE)


def spans(shop: Roster, first: date, days: int) -> list[tuple[datetime, datetime]]:
    """Return the technician's working time."""
    found = shop.working_days(first, first + timedelta(days=days))
    return [span for day in found.get(WHO, ()) for span in day.spans]


def test_night_shift_counts_to_day_it_starts() -> None:
    shop = roster((FIRST, technician(shift="night")))
    night = [
        (at(WEDNESDAY, 22), at(THURSDAY, 0)),
        (at(THURSDAY, 1), at(THURSDAY, 6)),
    ]
    assert spans(shop, WEDNESDAY, 2) == night
    assert spans(shop, THURSDAY, 1) == night[1:]
    assert shop.shift_end([WHO], at(THURSDAY, 2)) == at(THURSDAY, 6)
    assert shop.shift_end([WHO], at(THURSDAY, 7)) is None


def test_leave_takes_whole_night_shift_out() -> None:
    leave = (Leave(first_day="2026-03-04", last_day="2026-03-04"),)
    assert spans(roster((FIRST, technician(shift="night", leave=leave))), WEDNESDAY, 2) == []


def test_certificate_counts_within_its_dates() -> None:
    dated = Certificate(
        certificate="high_voltage", valid_from="2026-03-04", expires_on="2026-03-05"
    )
    shop = roster((FIRST, technician(certificates=(dated,))))
    days = [WEDNESDAY + timedelta(days=n) for n in (-1, 0, 1, 2)]
    held = [bool(shop.technicians_on(day)[0].certificates) for day in days]
    assert held == [False, True, True, False]


def test_ended_record_ends_the_work() -> None:
    shop = roster((FIRST, technician()), (THURSDAY, None), bays=((FIRST, LIFT), (THURSDAY, None)))
    assert spans(shop, WEDNESDAY, 3) == [(at(WEDNESDAY, 8), at(WEDNESDAY, 17))]
    assert [bay.bay_id for bay in shop.bays_on(WEDNESDAY)] == [BAY]
    assert shop.bays_on(THURSDAY) == []
    assert len(shop.bay_hours(WEDNESDAY, WEDNESDAY + timedelta(days=3))[BAY][1]) == 1
    for day, is_served in (WEDNESDAY, True), (THURSDAY, False):
        assert shop.serves(Assignment((WHO,), BAY, at(day, 8), at(day, 9))) is is_served


def test_new_shift_holds_from_its_day() -> None:
    shop = roster((FIRST, technician()), (THURSDAY, technician(shift="night")))
    assert spans(shop, WEDNESDAY, 3) == [(at(WEDNESDAY, 8), at(WEDNESDAY, 17))]


def test_own_shift_replaces_shift_of_group() -> None:
    own = EARLY.model_copy(update={"start": "07:00"})
    shop = roster((FIRST, technician()), shifts={"early": own})
    assert spans(shop, WEDNESDAY, 1) == [(at(WEDNESDAY, 7), at(WEDNESDAY, 17))]


def test_closed_days_are_free() -> None:
    closed = profile(closed_days=("2026-03-04",))
    hours = store("S01", (FIRST, closed), (date(2026, 3, 7), None))
    shop = roster((FIRST, technician()), hours=hours.versions)
    assert spans(shop, WEDNESDAY, 5) == [(at(THURSDAY, 8), at(THURSDAY, 17))]


def test_post_elsewhere_is_no_work_here() -> None:
    elsewhere = technician(posts=(Post(role="technician", in_store="S02"),))
    adviser = technician(posts=(Post(role="service_advisor", in_store="S01"),))
    deputy = technician(posts=(Post(role="technician", in_store="S01", full_time=False),))
    of_both = technician(posts=(*deputy.posts, *elsewhere.posts))
    assert roster((FIRST, elsewhere)).technicians_on(WEDNESDAY) == []
    assert len(roster((FIRST, deputy)).technicians_on(WEDNESDAY)) == 1
    assert roster((FIRST, of_both)).technicians_on(WEDNESDAY) == []
    assert roster((FIRST, adviser)).technicians_on(WEDNESDAY) == []
