"""Other records that content names (引用), and warnings about content that is accepted (提醒)."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from typing import Literal

from services.management.domain.errors import naming
from shared.contracts.violations import RuleViolation

CollectionName = Literal["rules", "stores", "bays", "staff", "catalog", "prices", "costs"]
"""规则、门店、工位、员工、目录、价目、月度成本."""

Key = tuple[CollectionName, str]
"""Collection and id of a record."""


@dataclass(frozen=True)
class Reference:
    """Record that content names, and the refusal where it is unknown."""

    key: Key
    refusal: RuleViolation

    def refused(self, known: Iterable[str]) -> RuleViolation:
        """Return the refusal, with some of the records that are ``known``, by their ids."""
        return naming(self.refusal, code_in(self.key[1]), map(code_in, known))


def code_in(record_id: str) -> str:
    """Return what the id of a record names, without its kind."""
    return record_id.rpartition(":")[2]


@dataclass(frozen=True)
class Doubt:
    """Field of content that is accepted, but may be a mistake; a person is told.

    Instead of what it names, one of the ``known`` codes may be meant.
    """

    field: str
    rule: str
    detail: str
    known: tuple[str, ...] = ()


def unaccepted(doubts: Sequence[Doubt]) -> RuleViolation:
    """Return the refusal of content that may be a mistake, as the first of ``doubts`` says."""
    first = doubts[0]
    return RuleViolation(
        first.rule, first.detail, field=first.field, warnings=[asdict(each) for each in doubts]
    )


@dataclass(frozen=True)
class Beside:
    """What is decided elsewhere, beside which content may be a mistake.

    ``rated_skills`` are those for which a store has a labor rate, ``price_lists`` those that hold
    in a store, ``cost_cents`` the costs of parts by the ids of their records.
    """

    rated_skills: Set[str] = frozenset()
    price_lists: Set[str] = frozenset()
    cost_cents: Mapping[str, int] = field(default_factory=dict)
