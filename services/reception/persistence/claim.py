"""Warranty claims."""

import dataclasses
from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any

from services.reception.domain.claim import Claim, ClaimDetails, ClaimStatus
from shared.contracts.reception import EstimateLine
from shared.contracts.versioned import columns, loaded
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.unit_of_work import UnitOfWork

_CLAIM = """
SELECT version, changed_by, changed_at, store_id, claim_id, order_id, status, lines, amount_cents,
       claim_details, due_at, submission_number, approved_cents, decision, decided_at
FROM warranty_claim
"""

_SAVE = """
INSERT INTO warranty_claim (version, changed_by, changed_at, store_id, claim_id, order_id, status,
                            lines, amount_cents, claim_details, due_at, submission_number,
                            approved_cents, decision, decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (store_id, claim_id) DO UPDATE SET
    status = excluded.status, claim_details = excluded.claim_details, due_at = excluded.due_at,
    submission_number = excluded.submission_number, approved_cents = excluded.approved_cents,
    decision = excluded.decision, decided_at = excluded.decided_at, version = excluded.version,
    changed_by = excluded.changed_by, changed_at = excluded.changed_at
"""


async def lock_claim(connection: Connection, store_id: str, claim_id: str) -> Claim:
    """Return the claim, locked until the transaction ends.

    Where the claim and its order are both locked, the claim comes first.

    Raises:
        RuleViolation: there is no such claim in the store.
    """
    row = await connection.fetchrow(
        _CLAIM + "WHERE store_id = $1 AND claim_id = $2 FOR UPDATE", store_id, claim_id
    )
    return _claim(row, claim_id)


async def read_claim(connection: Connection, store_id: str, claim_id: str) -> Claim:
    """Return the present claim."""
    row = await connection.fetchrow(
        _CLAIM + "WHERE store_id = $1 AND claim_id = $2", store_id, claim_id
    )
    return _claim(row, claim_id)


async def list_claims(
    connection: Connection, store_id: str, statuses: Sequence[ClaimStatus]
) -> list[Claim]:
    """Return the claims in one of ``statuses``, the most urgent first."""
    rows = await connection.fetch(
        _CLAIM + "WHERE store_id = $1 AND status = ANY ($2) ORDER BY due_at, claim_id LIMIT 1000",
        store_id,
        list(statuses),
    )
    return [_claim(row, row["claim_id"]) for row in rows]


async def lock_claims_of_order(connection: Connection, store_id: str, order_id: str) -> list[Claim]:
    """Return the claims on the order's invoices that are not dropped, locked.

    They are locked before the order.
    """
    rows = await connection.fetch(
        _CLAIM + "WHERE store_id = $1 AND order_id = $2 AND status <> 'withdrawn' "
        "ORDER BY claim_id FOR UPDATE",
        store_id,
        order_id,
    )
    return [_claim(row, row["claim_id"]) for row in rows]


async def save_claim(uow: UnitOfWork, claim: Claim) -> Claim:
    """Store the claim where it has changed, and return it as it is stored."""
    (saved,) = await uow.save([claim], partial(_write, uow.connection))
    return saved


async def _write(connection: Connection, claims: Sequence[Claim]) -> None:
    await connection.executemany(_SAVE, [_row(claim) for claim in claims])


def _row(claim: Claim) -> list[Any]:
    values = {name: getattr(claim, name) for name in _CLAIM_COLUMNS} | {
        "lines": [line.model_dump(mode="json") for line in claim.lines],
        "claim_details": _dumped(claim.claim_details),
    }
    return [values[name] for name in _CLAIM_COLUMNS]


_CLAIM_COLUMNS = columns(Claim)


def _dumped(claim_details: ClaimDetails) -> dict[str, Any]:
    in_service_date = claim_details.in_service_date
    return dataclasses.asdict(claim_details) | {
        "in_service_date": in_service_date and in_service_date.isoformat()
    }


def _claim(row: Any, claim_id: str) -> Claim:
    if row is None:
        raise unknown("claim_id", claim_id)
    claim_details = row["claim_details"]
    in_service_date = claim_details["in_service_date"] and date.fromisoformat(
        claim_details["in_service_date"]
    )
    values = dict(row) | {
        "lines": tuple(map(EstimateLine.model_validate, row["lines"])),
        "claim_details": ClaimDetails(
            **claim_details
            | {"in_service_date": in_service_date, "photo_ids": tuple(claim_details["photo_ids"])}
        ),
    }
    return loaded(Claim(**values))
