"""Script of a simulated day: drawn from its seed alone, and plausible."""

from pathlib import Path

import pytest

from deploy.demo.group import GROUP_FOLDER, write_group
from deploy.demo.script import Catalog, SimulatedVisit, write_script
from shared.formats import valid_plate, valid_vin


@pytest.fixture(scope="module")
def script() -> dict[str, list[SimulatedVisit]]:
    return write_script(GROUP_FOLDER, orders=400, seed=7)


@pytest.fixture(scope="module")
def visits(script: dict[str, list[SimulatedVisit]]) -> list[SimulatedVisit]:
    return [visit for each in script.values() for visit in each]


def test_same_seed_draws_same_day(script: dict[str, list[SimulatedVisit]]) -> None:
    assert write_script(GROUP_FOLDER, orders=400, seed=7) == script
    assert write_script(GROUP_FOLDER, orders=400, seed=8) != script


def test_orders_are_divided_evenly_over_stores(script: dict[str, list[SimulatedVisit]]) -> None:
    sizes = [len(each) for each in script.values()]
    assert sum(sizes) == 400
    assert max(sizes) - min(sizes) <= 1


def test_store_script_is_independent_of_other_stores(tmp_path: Path) -> None:
    write_group(tmp_path / "two", 2, 10, seed=1)
    write_group(tmp_path / "five", 5, 10, seed=1)
    two = write_script(tmp_path / "two", 20, seed=3)
    five = write_script(tmp_path / "five", 50, seed=3)
    assert two["S02"] == five["S02"]


def test_plates_and_vins_are_valid_and_unique(visits: list[SimulatedVisit]) -> None:
    plates = [valid_plate(visit.customer.plate) for visit in visits]
    vins = [valid_vin(visit.customer.vin) for visit in visits]
    assert len(set(plates)) == len(set(vins)) == len(visits)


def test_customers_arrive_early_enough_for_their_work(visits: list[SimulatedVisit]) -> None:
    for visit in visits:
        assert 8 * 60 <= visit.arrives_min <= 15 * 60
        hours = sum(operation.standard_hours for operation in visit.operations)
        assert visit.arrives_min + hours * 60 <= 17 * 60


def test_booked_customers_arrive_shortly_before_appointment(visits: list[SimulatedVisit]) -> None:
    booked = [visit for visit in visits if visit.booked_for_min is not None]
    assert 0.3 < len(booked) / len(visits) < 0.5
    assert all(0 < (visit.booked_for_min or 0) - visit.arrives_min <= 15 for visit in booked)


def test_most_work_is_maintenance(visits: list[SimulatedVisit]) -> None:
    skill_codes = [visit.operations[0].skill_code for visit in visits]
    assert 0.55 < skill_codes.count("maintenance") / len(visits) < 0.8
    assert len(set(skill_codes)) == 6


def test_customer_concern_and_symptoms_match_labor_operation(visits: list[SimulatedVisit]) -> None:
    known = Catalog(GROUP_FOLDER).symptoms
    for visit in visits:
        assert visit.customer_concern.strip()
        assert "{" not in visit.customer_concern
        assert set(visit.symptoms) <= known.keys() & set(visit.operations[0].symptoms)


def test_visit_parts_are_sum_of_its_labor_operations(visits: list[SimulatedVisit]) -> None:
    double = next(visit for visit in visits if len(visit.operations) == 2)
    first, second = (operation.parts for operation in double.operations)
    assert double.parts.keys() == first.keys() | second.keys()
    assert sum(double.parts.values()) == sum(first.values()) + sum(second.values())
