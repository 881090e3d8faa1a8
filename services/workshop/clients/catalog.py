"""The group's catalog besides its operations, as the workshop reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.workshop.domain.inspection import ChecklistItem
from shared.contracts.violations import unknown_code
from shared.group import read_yaml


@dataclass(frozen=True)
class Catalog:
    """Checklists by skill, symptom codes and part numbers."""

    checklists: Mapping[str, Sequence[ChecklistItem]]
    symptoms: frozenset[str]
    part_numbers: frozenset[str]

    def require_symptoms(self, codes: Sequence[str]) -> None:
        """Refuse codes that are not symptom codes."""
        _require("symptoms", codes, self.symptoms)

    def require_parts(self, part_numbers: Sequence[str]) -> None:
        """Refuse values that are not part numbers."""
        _require("part_numbers", part_numbers, self.part_numbers)


def load_catalog(folder: Path) -> Catalog:
    """Read the group folder once, when the service starts."""
    return Catalog(
        checklists={
            skill_code: [ChecklistItem(**entry) for entry in items]
            for skill_code, items in read_yaml(folder, "catalog/delivery.yaml")[
                "inspection"
            ].items()
        },
        symptoms=frozenset(
            condition["code"]
            for system in read_yaml(folder, "catalog/symptoms.yaml")["systems"]
            for symptom in system["symptoms"]
            for condition in symptom["conditions"]
        ),
        part_numbers=frozenset(
            entry["part_number"] for entry in read_yaml(folder, "catalog/parts.yaml")["parts"]
        ),
    )


def _require(field: str, codes: Sequence[str], known: frozenset[str]) -> None:
    for code in codes:
        if code not in known:
            raise unknown_code(field, code)
