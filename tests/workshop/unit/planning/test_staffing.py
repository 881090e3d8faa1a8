"""Missing hours and people, by skill."""

import pytest

from services.workshop.planning import Demand, Interval, shortages
from tests.support.planning_workshops import DAY, technician

FORTNIGHT = Interval(0, 14 * DAY)


def test_sufficient_staff_has_no_shortage() -> None:
    people = [technician("t1", "mechanical")]
    assert shortages(people, [Demand("mechanical", (40.0,))], FORTNIGHT) == ()


def test_demand_above_capacity_gives_shortage() -> None:
    people = [technician("t1", "mechanical")]
    demand = Demand("mechanical", (90.0, 110.0), queued_hours=20, growth=0.1)
    (short,) = shortages(people, [demand], FORTNIGHT)
    assert short.needed_hours == 120.0
    assert short.shortfall_hours == pytest.approx(120 - 56 * 0.875)
    assert short.people == 2


def test_technician_with_two_skills_counts_once() -> None:
    people = [technician("t1", "mechanical", "electrical"), technician("t2", "mechanical")]
    demands = [Demand("mechanical", (49.0,)), Demand("electrical", (49.0,))]
    assert shortages(people, demands, FORTNIGHT) == ()
    demands = [Demand("mechanical", (60.0,)), Demand("electrical", (49.0,))]
    assert sum(s.shortfall_hours for s in shortages(people, demands, FORTNIGHT)) == 11.0


def test_skill_code_without_staff_needs_full_time_technicians() -> None:
    (short,) = shortages([], [Demand("paint", (70.0,))], FORTNIGHT)
    assert (short.shortfall_hours, short.people) == (70.0, 2)
    with pytest.raises(ValueError, match="week"):
        shortages([], [], Interval(0, DAY))
