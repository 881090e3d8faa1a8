"""Suggestions and recognition at the desk without a request to a service (R3)."""

from unittest.mock import AsyncMock, Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nicegui import Client, ui

from services.desk.catalog import Catalog
from services.desk.components.forms import Form
from services.desk.components.work_choice import WorkChoice
from services.desk.i18n import Translator
from services.desk.vehicles import is_vin, same_plate
from shared.clients.reception.models import ChecklistsView, OrderLineKind, PartLine
from shared.contracts.reception import EstimateLine
from tests.support.api import vin
from tests.support.catalog import listed_catalog

LISTED = listed_catalog()
CHECKLISTS = ChecklistsView(delivery_steps=[], facility_areas=[])
ZH_WORDS = Translator("zh")
ZH, EN = Catalog(LISTED, CHECKLISTS, ZH_WORDS), Catalog(LISTED, CHECKLISTS, Translator("en"))


@pytest.mark.parametrize(
    ("catalog", "told", "symptom"),
    [
        (ZH, "冷车启动后怠速抖动", "ENG-IDLE-COLD"),
        (ZH, "里程到了，来做保养", "SVC-DUE-DISTANCE"),
        (EN, "the idle is rough when cold", "ENG-IDLE-COLD"),
    ],
)
def test_symptoms_are_suggested_from_customer_concern(
    catalog: Catalog, told: str, symptom: str
) -> None:
    assert symptom in catalog.symptoms_in(told, 6)


@settings(deadline=None)
@given(st.text(max_size=60), st.integers(1, 10))
def test_suggested_symptoms_are_known_and_limited(told: str, limit: int) -> None:
    found = ZH.symptoms_in(told, limit)
    assert len(found) == len(set(found)) <= limit
    assert set(found) <= set(ZH.symptoms)


@given(st.lists(st.sampled_from(sorted(ZH.symptoms)), max_size=4))
def test_suggested_labor_operations_match_chosen_symptoms(symptoms: list[str]) -> None:
    for op_code in ZH.answering(symptoms, 6):
        assert set(ZH.operations[op_code].symptoms) & set(symptoms)


def test_plate_is_recognized_in_any_format() -> None:
    assert same_plate("沪a·12 345", "沪A12345")
    assert not same_plate("沪A1234", "沪A12345")


def test_vin_is_distinguished_from_plate() -> None:
    assert is_vin(vin(7).lower())
    assert not is_vin("沪A12345")
    assert not is_vin("1" * 16)


async def test_chosen_work_adds_typical_parts_and_payers() -> None:
    with Client(ui.page("/choices")):
        choice = WorkChoice(ZH_WORDS, Form(Mock(t=ZH_WORDS)), ZH, (), AsyncMock())
        assert choice.is_empty
        choice.operations.set_value(["MNT-001"])
        await choice._take_typical_parts()
        choice.take_in({"HVE-001": 1}, {"FLT-AIR": 2}, "warranty")
    assert not choice.is_empty
    usual = ZH.typical_parts(["MNT-001"])
    told = {part.part_number: part.quantity for part in choice.parts}
    assert told == usual | {"FLT-AIR": 2}
    assert choice.op_codes == ["MNT-001", "HVE-001"]
    payers = choice.pay_types
    assert payers.keys() == {"MNT-001", "HVE-001", *told}
    assert {code for code in payers if payers[code] == "warranty"} == {"HVE-001", "FLT-AIR"}


async def test_estimate_lines_are_chosen_again_unchanged() -> None:
    package_id, package = next(iter(ZH.packages.items()))
    packed: list[tuple[str, OrderLineKind]] = [(code, "labor") for code in package.op_codes]
    packed += [(code, "part") for code in package.parts]
    lines = [
        EstimateLine(
            code=code,
            kind=kind,
            package_id=package_id,
            quantity=1,
            pay_type="goodwill",
            amount_cents=0,
        )
        for code, kind in packed
    ]
    lines.append(
        EstimateLine(code="OIL-5W30", kind="part", quantity=3, pay_type="internal", amount_cents=0)
    )
    with Client(ui.page("/choices")):
        choice = WorkChoice(ZH_WORDS, Form(Mock(t=ZH_WORDS)), ZH, lines, AsyncMock())
    assert (choice.packages, choice.op_codes) == ([package_id], [])
    assert choice.parts == [PartLine(part_number="OIL-5W30", quantity=3)]
    assert choice.pay_types == {line.code: line.pay_type for line in lines}
