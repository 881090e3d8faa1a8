"""Bays of the group as people name them."""

from dataclasses import dataclass
from pathlib import Path

from services.desk.i18n import Translator
from shared.group import read_yaml


@dataclass(frozen=True)
class Bay:
    """Bay (工位): its type, and its number among the store's bays of that type."""

    type: str
    number: int

    def name(self, t: Translator) -> str:
        """Return type and number."""
        word = t.code("bay", self.type)
        return f"{word[:1].upper()}{word[1:]} {self.number}"


def load_bays(folder: Path) -> dict[str, Bay]:
    """Return the bays of the group folder by their id."""
    entries = read_yaml(folder, "bays.yaml")["bays"]
    return {entry["id"]: Bay(entry["type"], entry["number"]) for entry in entries}
