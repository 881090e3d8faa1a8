"""Warranty claims."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from services.reception.domain.claim import Claim, ClaimStatus
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table
from shared.unit_of_work import UnitOfWork

CLAIMS = Table(
    "warranty_claim",
    Claim,
    key=("store_id", "claim_id"),
    fixed=("order_id", "lines", "amount_cents"),
    json=("lines", "claim_details"),
)

_OF_ORDER = "WHERE store_id = $1 AND order_id = $2 AND status <> 'withdrawn' ORDER BY claim_id"


async def lock_claim(connection: Connection, store_id: str, claim_id: str) -> Claim:
    """Return the claim, locked until the transaction ends.

    Where the claim and its order are both locked, the claim comes first.

    Raises:
        RuleViolation: there is no such claim in the store.
    """
    row = await connection.fetchrow(
        CLAIMS.select + "WHERE store_id = $1 AND claim_id = $2 FOR UPDATE", store_id, claim_id
    )
    return _claim(row, claim_id)


async def read_claim(connection: Connection, store_id: str, claim_id: str) -> Claim:
    """Return the present claim."""
    row = await connection.fetchrow(
        CLAIMS.select + "WHERE store_id = $1 AND claim_id = $2", store_id, claim_id
    )
    return _claim(row, claim_id)


async def list_claims(
    connection: Connection, store_id: str, statuses: Sequence[ClaimStatus]
) -> list[Claim]:
    """Return the claims in one of ``statuses``, the most urgent first."""
    rows = await connection.fetch(
        CLAIMS.select
        + "WHERE store_id = $1 AND status = ANY ($2) ORDER BY due_at, claim_id LIMIT 1000",
        store_id,
        list(statuses),
    )
    return [CLAIMS.read(row) for row in rows]


async def claims_of_order(connection: Connection, store_id: str, order_id: str) -> list[Claim]:
    """Return the claims on the order's invoices that are not dropped."""
    rows = await connection.fetch(CLAIMS.select + _OF_ORDER, store_id, order_id)
    return [CLAIMS.read(row) for row in rows]


async def lock_claims_of_order(connection: Connection, store_id: str, order_id: str) -> list[Claim]:
    """Return them, locked; they are locked before the order."""
    rows = await connection.fetch(CLAIMS.select + _OF_ORDER + " FOR UPDATE", store_id, order_id)
    return [CLAIMS.read(row) for row in rows]


async def save_claim(uow: UnitOfWork, claim: Claim) -> Claim:
    """Store the claim where it has changed, and return it as it is stored."""
    (saved,) = await uow.save([claim], partial(_write, uow.connection))
    return saved


async def _write(connection: Connection, claims: Sequence[Claim]) -> None:
    await connection.executemany(CLAIMS.upsert, map(CLAIMS.values, claims))


def _claim(row: Any, claim_id: str) -> Claim:
    if row is None:
        raise unknown("claim_id", claim_id)
    return CLAIMS.read(row)
