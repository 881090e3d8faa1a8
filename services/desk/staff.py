"""Staff of the group: names of colleagues, and the people of the demo sign-in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.group import read_yaml


@dataclass(frozen=True)
class Person:
    """Person who works in the group (员工), with roles (岗位) and stores (门店)."""

    subject: str
    names: Mapping[str, str] = field(hash=False)
    roles: frozenset[str]
    stores: tuple[str, ...]

    def name(self, language: str) -> str:
        return self.names.get(language) or next(iter(self.names.values()), self.subject)

    def has(self, roles: Iterable[str]) -> bool:
        return not self.roles.isdisjoint(roles)


def load_staff(folder: Path) -> dict[str, Person]:
    """Return the staff of the group folder by the subject of their access token."""
    entries = read_yaml(folder, "staff.yaml")["staff"]
    return {
        entry["id"]: Person(
            subject=entry["id"],
            names={"zh": entry["zh"], "en": entry["en"]},
            roles=frozenset(entry["roles"]),
            stores=tuple(entry["stores"]),
        )
        for entry in entries
    }
