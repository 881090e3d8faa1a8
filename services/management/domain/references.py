"""Other records that content names (引用), and warnings about content that is accepted (提醒)."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Literal

from shared.contracts.violations import RuleViolation

CollectionName = Literal["rules", "stores", "bays", "staff", "catalog", "prices"]
"""规则、门店、工位、员工、目录、价目."""

Key = tuple[CollectionName, str]
"""Collection and id of a record."""


@dataclass(frozen=True)
class Reference:
    """Record that content names, and the refusal where it is unknown."""

    key: Key
    refusal: RuleViolation


@dataclass(frozen=True)
class Doubt:
    """Field of content that is accepted, but may be a mistake; a person is told."""

    field: str
    rule: str
    detail: str


@dataclass(frozen=True)
class Beside:
    """What is decided elsewhere, beside which content may be a mistake.

    ``rated_skills`` are those for which a store has a labor rate, ``price_lists`` those that hold
    in a store, ``cost_cents`` the costs of parts by the ids of their records.
    """

    rated_skills: Set[str] = frozenset()
    price_lists: Set[str] = frozenset()
    cost_cents: Mapping[str, int] = field(default_factory=dict)
