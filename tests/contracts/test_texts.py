"""Texts and times in events: no text typed by a person, no time outside the clock's range (R39)."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from shared.contracts import CONTRACTS
from shared.contracts.base import BusinessDate

REVIEWED = {
    "JobReassigned.explanation": "made by the planner of a code, identifiers and times",
    "PromisedTimeAtRisk.explanation": "made by the planner of a code, identifiers and times",
    "LoyaltyRules.brands key": "a brand",
    "ServiceInterval.brand": "a brand",
    "ServiceInterval.model": "a model",
    "OfferedModel.zh": "published name, which managers decide on",
    "OfferedModel.en": "published name, which managers decide on",
    "Insurer.zh": "published name, which managers decide on",
    "Insurer.en": "published name, which managers decide on",
    "FollowUpReasonRule.script_zh": "published wording, which managers decide on",
    "FollowUpReasonRule.script_en": "published wording, which managers decide on",
    "MessageTemplate.title": "published wording, which managers decide on",
    "MessageTemplate.text": "published wording, which managers decide on",
    "MessageTemplate.call": "published wording, which managers decide on",
    "ChecklistStep.zh": "published name, which managers decide on",
    "ChecklistStep.en": "published name, which managers decide on",
    "FacilityArea.zh": "published name, which managers decide on",
    "FacilityArea.en": "published name, which managers decide on",
    "FacilityItem.zh": "published name, which managers decide on",
    "FacilityItem.en": "published name, which managers decide on",
    "InspectionItem.zh": "published name, which managers decide on",
    "InspectionItem.en": "published name, which managers decide on",
    "ShiftPattern.zh": "published name, which managers decide on",
    "ShiftPattern.en": "published name, which managers decide on",
    "Statement.zh": "published wording, which managers decide on",
    "Statement.en": "published wording, which managers decide on",
    "SurveyFactor.zh": "published name, which managers decide on",
    "SurveyFactor.en": "published name, which managers decide on",
    "SurveyQuestion.zh": "published wording, which managers decide on",
    "SurveyQuestion.en": "published wording, which managers decide on",
    "GroupProfile.zh": "published name, which managers decide on",
    "GroupProfile.en": "published name, which managers decide on",
    "StoreProfile.zh": "published name, which managers decide on",
    "StoreProfile.en": "published name, which managers decide on",
    "NameInBoth.zh": "published name, which managers decide on",
    "NameInBoth.en": "published name, which managers decide on",
    "LaborOperation.zh": "published name, which managers decide on",
    "LaborOperation.en": "published name, which managers decide on",
    "PartMaster.zh": "published name, which managers decide on",
    "PartMaster.en": "published name, which managers decide on",
    "ServicePackageDefinition.zh": "published name, which managers decide on",
    "ServicePackageDefinition.en": "published name, which managers decide on",
    "SymptomSystem.zh": "published name, which managers decide on",
    "SymptomSystem.en": "published name, which managers decide on",
    "Symptom.zh": "published name, which managers decide on",
    "Symptom.en": "published name, which managers decide on",
    "Condition.zh": "published name, which managers decide on",
    "Condition.en": "published name, which managers decide on",
    "RecallCampaign.zh": "published name, which managers decide on",
    "RecallCampaign.en": "published name, which managers decide on",
    "StoreProfile.zone": "a time zone",
    "StoreProfile.networks": "a network of the store's own devices",
    "RecallCampaign.brand": "a brand",
    "RecallCampaign.models": "a model of a brand",
}
"""Texts that are neither an identifier nor a code, and why they may leave the service."""

WORDS = ("too dear", "王先生等了一个小时", "Mr Wang, 13812345678")


def texts(schema: Any, parts: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Yield every text of an event with its place, the keys of maps too."""
    if "$ref" in schema:
        part = schema["$ref"].rsplit("/", 1)[1]
        yield from texts(parts[part], parts, part)
    elif schema.get("type") == "string":
        yield name, schema
    for kind in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from texts(kind, parts, name)
    for field, value in schema.get("properties", {}).items():
        yield from texts(value, parts, f"{name}.{field}")
    for pattern, value in schema.get("patternProperties", {}).items():
        yield f"{name} key", {"pattern": pattern}
        yield from texts(value, parts, name)
    if "additionalProperties" in schema:
        yield f"{name} key", {}
        yield from texts(schema["additionalProperties"], parts, name)
    if "items" in schema:
        yield from texts(schema["items"], parts, name)


def takes_no_words(schema: Any) -> bool:
    if "enum" in schema or "const" in schema or schema.get("format") == "date-time":
        return True
    pattern = schema.get("pattern")
    return bool(pattern) and not any(re.search(pattern, words) for words in WORDS)


def test_event_texts_are_ids_codes_or_reviewed() -> None:
    free = set()
    for contract in CONTRACTS.values():
        schema = contract.model_json_schema()
        found = texts(schema, schema.get("$defs", {}), contract.__name__)
        free |= {name for name, text in found if not takes_no_words(text)}
    assert free == set(REVIEWED)


def moments() -> Iterator[tuple[type[BaseModel], str]]:
    for contract in CONTRACTS.values():
        for field, value in contract.model_json_schema()["properties"].items():
            if "date-time" in str(value):
                yield contract, field


@pytest.mark.parametrize("year", ["1989", "2226", "9999"])
def test_event_time_outside_business_years_is_rejected(year: str) -> None:
    found = list(moments())
    assert len(found) > 50
    for contract, field in found:
        with pytest.raises(ValidationError) as refused:
            contract.model_validate({field: f"{year}-12-31T23:59:59-12:00"})
        rules = {(error["loc"], error["type"]) for error in refused.value.errors()}
        assert ((field,), "outside_business_years") in rules, (contract, field)


@pytest.mark.parametrize(
    "day", ["2026-02-30", "2026-13-01", "0000-00-00", "9999-12-31", "２０２６-０３-０３"]
)
def test_day_that_does_not_exist_is_rejected(day: str) -> None:
    assert TypeAdapter(BusinessDate).validate_python("2028-02-29") == "2028-02-29"
    with pytest.raises(ValidationError):
        TypeAdapter(BusinessDate).validate_python(day)
