"""What the desk suggests and recognises without asking a service (R3)."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.desk.catalogue import Catalogue
from services.desk.i18n import Words
from services.desk.vehicles import is_vin, same_plate
from services.reception.catalogue import load_catalogue
from tests.system.api import vin

ENTRIES = load_catalogue(Path("deploy/group")).entries
ZH, EN = Catalogue(ENTRIES, Words("zh")), Catalogue(ENTRIES, Words("en"))


@pytest.mark.parametrize(
    ("catalogue", "told", "symptom"),
    [
        (ZH, "冷车启动后怠速抖动", "ENG-IDLE-COLD"),
        (ZH, "里程到了，来做保养", "SVC-DUE-DISTANCE"),
        (EN, "the idle is rough when cold", "ENG-IDLE-COLD"),
    ],
)
def test_symptoms_are_suggested_from_the_customers_own_words(
    catalogue: Catalogue, told: str, symptom: str
) -> None:
    assert symptom in catalogue.symptoms_in(told, 6)


@settings(deadline=None)
@given(st.text(max_size=60), st.integers(1, 10))
def test_at_most_so_many_symptoms_are_suggested_and_each_is_known(told: str, limit: int) -> None:
    found = ZH.symptoms_in(told, limit)
    assert len(found) == len(set(found)) <= limit
    assert set(found) <= set(ZH.symptoms)


@given(st.lists(st.sampled_from(sorted(ZH.symptoms)), max_size=4))
def test_suggested_operations_answer_a_symptom_that_was_told(symptoms: list[str]) -> None:
    for operation_id in ZH.answering(symptoms, 6):
        assert set(ZH.operations[operation_id]["symptoms"]) & set(symptoms)


def test_a_plate_is_recognised_however_it_is_typed() -> None:
    assert same_plate("沪a·12 345", "沪A12345")
    assert not same_plate("沪A1234", "沪A12345")


def test_a_scanned_vin_is_not_taken_for_a_plate() -> None:
    assert is_vin(vin(7).lower())
    assert not is_vin("沪A12345")
    assert not is_vin("1" * 16)
