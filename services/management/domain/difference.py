"""Differences between two contents, as paths such as ``tiers.0.visits``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.management.domain.kinds import Content

Scalar = bool | int | float | str | None
"""Value at the end of a path."""


@dataclass(frozen=True)
class Difference:
    """One field that differs; absent on one side, it is None there."""

    field: str
    old: Scalar
    new: Scalar


def differences(old: Content | None, new: Content | None) -> tuple[Difference, ...]:
    """Return the fields that differ, in the order of the newer content."""
    before, after = _fields_of(old), _fields_of(new)
    return tuple(
        Difference(field, before.get(field), after.get(field))
        for field in [*after, *(field for field in before if field not in after)]
        if before.get(field) != after.get(field)
    )


def _fields(value: Any, place: str = "") -> Iterator[tuple[str, Scalar]]:
    """Return the paths of a JSON value with what stands at their ends."""
    if isinstance(value, Mapping):
        parts = [(str(key), part) for key, part in value.items()]
    elif isinstance(value, list | tuple):
        parts = [(str(index), part) for index, part in enumerate(value)]
    else:
        yield place, value
        return
    for name, part in parts:
        yield from _fields(part, f"{place}.{name}" if place else name)


def _fields_of(content: Content | None) -> dict[str, Scalar]:
    return {} if content is None else dict(_fields(content.model_dump(mode="json")))
