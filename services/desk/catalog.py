"""Names of labor operations, symptoms, packages and checklists in one language."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, Protocol

from services.desk.i18n import Translator
from services.desk.parts import Parts
from shared.clients.reception.models import CatalogView, ChecklistsView, SystemEntry

_PRICES = ("labor_rate_cents", "operation_price_cents")
_MOST_FOUND = 50


class Line(Protocol):
    """Line of an estimate: a labor operation or a part, by its code."""

    @property
    def kind(self) -> Literal["labor", "part"]: ...

    @property
    def code(self) -> str: ...


def with_entries(listed: CatalogView, known: CatalogView | None) -> CatalogView:
    """Return a store's catalog; where the ``known`` one of any store has the same revision, its
    entries are those itself.
    """
    if known is None or known.revision != listed.revision:
        return listed
    return known.model_copy(update={name: getattr(listed, name) for name in _PRICES})


class Catalog:
    """The catalog and the checklists that reception serves, for display and for choosing.

    It names those of the ``parts`` that a page has asked for.
    """

    def __init__(
        self, listed: CatalogView, checklists: ChecklistsView, words: Translator, parts: Parts
    ) -> None:
        self.operations = {entry.id: entry for entry in listed.operations}
        self.parts = parts
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
        return self.operation(code) if kind == "labor" else self.parts.name(code)

    async def know_parts_of(self, lines: Iterable[Line]) -> None:
        """Ask for the names of the parts among estimate lines."""
        await self.parts.know(line.code for line in lines if line.kind == "part")

    def operation_label(self, op_code: str) -> str:
        """Return name, code and standard hours of an operation."""
        entry = self.operations.get(op_code)
        if entry is None:
            return op_code
        return f"{self._words.of(entry)} · {op_code} · {entry.standard_hours} h"

    async def find_operations(self, typed: str, symptoms: Sequence[str] = ()) -> dict[str, str]:
        """Return the labels of the operations that a text finds by name or code, those that
        commonly fix ``symptoms`` first.
        """
        wanted, told = typed.strip().lower(), set(symptoms)
        found = (
            entry
            for entry in self.operations.values()
            if wanted in f"{entry.id} {entry.zh} {entry.en}".lower()
        )
        ordered = sorted(found, key=lambda entry: told.isdisjoint(entry.symptoms))
        return {entry.id: self.operation_label(entry.id) for entry in ordered[:_MOST_FOUND]}

    def typical_parts(self, op_codes: Sequence[str]) -> dict[str, int]:
        """Return how many of which part the operations commonly take together."""
        typical: dict[str, int] = {}
        for op_code in op_codes:
            for part_number, quantity in self.operations[op_code].parts.items():
                typical[part_number] = typical.get(part_number, 0) + quantity
        return typical


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
