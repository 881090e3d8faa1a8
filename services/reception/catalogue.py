"""What reception reads from the group folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.reception.domain.estimate import (
    LaborOperation,
    PartQuantity,
    PriceList,
    ServicePackage,
)
from shared.group import Store, load_stores, read_yaml


@dataclass(frozen=True)
class Catalogue:
    """Stores, prices, symptom codes and the delivery checklist."""

    stores: Mapping[str, Store]
    operations: Mapping[str, LaborOperation]
    part_price_cents: Mapping[str, int]
    packages: Mapping[str, ServicePackage]
    symptoms: frozenset[str]
    delivery_steps: tuple[str, ...]
    entries: Mapping[str, Any]
    names: Mapping[str, Mapping[str, Any]]

    def prices(self, store_id: str) -> PriceList:
        """What one store charges."""
        rates = self.stores[store_id].labor_rate_cents
        return PriceList(self.operations, rates, self.part_price_cents, self.packages)


def load_catalogue(folder: Path) -> Catalogue:
    """Read the group folder once, when the service starts."""
    operations = read_yaml(folder, "catalogue/operations.yaml")["operations"]
    parts = read_yaml(folder, "catalogue/parts.yaml")["parts"]
    packages = read_yaml(folder, "catalogue/packages.yaml")["packages"]
    systems = read_yaml(folder, "catalogue/symptoms.yaml")["systems"]
    steps = read_yaml(folder, "catalogue/delivery.yaml")["steps"]
    return Catalogue(
        stores=load_stores(folder),
        operations={
            entry["id"]: LaborOperation(entry["id"], entry["trade"], float(entry["standard_hours"]))
            for entry in operations
        },
        part_price_cents={entry["part_no"]: entry["list_price_cents"] for entry in parts},
        packages={entry["id"]: _package(entry) for entry in packages},
        symptoms=frozenset(
            condition["code"]
            for system in systems
            for symptom in system["symptoms"]
            for condition in symptom["conditions"]
        ),
        delivery_steps=tuple(entry["step"] for entry in steps),
        entries={
            "operations": operations,
            "parts": parts,
            "packages": packages,
            "systems": systems,
            "delivery_steps": steps,
        },
        names={entry["id"]: entry for entry in operations}
        | {entry["part_no"]: entry for entry in parts},
    )


def _package(entry: Mapping[str, Any]) -> ServicePackage:
    return ServicePackage(
        package_id=entry["id"],
        operations=tuple(entry["operations"]),
        parts=tuple(PartQuantity(part_no, count) for part_no, count in entry["parts"].items()),
        price_cents=entry["price_cents"],
    )
