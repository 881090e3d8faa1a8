"""Reception's part of the group folder."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from services.reception.domain.delivery import Checklist
from services.reception.domain.estimate import (
    CatalogOperation,
    PartQuantity,
    PriceList,
    ServicePackage,
)
from services.reception.domain.facility_check import FacilityChecklist
from services.reception.domain.opening_hours import OpeningHours
from services.reception.domain.recall import Recall
from shared.group import Store, load_stores, read_yaml
from shared.working_calendar import WorkingCalendar, load_calendar


class Names(BaseModel):
    """A name in both languages."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    zh: str
    en: str


class OperationEntry(Names):
    """Labor operation (维修项目) with the symptoms that it commonly fixes and its usual parts.

    ``level`` of the skill, ``certificate`` and ``bay`` are what it needs; ``parts`` counts by part
    number.
    """

    id: str
    skill_code: str
    level: int
    standard_hours: float
    bay: str
    technicians: int
    process_step: str | None = None
    certificate: str | None = None
    symptoms: Sequence[str] = ()
    parts: Mapping[str, int] = {}


class PartEntry(Names):
    """Part (备件) with its list price for one unit, tax included."""

    part_number: str
    skill_code: str
    unit: str
    list_price_cents: int


class PackageEntry(Names):
    """Service package (服务套餐): operations, and parts by number, at one price, tax included."""

    id: str
    op_codes: Sequence[str]
    parts: Mapping[str, int]
    price_cents: int


class ConditionEntry(Names):
    """Condition (条件) in which a symptom shows; ``code`` is the whole symptom's."""

    code: str


class SymptomEntry(Names):
    """Symptom (现象) of a system."""

    symptom: str
    conditions: Sequence[ConditionEntry]


class SystemEntry(Names):
    """System of the vehicle (系统) with its symptoms."""

    system: str
    symptoms: Sequence[SymptomEntry]


class DeliveryStepEntry(Names):
    """Step of delivery (交车步骤); ``repeat_after`` is what makes it necessary again."""

    step: str
    repeat_after: Sequence[str] = ()


class RecallEntry(Names):
    """Open recall or service campaign (召回, 服务活动); an empty list names all."""

    id: str
    brand: str
    models: Sequence[str]
    vin_prefixes: Sequence[str]
    op_codes: Sequence[str]


class CheckItemEntry(Names):
    """Item of a facility check."""

    item: str


class CheckAreaEntry(Names):
    """Area of the premises with its items (日常检查), due each day at a local time."""

    area: str
    due: Annotated[str, Field(pattern=r"^\d{2}:\d{2}$")]
    items: Sequence[CheckItemEntry]


class CatalogEntries(BaseModel):
    """Entries of the catalog, with names."""

    model_config = ConfigDict(frozen=True)

    operations: Sequence[OperationEntry]
    parts: Sequence[PartEntry]
    packages: Sequence[PackageEntry]
    systems: Sequence[SystemEntry]
    recalls: Sequence[RecallEntry]
    facility_checks: Sequence[CheckAreaEntry]


@dataclass(frozen=True)
class Catalog:
    """Catalog of stores, prices, symptom codes, and delivery checklists by store."""

    stores: Mapping[str, Store]
    operations: Mapping[str, CatalogOperation]
    part_price_cents: Mapping[str, int]
    packages: Mapping[str, ServicePackage]
    typical_parts: Mapping[str, frozenset[str]]
    symptoms: frozenset[str]
    delivery_steps: Mapping[str, Checklist]
    advisors: Mapping[str, tuple[str, ...]]
    recalls: tuple[Recall, ...]
    facility_checklists: tuple[FacilityChecklist, ...]
    calendar: WorkingCalendar
    entries: CatalogEntries
    delivery_step_names: Mapping[str, DeliveryStepEntry]

    @cached_property
    def names(self) -> Mapping[str, Names]:
        """Names of operations and parts by code."""
        operations = {entry.id: entry for entry in self.entries.operations}
        return operations | {entry.part_number: entry for entry in self.entries.parts}

    def opening_hours(self, store_id: str) -> OpeningHours:
        """Return the hours in which one store receives customers."""
        store = self.stores[store_id]
        return OpeningHours(store.opening, store.closing, store.timezone, self.calendar.closed)

    def prices(self, store_id: str) -> PriceList:
        """Return the prices of one store."""
        rates = self.stores[store_id].labor_rate_cents
        return PriceList(self.operations, rates, self.part_price_cents, self.packages)


def load_catalog(folder: Path) -> Catalog:
    """Read the group folder once, when the service starts."""
    entries = _entries(folder)
    delivery = read_yaml(folder, "catalog/delivery.yaml")
    stores = load_stores(folder)
    return Catalog(
        stores=stores,
        operations={
            entry.id: CatalogOperation(
                entry.id, entry.skill_code, entry.standard_hours, entry.technicians
            )
            for entry in entries.operations
        },
        part_price_cents={entry.part_number: entry.list_price_cents for entry in entries.parts},
        packages={entry.id: _package(entry) for entry in entries.packages},
        typical_parts={entry.id: frozenset(entry.parts) for entry in entries.operations},
        symptoms=frozenset(
            condition.code
            for system in entries.systems
            for symptom in system.symptoms
            for condition in symptom.conditions
        ),
        delivery_steps={store_id: delivery_checklist(delivery, store_id) for store_id in stores},
        advisors=_advisors(folder, stores),
        recalls=tuple(map(_recall, entries.recalls)),
        facility_checklists=tuple(
            FacilityChecklist(
                entry.area, time.fromisoformat(entry.due), tuple(item.item for item in entry.items)
            )
            for entry in entries.facility_checks
        ),
        calendar=load_calendar(folder),
        entries=entries,
        delivery_step_names={
            entry["step"]: DeliveryStepEntry(**entry) for entry in delivery["steps"]
        },
    )


def _entries(folder: Path) -> CatalogEntries:
    return CatalogEntries(
        operations=read_yaml(folder, "catalog/operations.yaml")["operations"],
        parts=read_yaml(folder, "catalog/parts.yaml")["parts"],
        packages=read_yaml(folder, "catalog/packages.yaml")["packages"],
        systems=read_yaml(folder, "catalog/symptoms.yaml")["systems"],
        recalls=read_yaml(folder, "catalog/recalls.yaml")["recalls"],
        facility_checks=read_yaml(folder, "facility_checks.yaml")["areas"],
    )


def _advisors(folder: Path, stores: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the service advisors of each store."""
    staff = read_yaml(folder, "staff.yaml")["staff"]
    return {
        store_id: tuple(
            person["id"]
            for person in staff
            if "service_advisor" in person["roles"] and store_id in person["stores"]
        )
        for store_id in stores
    }


def delivery_checklist(delivery: Mapping[str, Any], store_id: str) -> Checklist:
    """Return a store's checklist (交车检查单): its own, else that of the group."""
    steps: Sequence[str] = delivery["templates"].get(store_id, delivery["templates"]["group"])
    changes = {entry["step"]: entry.get("repeat_after", ()) for entry in delivery["steps"]}
    return {step: frozenset(changes[step]) for step in steps}


def _package(entry: PackageEntry) -> ServicePackage:
    return ServicePackage(
        package_id=entry.id,
        op_codes=tuple(entry.op_codes),
        parts=tuple(PartQuantity(part_number, count) for part_number, count in entry.parts.items()),
        price_cents=entry.price_cents,
    )


def _recall(entry: RecallEntry) -> Recall:
    return Recall(
        entry.id,
        entry.brand,
        tuple(entry.models),
        tuple(entry.vin_prefixes),
        tuple(entry.op_codes),
    )
