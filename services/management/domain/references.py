"""Other records that content names (引用), and warnings about content that is accepted (提醒)."""

from dataclasses import dataclass
from typing import Literal

from shared.contracts.violations import RuleViolation

CollectionName = Literal["rules", "stores", "bays", "staff", "catalog"]
"""规则、门店、工位、员工、目录."""

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
