"""Vouchers and service cards."""

from collections.abc import Sequence

from services.reception.domain.voucher import Voucher
from shared.contracts.violations import RuleViolation
from shared.db import Connection

_VOUCHER = """
SELECT store_id, voucher_id, kind, value_cents, op_code, customer_ref, expires_at, issued_by,
       issued_at, order_id, redeemed_cents, redeemed_at
FROM voucher
"""

_ADD = """
INSERT INTO voucher (store_id, voucher_id, kind, value_cents, op_code, customer_ref,
                     expires_at, issued_by, issued_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

_SAVE = """
UPDATE voucher SET order_id = $3, redeemed_cents = $4, redeemed_at = $5, expires_at = $6
WHERE store_id = $1 AND voucher_id = $2
"""


async def add_voucher(connection: Connection, voucher: Voucher) -> None:
    """Store a voucher that was issued."""
    await connection.execute(
        _ADD,
        voucher.store_id,
        voucher.voucher_id,
        voucher.kind,
        voucher.value_cents,
        voucher.op_code,
        voucher.customer_ref,
        voucher.expires_at,
        voucher.issued_by,
        voucher.issued_at,
    )


async def lock_vouchers(
    connection: Connection, store_id: str, voucher_ids: Sequence[str]
) -> list[Voucher]:
    """Return the vouchers in the order in which they are named, locked until the transaction ends.

    Raises:
        RuleViolation: one of them does not exist in the store.
    """
    rows = await connection.fetch(
        _VOUCHER + "WHERE store_id = $1 AND voucher_id = ANY ($2) ORDER BY voucher_id FOR UPDATE",
        store_id,
        list(voucher_ids),
    )
    known = {row["voucher_id"]: Voucher(**row) for row in rows}
    for voucher_id in voucher_ids:
        if voucher_id not in known:
            raise _unknown(voucher_id)
    return [known[voucher_id] for voucher_id in voucher_ids]


async def read_voucher(connection: Connection, store_id: str, voucher_id: str) -> Voucher:
    """Return the present voucher."""
    row = await connection.fetchrow(
        _VOUCHER + "WHERE store_id = $1 AND voucher_id = $2", store_id, voucher_id
    )
    if row is None:
        raise _unknown(voucher_id)
    return Voucher(**row)


async def redeemed_vouchers(connection: Connection, store_id: str, order_id: str) -> list[Voucher]:
    """Return the vouchers that are redeemed with the order's invoice.

    They change under the order's lock.
    """
    rows = await connection.fetch(
        _VOUCHER + "WHERE store_id = $1 AND order_id = $2 ORDER BY voucher_id",
        store_id,
        order_id,
    )
    return [Voucher(**row) for row in rows]


async def save_vouchers(connection: Connection, vouchers: Sequence[Voucher]) -> None:
    """Store where vouchers were redeemed, or that they were reinstated."""
    await connection.executemany(
        _SAVE,
        [
            (
                each.store_id,
                each.voucher_id,
                each.order_id,
                each.redeemed_cents,
                each.redeemed_at,
                each.expires_at,
            )
            for each in vouchers
        ],
    )


def _unknown(voucher_id: str) -> RuleViolation:
    return RuleViolation(
        "unknown_voucher",
        f"There is no voucher {voucher_id} in this store.",
        field="vouchers",
        kind="not_found",
        voucher_id=voucher_id,
    )
