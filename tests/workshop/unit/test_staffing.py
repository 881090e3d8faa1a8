"""Times of staffing checks, and the skills in the group (R11, R18)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.workshop.application.staffing import next_look
from services.workshop.domain.resources import Operation
from services.workshop.domain.roster import Roster
from shared.group import Store
from tests.support import stores
from tests.support.catalog import defined, records
from tests.support.rules import group_rules
from tests.support.staff import staff_profile, staff_record

FIRST = date(2026, 1, 1)
NOW = datetime(2026, 3, 4, 1, tzinfo=UTC)
PLACE = Store.of(stores.store("S01", (FIRST, stores.profile())), NOW)


def roster(store_id: str) -> Roster:
    """Return the roster of a store of the demo group."""
    (shifts,) = (each for each in group_rules() if each.record_id == "shifts")
    staff = [staff_record(each, (FIRST, staff_profile(each))) for each in records("staff")]
    bays = [stores.bay(each, (FIRST, defined("bays", each))) for each in records("bays")]
    return Roster(
        store_id=store_id,
        zone=PLACE.timezone,
        hours=stores.store(store_id, (FIRST, defined("stores", store_id))).versions,
        staff={each.record_id: each.versions for each in staff if store_id in each.for_stores},
        bays={each.record_id: each.versions for each in bays if store_id in each.for_stores},
        shifts=[shifts.versions],
        closed=frozenset(),
    )


@given(st.integers(0, 2 * 365 * 24 * 60))
def test_next_staffing_check_is_monday_before_opening(minutes: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    look_at = next_look(PLACE, now)
    assert timedelta() < look_at - now <= timedelta(weeks=1)
    local = look_at.astimezone(PLACE.timezone)
    assert (local.isoweekday(), local.time().hour) == (1, PLACE.opening.hour - 1)


def test_growth_combines_vehicles_and_visits() -> None:
    place = PLACE.model_copy(update={"units_in_operation_growth": 0.1, "visit_growth": 0.05})
    assert round(place.growth, 4) == 0.155


def test_store_without_staff_or_bay_is_incapable() -> None:
    rosters = {store_id: roster(store_id) for store_id in records("stores")}
    day, operation = NOW.date(), Operation.of("BDY-001", defined("catalog", "operation:BDY-001"))
    first = rosters["S01"].technicians_on(day)[0].technician_id
    alone = {first: rosters["S01"].staff[first]}
    rosters["S01"] = replace(rosters["S01"], staff=alone)
    rosters["S02"] = replace(rosters["S02"], bays={})
    counts = {key: each.capable_technicians(operation, day) for key, each in rosters.items()}
    assert sorted(key for key, count in counts.items() if count) == ["S03", "S04", "S05", "S06"]
