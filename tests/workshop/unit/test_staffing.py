"""Times of staffing checks, and the skills in the group (R11, R18)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from services.workshop.application.staffing import next_look
from services.workshop.clients.config import load_config

CONFIG = load_config(Path("deploy/group"))
PLACE = CONFIG.stores["S01"]


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
    members = {**CONFIG.members, "S01": CONFIG.members["S01"][:1]}
    bays = {**CONFIG.bays, "S02": ()}
    capable = replace(CONFIG, members=members, bays=bays).capable("BDY-001")
    assert sorted(capable) == ["S03", "S04", "S05", "S06"]
    assert all(count >= 1 for count in capable.values())
