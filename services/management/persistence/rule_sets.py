"""Rule sets and their changes, which are only ever added."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.management.domain.kinds import KINDS
from services.management.domain.rule_set import Change, RuleSet
from shared.contracts.management import RuleKind
from shared.contracts.versioned import loaded
from shared.db import Connection
from shared.table import Table

_CHANGES = Table(
    "rule_change",
    Change,
    key=("store_id", "rule_id", "revision"),
    json=("content",),
    added=("store_id", "rule_id", "reason"),
)

_ADD_RULE_SET = """
INSERT INTO rule_set (store_id, rule_id, kind) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""

_LOCK_RULE_SET = "SELECT FROM rule_set WHERE store_id = $1 AND rule_id = $2 FOR UPDATE"

_SELECT_CHANGES = _CHANGES.select + "WHERE store_id = $1 AND rule_id = $2 ORDER BY revision"

_SELECT_REASONS = """
SELECT reason FROM rule_change WHERE store_id = $1 AND rule_id = $2 ORDER BY revision
"""

_RAISE_VERSION = """
UPDATE rule_set SET version = $3, changed_by = $4, changed_at = $5
WHERE store_id = $1 AND rule_id = $2
"""

_LIST = """
SELECT rule_set.store_id, kind, version, rule_set.changed_by, rule_set.changed_at, last.reason,
       dated.*
FROM rule_set
JOIN unnest($1::text[], $2::date[]) AS local (store_id, today) USING (store_id)
LEFT JOIN rule_change AS last
  ON last.store_id = rule_set.store_id AND last.rule_id = rule_set.rule_id
 AND last.revision = rule_set.version
CROSS JOIN LATERAL (
    SELECT max(valid_from) FILTER (WHERE valid_from <= today) AS current_from,
           min(valid_from) FILTER (WHERE valid_from > today) AS next_from
    FROM (SELECT DISTINCT ON (valid_from) valid_from, action
          FROM rule_change
          WHERE rule_change.store_id = rule_set.store_id
            AND rule_change.rule_id = rule_set.rule_id
          ORDER BY valid_from, revision DESC) AS newest
    WHERE action <> 'withdrawn') AS dated
ORDER BY rule_set.store_id, kind
"""


@dataclass(frozen=True)
class ListedRuleSet:
    """A rule set without its content, with the reason of its last change, still encrypted.

    ``current_from`` is the day of the version of today, ``next_from`` that of the one after it.
    """

    store_id: str
    kind: RuleKind
    version: int
    changed_by: str | None
    changed_at: datetime | None
    reason: bytes | None
    current_from: date | None
    next_from: date | None


async def lock(connection: Connection, store_id: str, kind: RuleKind) -> RuleSet:
    """Return the rule set, locked until the transaction ends; without changes if it is new."""
    rule_id = KINDS[kind].rule_id(store_id)
    await connection.execute(_ADD_RULE_SET, store_id, rule_id, kind)
    await connection.execute(_LOCK_RULE_SET, store_id, rule_id)
    return await find(connection, store_id, kind)


async def find(connection: Connection, store_id: str, kind: RuleKind) -> RuleSet:
    """Return the rule set; it has no changes if it was never defined."""
    rule_id = KINDS[kind].rule_id(store_id)
    rows = await connection.fetch(_SELECT_CHANGES, store_id, rule_id)
    changes = tuple(map(_CHANGES.read, rows))
    last = changes[-1] if changes else None
    return loaded(
        RuleSet(
            store_id=store_id,
            kind=kind,
            changes=changes,
            version=len(changes),
            changed_by=last.changed_by if last else None,
            changed_at=last.changed_at if last else None,
        )
    )


async def save(connection: Connection, rule_set: RuleSet, reason: bytes) -> None:
    """Store the last change of a rule set, with its reason, encrypted."""
    store_id, rule_id = rule_set.store_id, rule_set.rule_id
    values = _CHANGES.values(
        rule_set.changes[-1], store_id=store_id, rule_id=rule_id, reason=reason
    )
    await connection.execute(_CHANGES.insert, *values)
    await connection.execute(
        _RAISE_VERSION,
        store_id,
        rule_id,
        rule_set.version,
        rule_set.changed_by,
        rule_set.changed_at,
    )


async def reasons(connection: Connection, rule_set: RuleSet) -> list[bytes]:
    """Return the reasons of all changes in their order, still encrypted."""
    rows = await connection.fetch(_SELECT_REASONS, rule_set.store_id, rule_set.rule_id)
    return [row["reason"] for row in rows]


async def listed(connection: Connection, days: Mapping[str, date]) -> Sequence[ListedRuleSet]:
    """Return the rule sets of the scopes in ``days``, given the day that each of them has."""
    rows = await connection.fetch(_LIST, list(days), list(days.values()))
    return [ListedRuleSet(**dict(row)) for row in rows]
