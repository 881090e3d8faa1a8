"""Codes that people enter: symptoms (故障现象) and parts (备件) of the group's catalog."""

from collections.abc import Iterable, Sequence, Set

from shared.contracts.base import EventPart
from shared.contracts.dated import content_on
from shared.contracts.management import CatalogItemDefined, SymptomSystem
from shared.contracts.violations import unknown_code
from shared.db import Connection
from shared.group import GROUP_ZONE, Group

_PART, _SYMPTOMS = "part:", "symptoms:"


async def require_symptoms(connection: Connection, codes: Sequence[str], group: Group) -> None:
    """Refuse codes that are not symptom codes today."""
    systems = await group.master_data.starting(connection, CatalogItemDefined, _SYMPTOMS)
    known = {
        condition.code
        for system in _contents(systems.values(), group)
        if isinstance(system, SymptomSystem)
        for symptom in system.symptoms
        for condition in symptom.conditions
    }
    _require("symptoms", codes, known)


async def require_parts(connection: Connection, part_numbers: Sequence[str], group: Group) -> None:
    """Refuse values that are not part numbers today."""
    keys = [f"{_PART}{each}" for each in part_numbers]
    found = await group.master_data.get(connection, CatalogItemDefined, keys)
    known = {key.removeprefix(_PART) for key, state in found.items() if _contents([state], group)}
    _require("part_numbers", part_numbers, known)


def _contents(states: Iterable[CatalogItemDefined], group: Group) -> list[EventPart]:
    today = group.clock.now().astimezone(GROUP_ZONE).date()
    contents = [content_on(state.versions, today) for state in states]
    return list(filter(None, contents))


def _require(field: str, codes: Sequence[str], known: Set[str]) -> None:
    for code in codes:
        if code not in known:
            raise unknown_code(field, code)
