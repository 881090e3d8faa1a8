"""Vouchers and service cards."""

from collections.abc import Sequence

from services.reception.domain.voucher import Voucher
from shared.contracts.violations import RuleViolation
from shared.db import Connection
from shared.table import Table

_VOUCHERS = Table("voucher", Voucher, key=("store_id", "voucher_id"))


async def add_voucher(connection: Connection, voucher: Voucher) -> None:
    """Store a voucher that was issued."""
    await connection.execute(_VOUCHERS.insert, *_VOUCHERS.values(voucher))


async def lock_vouchers(
    connection: Connection, store_id: str, voucher_ids: Sequence[str]
) -> list[Voucher]:
    """Return the vouchers in the order in which they are named, locked until the transaction ends.

    Raises:
        RuleViolation: one of them does not exist in the store.
    """
    rows = await connection.fetch(
        _VOUCHERS.select
        + "WHERE store_id = $1 AND voucher_id = ANY ($2) ORDER BY voucher_id FOR UPDATE",
        store_id,
        list(voucher_ids),
    )
    known = {row["voucher_id"]: _VOUCHERS.read(row) for row in rows}
    for voucher_id in voucher_ids:
        if voucher_id not in known:
            raise _unknown(voucher_id)
    return [known[voucher_id] for voucher_id in voucher_ids]


async def read_voucher(connection: Connection, store_id: str, voucher_id: str) -> Voucher:
    """Return the present voucher."""
    row = await connection.fetchrow(
        _VOUCHERS.select + "WHERE store_id = $1 AND voucher_id = $2", store_id, voucher_id
    )
    if row is None:
        raise _unknown(voucher_id)
    return _VOUCHERS.read(row)


async def redeemed_vouchers(connection: Connection, store_id: str, order_id: str) -> list[Voucher]:
    """Return the vouchers that are redeemed with the order's invoice.

    They change under the order's lock.
    """
    rows = await connection.fetch(
        _VOUCHERS.select + "WHERE store_id = $1 AND order_id = $2 ORDER BY voucher_id",
        store_id,
        order_id,
    )
    return [_VOUCHERS.read(row) for row in rows]


async def save_vouchers(connection: Connection, vouchers: Sequence[Voucher]) -> None:
    """Store where vouchers were redeemed, or that they were reinstated."""
    await connection.executemany(_VOUCHERS.update, map(_VOUCHERS.values, vouchers))


def _unknown(voucher_id: str) -> RuleViolation:
    return RuleViolation(
        "unknown_voucher",
        f"There is no voucher {voucher_id} in this store.",
        field="vouchers",
        kind="not_found",
        voucher_id=voucher_id,
    )
