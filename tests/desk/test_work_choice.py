"""Suggestions and recognition at the desk without a request to a service (R3)."""

from typing import cast
from unittest.mock import AsyncMock, Mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nicegui import Client, ui

from services.desk import parts
from services.desk.catalog import Catalog
from services.desk.components.forms import Form, FoundChoice
from services.desk.components.work_choice import WorkChoice
from services.desk.i18n import Translator
from services.desk.parts import KeptParts, Parts
from services.desk.vehicles import is_vin, same_plate
from shared.clients.reception.client import ReceptionApi
from shared.clients.reception.models import ChecklistsView, OrderLineKind, PartEntry, PartLine
from shared.contracts.reception import EstimateLine
from tests.support.api import vin
from tests.support.catalog import listed_catalog

LISTED = listed_catalog()
CHECKLISTS = ChecklistsView(delivery_steps=[], facility_areas=[])
ZH_WORDS = Translator("zh")


class Reception:
    """Reception that knows every part by the name of its number."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    async def named_parts(self, _: str, *, part_number: list[str]) -> list[PartEntry]:
        self.asked.append(part_number)
        return [entry(each) for each in part_number]

    async def find_parts(self, _: str, *, search: str) -> list[PartEntry]:
        return [entry(f"{search}-{number}") for number in range(3)]


def entry(number: str) -> PartEntry:
    return PartEntry(
        part_number=number, zh=f"件{number}", en=number, skill_code="body", unit="", price_cents=1
    )


def catalog_in(words: Translator) -> Catalog:
    parts = Parts(KeptParts(), cast("ReceptionApi", Reception()), "S01", words)
    return Catalog(LISTED, CHECKLISTS, words, parts)


ZH, EN = catalog_in(ZH_WORDS), catalog_in(Translator("en"))


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
        await choice.take_in({"HVE-001": 1}, {"FLT-AIR": 2}, "warranty")
    assert not choice.is_empty
    usual = ZH.typical_parts(["MNT-001"])
    told = {part.part_number: part.quantity for part in choice.parts}
    assert told == usual | {"FLT-AIR": 2}
    assert choice.op_codes == ["MNT-001", "HVE-001"]
    payers = choice.pay_types
    assert payers.keys() == {"MNT-001", "HVE-001", *told}
    assert {code for code in payers if payers[code] == "warranty"} == {"HVE-001", "FLT-AIR"}


async def test_operations_that_fix_symptoms_are_found_first() -> None:
    code, operation = next((code, each) for code, each in ZH.operations.items() if each.symptoms)
    found = await ZH.find_operations("", operation.symptoms)
    assert set(operation.symptoms) & set(ZH.operations[next(iter(found))].symptoms)
    by_code = await ZH.find_operations(f" {code.lower()} ")
    assert by_code[code].startswith(operation.zh)


async def test_found_entries_keep_their_places() -> None:
    with Client(ui.page("/choices")):
        choice = FoundChoice(ZH_WORDS, "", ZH.parts.find, ZH.parts.label, ["OLD"])
        for typed in ("A", "B", "A"):
            await choice._offer(Mock(args=typed))
    assert list(choice.options) == ["OLD", "A-0", "A-1", "A-2", "B-0", "B-1", "B-2"]
    choice.choose(["NEW", "B-1"])
    assert choice.value == ["OLD", "NEW", "B-1"]
    assert dict(zip(choice._values, choice._labels, strict=True))["B-1"] == "件B-1 · B-1"


def test_part_chosen_last_replaces_only_one() -> None:
    with Client(ui.page("/choices")):
        choice = FoundChoice(ZH_WORDS, "", ZH.parts.find, ZH.parts.label, ["A-0"], most=1)
        choice.choose(["B-1"])
        assert choice.value == ["B-1"]
        choice.set_value([])
        assert choice.value == []


async def test_names_of_parts_are_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_MOST_NAMED", 2)
    reception = Reception()
    known = Parts(KeptParts(), cast("ReceptionApi", reception), "S01", ZH_WORDS)
    await known.know(["A", "B", "C", "A"])
    await known.know(["A", "C"])
    assert reception.asked == [["A", "B"], ["C"]]
    assert [known.name(each) for each in ("A", "D")] == ["件A", "D"]


def test_parts_named_longest_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_MOST_KEPT", 2)
    kept = KeptParts()
    for number in ("A", "B", "A", "C"):
        kept.keep([entry(number)])
    assert [bool(kept.get(each)) for each in ("A", "B", "C")] == [True, False, True]


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
