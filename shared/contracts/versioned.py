"""Aggregates that are saved in versions, and decisions on the version that a person saw."""

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, TypeVar

from shared.contracts.violations import RuleViolation


@dataclass(frozen=True, kw_only=True)
class Versioned:
    """An aggregate that has another ``version`` after each change.

    ``changed_by`` made the present one, the actor of its unit of work. ``stored`` is the aggregate
    as it was loaded, None for a new one.
    """

    version: int = 0
    changed_by: str | None = None
    changed_at: datetime | None = None
    stored: "Versioned | None" = field(default=None, compare=False, repr=False)


V = TypeVar("V", bound=Versioned)


def columns(kind: type[Any]) -> list[str]:
    """The names of the fields that are stored."""
    return [each.name for each in fields(kind) if each.name != "stored"]


def loaded(aggregate: V) -> V:
    """The aggregate as it is stored."""
    return replace(aggregate, stored=replace(aggregate, stored=None))


def next_version(aggregate: V, by: str | None, at: datetime) -> V:
    """The aggregate as it is to be stored: its next version if it has changed since it was loaded,
    else itself."""
    if aggregate == aggregate.stored:
        return aggregate
    return loaded(replace(aggregate, version=aggregate.version + 1, changed_by=by, changed_at=at))


def require_version(aggregate: Versioned, seen: str, **present: Any) -> None:
    """Refuse to decide on what has changed since a person saw it; ``present`` says how it is now.

    Raises:
        RuleViolation: ``seen`` is not the present version; the violation names who made that, and
            when.
    """
    if str(aggregate.version) != seen:
        raise version_conflict(str(aggregate.version), aggregate, **present)


def version_conflict(version: str, changed: Versioned, **present: Any) -> RuleViolation:
    """Return the violation of a decision on another version than the present one, ``version``.

    It names who made the present version of ``changed``, and when.
    """
    at = changed.changed_at
    return RuleViolation(
        "version_conflict",
        "It has been changed meanwhile; look at its present state.",
        field="version",
        kind="conflict",
        version=version,
        by=changed.changed_by,
        at=at and at.isoformat(),
        **present,
    )
