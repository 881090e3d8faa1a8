"""Catalog of the group (目录): labor operations, parts, packages, symptoms and recalls."""

from typing import Annotated, Literal

from pydantic import Field

from shared.contracts.base import (
    BusinessDate,
    Cents,
    Code,
    DisplayName,
    EventPart,
    Hours,
    Identifier,
    State,
)

CatalogKind = Literal["operation", "part", "package", "symptoms", "recall"]
"""Kinds of catalog items: 维修项目、备件、服务套餐、故障现象、召回."""

Quantities = dict[Identifier, Annotated[int, Field(ge=1, le=10_000)]]
"""Quantities by part number."""


class LaborOperation(EventPart):
    """Labor operation (维修项目) with its standard hours (工时标准) and all that it needs.

    ``symptoms`` are those that it commonly fixes, ``parts`` those that it usually takes.
    """

    kind: Literal["operation"] = "operation"
    zh: DisplayName
    en: DisplayName
    skill_code: Code
    level: Annotated[int, Field(ge=1, le=3)]
    standard_hours: Hours
    bay: Code
    technicians: Annotated[int, Field(ge=1, le=10)]
    process_step: Code | None = None
    certificate: Code | None = None
    symptoms: Annotated[tuple[Identifier, ...], Field(max_length=100)] = ()
    parts: Quantities = Field(default_factory=dict)


class PartMaster(EventPart):
    """Part (备件) with its list price and its cost for one unit, tax included.

    The cost is null for a reader who may not see it, and in nothing else.
    """

    kind: Literal["part"] = "part"
    zh: DisplayName
    en: DisplayName
    skill_code: Code
    unit: Code
    list_price_cents: Cents
    cost_cents: Cents | None


class ServicePackageDefinition(EventPart):
    """Service package (服务套餐): operations and parts at one price, tax included."""

    kind: Literal["package"] = "package"
    zh: DisplayName
    en: DisplayName
    op_codes: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=50)]
    parts: Quantities = Field(default_factory=dict)
    price_cents: Cents


class Condition(EventPart):
    """Condition (条件) in which a symptom shows; ``code`` is the whole symptom's."""

    code: Identifier
    zh: DisplayName
    en: DisplayName


class Symptom(EventPart):
    """Symptom (现象) of a system."""

    symptom: Identifier
    zh: DisplayName
    en: DisplayName
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1, max_length=100)]


class SymptomSystem(EventPart):
    """System of the vehicle (系统) with its symptoms."""

    kind: Literal["symptoms"] = "symptoms"
    zh: DisplayName
    en: DisplayName
    symptoms: Annotated[tuple[Symptom, ...], Field(min_length=1, max_length=200)]


class RecallCampaign(EventPart):
    """Open recall or service campaign (召回, 服务活动); an empty list names all."""

    kind: Literal["recall"] = "recall"
    zh: DisplayName
    en: DisplayName
    brand: DisplayName
    models: Annotated[tuple[DisplayName, ...], Field(max_length=500)] = ()
    vin_prefixes: Annotated[tuple[Identifier, ...], Field(max_length=500)] = ()
    op_codes: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=50)]


CatalogContent = Annotated[
    LaborOperation | PartMaster | ServicePackageDefinition | SymptomSystem | RecallCampaign,
    Field(discriminator="kind"),
]
"""Content of a catalog item, by its kind."""


class CatalogVersion(EventPart):
    """Content that holds from a day on; without content, the item is no longer offered."""

    valid_from: BusinessDate
    content: CatalogContent | None


class CatalogItemDefined(State):
    """An item of the catalog as it is now decided (目录): all its versions, the earliest first.

    Its ``record_id`` is the kind and the code, such as ``operation:MNT-001``.
    """

    topic = "aftersales.management.catalog.v1"

    versions: tuple[CatalogVersion, ...]
