"""Consistency of the group folder: every name is there, every reference resolves, and each store
has the staff and bays for all work.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, time
from functools import partial
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from deploy.demo.group import GROUP_FOLDER, write_group
from deploy.group_folder import read_yaml
from services.reception.domain.delivery import Change
from shared.group import Store

SKILL_CODES = {"maintenance", "mechanical", "electrical", "high_voltage", "body", "paint"}
STORE_ROLES = {
    "service_advisor",
    "front_desk_supervisor",
    "dispatcher",
    "technician",
    "quality_inspector",
    "claims_clerk",
    "parts_clerk",
    "cashier",
    "customer_care_agent",
    "customer_care_manager",
    "sales_manager",
    "service_manager",
}
ROLES = STORE_ROLES | {
    "trainer",
    "group_service_manager",
    "group_parts_manager",
    "group_customer_care_manager",
    "group_finance_manager",
    "group_manager",
    "operator",
}
STEPS = {
    "work_explained",
    "invoice_explained",
    "operation_explained",
    "old_parts_shown",
    "vehicle_clean",
    "next_service_told",
    "belongings_returned",
    "customer_signed",
}
HAN = re.compile(r"[\u4e00-\u9fff]")

Record = dict[str, Any]


class Group:
    """Content of the files of one folder."""

    def __init__(self, folder: Path) -> None:
        read = partial(read_yaml, folder)
        self.stores: list[Record] = read("stores.yaml")["stores"]
        self.staff: list[Record] = read("staff.yaml")["staff"]
        self.bays: list[Record] = read("bays.yaml")["bays"]
        self.calendar: Record = read("calendar.yaml")
        self.operations: list[Record] = read("catalog/operations.yaml")["operations"]
        self.parts: list[Record] = read("catalog/parts.yaml")["parts"]
        self.systems: list[Record] = read("catalog/symptoms.yaml")["systems"]
        self.delivery: Record = read("catalog/delivery.yaml")
        self.packages: list[Record] = read("catalog/packages.yaml")["packages"]

    def conditions(self) -> Iterator[tuple[str, Record]]:
        for system in self.systems:
            for symptom in system["symptoms"]:
                for condition in symptom["conditions"]:
                    yield f"{system['system']}-{symptom['symptom']}", condition

    def technicians(self, store_id: str) -> list[Record]:
        return [p for p in self.staff if p["roles"] == ["technician"] and p["stores"] == [store_id]]


@pytest.fixture(scope="module", params=["shipped", "written small", "written large"])
def group(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Group:
    if request.param == "shipped":
        return Group(GROUP_FOLDER)
    folder = tmp_path_factory.mktemp("group")
    stores, orders = (2, 5) if request.param == "written small" else (30, 60)
    write_group(folder, stores, orders, seed=7)
    return Group(folder)


def unique(values: list[str]) -> bool:
    return max(Counter(values).values()) == 1


def test_catalog_has_realistic_size(group: Group) -> None:
    assert len(group.operations) >= 80
    assert len(group.parts) >= 120
    assert len(list(group.conditions())) >= 150


def test_identifiers_are_unique(group: Group) -> None:
    for records in (group.stores, group.staff, group.bays, group.operations):
        assert unique([record["id"] for record in records])
    assert unique([part["part_number"] for part in group.parts])
    assert unique([condition["code"] for _, condition in group.conditions()])


def test_every_entry_has_chinese_and_english_name(group: Group) -> None:
    symptoms = [symptom for system in group.systems for symptom in system["symptoms"]]
    inspection = [item for items in group.delivery["inspection"].values() for item in items]
    named = [
        *group.stores,
        *(store[part] for store in group.stores for part in ("city", "brand")),
        *group.staff,
        *group.operations,
        *group.parts,
        *group.systems,
        *symptoms,
        *(condition for _, condition in group.conditions()),
        *group.delivery["steps"],
        *group.packages,
        *inspection,
        *group.calendar["shifts"].values(),
    ]
    for record in named:
        assert HAN.search(record["zh"]), record
        assert record["en"].strip(), record
        assert not HAN.search(record["en"]), record


def test_symptom_code_contains_system_and_condition(group: Group) -> None:
    for prefix, condition in group.conditions():
        assert re.fullmatch(rf"{prefix}-[A-Z]+", condition["code"])


def test_labor_operation_references_exist(group: Group) -> None:
    parts = {part["part_number"] for part in group.parts}
    symptoms = {condition["code"] for _, condition in group.conditions()}
    for operation in group.operations:
        assert operation["skill_code"] in SKILL_CODES
        assert 1 <= operation["level"] <= 3
        assert 0 < operation["standard_hours"] <= 40
        assert operation["standard_hours"] * 10 == pytest.approx(
            round(operation["standard_hours"] * 10)
        )
        assert operation["technicians"] in (1, 2)
        assert operation.get("stage") in (None, "body", "paint", "detail")
        assert set(operation["parts"]) <= parts, operation
        assert all(quantity >= 1 for quantity in operation["parts"].values())
        assert set(operation["symptoms"]) <= symptoms, operation


def test_high_voltage_work_needs_certificate(group: Group) -> None:
    for operation in group.operations:
        needed = "high_voltage" if operation["skill_code"] == "high_voltage" else None
        assert operation.get("certificate") == needed, operation


def test_parts_have_skill_code_and_positive_margin(group: Group) -> None:
    for part in group.parts:
        assert part["skill_code"] in SKILL_CODES
        assert 0 < part["cost_cents"] < part["list_price_cents"]


def test_every_skill_code_has_work_and_inspection_checklist(group: Group) -> None:
    assert {operation["skill_code"] for operation in group.operations} == SKILL_CODES
    assert set(group.delivery["inspection"]) == SKILL_CODES
    assert {step["step"] for step in group.delivery["steps"]} == STEPS


def test_store_has_valid_hours_and_labor_rates(group: Group) -> None:
    for store in group.stores:
        assert time.fromisoformat(store["opening"]) < time.fromisoformat(store["closing"])
        assert ZoneInfo(store["zone"]).key == store["zone"]
        assert set(store["labor_rate_cents"]) == SKILL_CODES
        assert all(rate > 0 for rate in store["labor_rate_cents"].values())
        assert 0 <= store["tax_rate_bp"] < 10_000
        assert 0 < store["delivery_lead_minutes"] < 120
        assert 0 <= store["vehicle_move_minutes"] <= 60
        assert store["payment_days"] > 0


@pytest.mark.parametrize("minutes", [-1, 61, 2.5])
def test_invalid_vehicle_move_minutes_are_rejected(group: Group, minutes: float) -> None:
    with pytest.raises(ValidationError, match="vehicle_move_minutes"):
        Store.model_validate(group.stores[0] | {"vehicle_move_minutes": minutes})


def test_every_employee_has_known_role_and_store(group: Group) -> None:
    stores = {store["id"] for store in group.stores}
    for person in group.staff:
        assert person["roles"]
        assert set(person["roles"]) <= ROLES
        assert person["stores"]
        assert set(person["stores"]) <= stores


def test_every_store_has_each_role(group: Group) -> None:
    for store in group.stores:
        roles = {r for p in group.staff if p["stores"] == [store["id"]] for r in p["roles"]}
        assert roles >= STORE_ROLES
    everyone = {role for person in group.staff for role in person["roles"]}
    assert everyone == ROLES


def test_technician_has_skills_time_factor_and_shift(group: Group) -> None:
    for person in group.staff:
        if person["roles"] != ["technician"]:
            continue
        assert set(person["skills"]) <= SKILL_CODES
        assert all(1 <= level <= 3 for level in person["skills"].values())
        assert 0.8 <= person["time_factor"] <= 1.2
        assert person["shift"] in group.calendar["shifts"]
        if "high_voltage" in person["skills"]:
            assert "high_voltage" in person["certificates"]


def test_bay_has_capability_of_its_type(group: Group) -> None:
    stores = {store["id"] for store in group.stores}
    for bay in group.bays:
        assert bay["store"] in stores
        assert bay["type"] in bay["capabilities"]


def test_bay_number_is_unique_within_type(group: Group) -> None:
    names = [(bay["store"], bay["type"], bay["number"]) for bay in group.bays]
    assert len(names) == len(set(names))


def test_every_store_can_do_every_labor_operation(group: Group) -> None:
    for store in group.stores:
        team = group.technicians(store["id"])
        capabilities = {
            capability
            for bay in group.bays
            if bay["store"] == store["id"]
            for capability in bay["capabilities"]
        }
        for operation in group.operations:
            able = [
                technician
                for technician in team
                if technician["skills"].get(operation["skill_code"], 0) >= operation["level"]
                and operation.get("certificate") in (None, *technician["certificates"])
            ]
            assert len(able) >= operation["technicians"], (store["id"], operation["id"])
            assert operation["bay"] in capabilities, (store["id"], operation["id"])


def test_calendar_has_valid_days_and_breaks(group: Group) -> None:
    assert all(date.fromisoformat(day) for day in group.calendar["closed"])
    for year, days in group.calendar["overrides"].items():
        listed = [date.fromisoformat(day) for day in (*days["holidays"], *days["workdays"])]
        assert {day.year for day in listed} == {year}
        assert unique([str(day) for day in listed])
    for shift in group.calendar["shifts"].values():
        assert set(shift["weekdays"]) <= set(range(1, 8))
        edges = [shift["start"]]
        for pause in shift["breaks"]:
            edges += [pause["start"], pause["finish"]]
        edges.append(shift["finish"])
        assert edges == sorted(edges)


def test_technician_count_grows_with_orders(tmp_path: Path) -> None:
    sizes = []
    for orders in (10, 60):
        write_group(tmp_path / str(orders), 1, orders, seed=1)
        sizes.append(len(Group(tmp_path / str(orders)).technicians("S01")))
    assert sizes == [8, 24]


def test_same_seed_writes_same_group(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_group(tmp_path / name, 8, 20, seed=seed)
    staff = [(tmp_path / name / "staff.yaml").read_text() for name in "abc"]
    assert staff[0] == staff[1]
    assert staff[0] != staff[2]


def test_package_and_checklist_references_exist(group: Group) -> None:
    operations = {operation["id"] for operation in group.operations}
    parts = {part["part_number"] for part in group.parts}
    assert unique([package["id"] for package in group.packages])
    for package in group.packages:
        assert set(package["op_codes"]) <= operations
        assert package["parts"].keys() <= parts
        assert package["price_cents"] > 0
    for step in group.delivery["steps"]:
        assert {*step.get("repeat_after", ())} <= {*get_args(Change)}
    assert "group" in group.delivery["templates"]
    for steps in group.delivery["templates"].values():
        assert unique(steps)
        assert set(steps) <= STEPS
