"""Warranty claims."""

import dataclasses
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from services.reception.domain.claim import Claim, ClaimStatus, Evidence
from shared.contracts.reception import EstimateLine
from shared.contracts.refusal import unknown
from shared.db import Connection
from shared.unit import Unit

_CLAIM = """
SELECT store_id, claim_id, order_id, status, lines, amount_cents, evidence, due_at, round,
       approved_cents, answer, answered_at, version, changed_by, changed_at
FROM warranty_claim
"""

_SAVE = """
INSERT INTO warranty_claim (store_id, claim_id, order_id, status, lines, amount_cents, evidence,
                            due_at, round, approved_cents, answer, answered_at, version,
                            changed_by, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (store_id, claim_id) DO UPDATE SET
    status = excluded.status, evidence = excluded.evidence, due_at = excluded.due_at,
    round = excluded.round, approved_cents = excluded.approved_cents, answer = excluded.answer,
    answered_at = excluded.answered_at, version = excluded.version,
    changed_by = excluded.changed_by, changed_at = excluded.changed_at
"""


async def lock_claim(connection: Connection, store_id: str, claim_id: str) -> Claim:
    """The claim, locked until the transaction ends; before its order where both are locked.

    Raises:
        Refused: there is no such claim in the store.
    """
    row = await connection.fetchrow(
        _CLAIM + "WHERE store_id = $1 AND claim_id = $2 FOR UPDATE", store_id, claim_id
    )
    return _claim(row, claim_id)


async def read_claim(connection: Connection, store_id: str, claim_id: str) -> Claim:
    """The claim as it is."""
    row = await connection.fetchrow(
        _CLAIM + "WHERE store_id = $1 AND claim_id = $2", store_id, claim_id
    )
    return _claim(row, claim_id)


async def list_claims(
    connection: Connection, store_id: str, statuses: Sequence[ClaimStatus]
) -> list[Claim]:
    """Claims at one of ``statuses``, the most urgent first."""
    rows = await connection.fetch(
        _CLAIM + "WHERE store_id = $1 AND status = ANY ($2) ORDER BY due_at, claim_id LIMIT 1000",
        store_id,
        list(statuses),
    )
    return [_claim(row, row["claim_id"]) for row in rows]


async def save_claim(unit: Unit, claim: Claim) -> Claim:
    """Store the claim as the next version of the unit's actor, and answer with that."""
    saved = replace(claim, version=claim.version + 1, changed_by=unit.actor, changed_at=unit.now)
    await unit.connection.execute(
        _SAVE,
        saved.store_id,
        saved.claim_id,
        saved.order_id,
        saved.status,
        [line.model_dump(mode="json") for line in saved.lines],
        saved.amount_cents,
        _dumped(saved.evidence),
        saved.due_at,
        saved.round,
        saved.approved_cents,
        saved.answer,
        saved.answered_at,
        saved.version,
        saved.changed_by,
        saved.changed_at,
    )
    return saved


def _dumped(evidence: Evidence) -> dict[str, Any]:
    in_service_on = evidence.in_service_on
    return dataclasses.asdict(evidence) | {
        "in_service_on": in_service_on and in_service_on.isoformat()
    }


def _claim(row: Any, claim_id: str) -> Claim:
    if row is None:
        raise unknown("claim_id", claim_id)
    evidence = row["evidence"]
    in_service_on = evidence["in_service_on"] and date.fromisoformat(evidence["in_service_on"])
    return Claim(
        **dict(row)
        | {
            "lines": tuple(map(EstimateLine.model_validate, row["lines"])),
            "evidence": Evidence(
                **evidence
                | {"in_service_on": in_service_on, "photo_ids": tuple(evidence["photo_ids"])}
            ),
        }
    )
