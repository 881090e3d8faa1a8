"""Reception's part of the group folder."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from services.reception.domain.estimate import (
    CatalogOperation,
    PartQuantity,
    PriceList,
    ServicePackage,
)
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


class RecallEntry(Names):
    """Open recall or service campaign (召回, 服务活动); an empty list names all."""

    id: str
    brand: str
    models: Sequence[str]
    vin_prefixes: Sequence[str]
    op_codes: Sequence[str]


class CatalogEntries(BaseModel):
    """Entries of the catalog, with names."""

    model_config = ConfigDict(frozen=True)

    operations: Sequence[OperationEntry]
    parts: Sequence[PartEntry]
    packages: Sequence[PackageEntry]
    systems: Sequence[SystemEntry]
    recalls: Sequence[RecallEntry]


@dataclass(frozen=True)
class Catalog:
    """Catalog of stores, prices, symptom codes, and delivery checklists by store."""

    stores: Mapping[str, Store]
    operations: Mapping[str, CatalogOperation]
    part_price_cents: Mapping[str, int]
    packages: Mapping[str, ServicePackage]
    typical_parts: Mapping[str, frozenset[str]]
    symptoms: frozenset[str]
    advisors: Mapping[str, tuple[str, ...]]
    recalls: tuple[Recall, ...]
    calendar: WorkingCalendar
    entries: CatalogEntries

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
        advisors=_advisors(folder, stores),
        recalls=tuple(map(_recall, entries.recalls)),
        calendar=load_calendar(folder),
        entries=entries,
    )


def _entries(folder: Path) -> CatalogEntries:
    return CatalogEntries(
        operations=read_yaml(folder, "catalog/operations.yaml")["operations"],
        parts=read_yaml(folder, "catalog/parts.yaml")["parts"],
        packages=read_yaml(folder, "catalog/packages.yaml")["packages"],
        systems=read_yaml(folder, "catalog/symptoms.yaml")["systems"],
        recalls=read_yaml(folder, "catalog/recalls.yaml")["recalls"],
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
