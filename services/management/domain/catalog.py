"""Checks of catalog items (目录)."""

from services.management.domain import errors
from shared.contracts.management import (
    BAY_TYPES,
    SKILLS,
    LaborOperation,
    PartMaster,
    RecallCampaign,
    ServicePackageDefinition,
    SymptomSystem,
)
from shared.contracts.violations import RuleViolation

CatalogItem = (
    LaborOperation | PartMaster | ServicePackageDefinition | SymptomSystem | RecallCampaign
)


def check(item: CatalogItem) -> None:
    """Check codes of skills and bays, and that no symptom stands twice.

    Raises:
        RuleViolation: one is unknown, or stands twice.
    """
    if isinstance(item, LaborOperation | PartMaster) and item.skill_code not in SKILLS:
        raise errors.unknown_skill(item.skill_code, "content.skill_code")
    if isinstance(item, LaborOperation) and item.bay not in BAY_TYPES:
        raise errors.unknown_bay_type(item.bay, "content.bay")
    if isinstance(item, SymptomSystem):
        _check_symptoms(item)


def _check_symptoms(system: SymptomSystem) -> None:
    seen = set[str]()
    for number, symptom in enumerate(system.symptoms):
        for place, condition in enumerate(symptom.conditions):
            if condition.code in seen:
                raise RuleViolation(
                    "symptom_twice",
                    f"The symptom {condition.code} stands there twice.",
                    field=f"content.symptoms.{number}.conditions.{place}.code",
                    code=condition.code,
                )
            seen.add(condition.code)
