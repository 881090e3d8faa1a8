"""Checks of catalog items (目录)."""

from collections.abc import Iterator

from services.management.domain import errors, prices
from services.management.domain.references import Beside, Doubt, Reference
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
    """Check codes of skills and bays, that a part has its cost, and that no symptom stands twice.

    Raises:
        RuleViolation: one is unknown, missing, or stands twice.
    """
    if isinstance(item, LaborOperation | PartMaster) and item.skill_code not in SKILLS:
        raise errors.unknown_skill(item.skill_code, "content.skill_code")
    if isinstance(item, LaborOperation) and item.bay not in BAY_TYPES:
        raise errors.unknown_bay_type(item.bay, "content.bay")
    if isinstance(item, PartMaster) and item.cost_cents is None:
        raise errors.cost_needed()
    if isinstance(item, SymptomSystem):
        _check_symptoms(item)


def references(item: CatalogItem, *_: str) -> Iterator[Reference]:
    """Return the labor operations and the parts that an item names."""
    if isinstance(item, ServicePackageDefinition | RecallCampaign):
        for place, code in enumerate(item.op_codes):
            refusal = errors.unknown_operation(code, f"content.op_codes.{place}")
            yield Reference(("catalog", f"operation:{code}"), refusal)
    if isinstance(item, LaborOperation | ServicePackageDefinition):
        for number in item.parts:
            refusal = errors.unknown_part(number, f"content.parts.{number}")
            yield Reference(("catalog", f"part:{number}"), refusal)


def doubts(item: CatalogItem, _: str, __: str, beside: Beside) -> Iterator[Doubt]:
    """Return what may be a mistake: a price of 0 or below the cost, or an operation that no store
    has a labor rate for.
    """
    if isinstance(item, PartMaster):
        yield from prices.part_price_doubts(
            "content.list_price_cents", item.list_price_cents, item.cost_cents or 0
        )
    if isinstance(item, ServicePackageDefinition) and item.price_cents == 0:
        yield Doubt("content.price_cents", "price_zero", "The package costs nothing.")
    if isinstance(item, LaborOperation) and item.skill_code not in beside.rated_skills:
        yield Doubt(
            "content.skill_code",
            "no_store_can_do_it",
            f"No store has a labor rate for {item.skill_code}.",
        )


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
