"""Names of labor operations, parts, symptoms and checklists in one language."""

import re
from collections.abc import Sequence
from functools import lru_cache

from services.desk.i18n import Translator
from shared.clients.reception.models import CatalogView, ChecklistsView, SystemEntry


def kept_once(listed: CatalogView, known: CatalogView | None) -> CatalogView:
    """Return a store's catalog; what is the same in the ``known`` one of another is that itself."""
    same = {name: part for name, part in known or () if getattr(listed, name) == part}
    return listed.model_copy(update=same)


class Catalog:
    """The catalog and the checklists that reception serves, for display and for choosing."""

    def __init__(self, listed: CatalogView, checklists: ChecklistsView, words: Translator) -> None:
        self.operations = {entry.id: entry for entry in listed.operations}
        self.parts = {entry.part_number: entry for entry in listed.parts}
        self.packages = {entry.id: entry for entry in listed.packages}
        self.steps = {entry.step: words.of(entry) for entry in checklists.delivery_steps}
        self.recalls = {entry.id: entry for entry in listed.recalls}
        self.check_areas = {entry.area: entry for entry in checklists.facility_areas}
        self.symptoms = _symptoms(listed.systems, words)
        self._words = words

    def operation(self, op_code: str) -> str:
        """Return the name of a labor operation; its number when it is no longer listed."""
        entry = self.operations.get(op_code)
        return self._words.of(entry) if entry else op_code

    def part(self, part_number: str) -> str:
        """Return the name of a part."""
        entry = self.parts.get(part_number)
        return self._words.of(entry) if entry else part_number

    def package(self, package_id: str) -> str:
        """Return the name of a service package."""
        entry = self.packages.get(package_id)
        return self._words.of(entry) if entry else package_id

    def symptom(self, code: str) -> str:
        """Return a symptom in words."""
        return self.symptoms.get(code, code)

    def recall(self, recall_id: str) -> str:
        """Return the name of a recall or service campaign, with its number."""
        entry = self.recalls.get(recall_id)
        return f"{self._words.of(entry)} ({recall_id})" if entry else recall_id

    def package_choices(self) -> dict[str, str]:
        """Return all service packages by name."""
        return {package_id: self.package(package_id) for package_id in self.packages}

    def symptoms_in(self, told: str, limit: int) -> list[str]:
        """Return the symptoms that share most with the concern ``told`` by the customer, best
        first.
        """
        heard = _pieces(told)
        shared = {code: len(heard & _pieces(name)) for code, name in self.symptoms.items()}
        best = sorted(shared, key=lambda code: -shared[code])
        return [code for code in best[:limit] if shared[code]]

    def answering(self, symptoms: Sequence[str], limit: int) -> list[str]:
        """Return operations that commonly fix ``symptoms``, those that fix most of them first."""
        told = set(symptoms)
        matches = {
            op_code: len(told.intersection(entry.symptoms))
            for op_code, entry in self.operations.items()
        }
        best = sorted(matches, key=lambda op_code: -matches[op_code])
        return [op_code for op_code in best[:limit] if matches[op_code]]

    def line(self, kind: str, code: str) -> str:
        """Return the name of an estimate line."""
        return self.operation(code) if kind == "labor" else self.part(code)

    def operation_choices(self, symptoms: Sequence[str]) -> dict[str, str]:
        """Return all operations by name, those that commonly fix ``symptoms`` first."""
        told = set(symptoms)
        ordered = sorted(
            self.operations.values(), key=lambda entry: told.isdisjoint(entry.symptoms)
        )
        return {
            entry.id: f"{self.operation(entry.id)} · {entry.standard_hours} h" for entry in ordered
        }

    def typical_parts(self, op_codes: Sequence[str]) -> dict[str, int]:
        """Return how many of which part the operations commonly take together."""
        typical: dict[str, int] = {}
        for op_code in op_codes:
            for part_number, quantity in self.operations[op_code].parts.items():
                typical[part_number] = typical.get(part_number, 0) + quantity
        return typical

    def part_choices(self) -> dict[str, str]:
        """Return all parts by name and number."""
        return {
            part_number: f"{self.part(part_number)} · {part_number}" for part_number in self.parts
        }


def _symptoms(systems: Sequence[SystemEntry], words: Translator) -> dict[str, str]:
    return {
        condition.code: " · ".join((words.of(system), words.of(symptom), words.of(condition)))
        for system in systems
        for symptom in system.symptoms
        for condition in symptom.conditions
    }


@lru_cache(maxsize=4096)
def _pieces(text: str) -> frozenset[str]:
    """Return the pieces for comparing texts: pairs of Chinese characters, other words of some
    length.
    """
    chinese = re.findall(r"[\u4e00-\u9fff]+", text)
    pairs = {run[at : at + 2] for run in chinese for at in range(len(run) - 1)}
    return frozenset(pairs | set(re.findall(r"[a-z]{4,}", text.lower())))
