"""People who are signed in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


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
