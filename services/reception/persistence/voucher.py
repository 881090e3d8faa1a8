"""Vouchers, service cards and gifts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.reception.domain.voucher import IssuedInMonth, Voucher
from shared.contracts.violations import RuleViolation
from shared.db import Connection
from shared.table import Table

_VOUCHERS = Table("voucher", Voucher, key=("store_id", "voucher_id"))

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('vouchers/' || $1, 0))"

_ISSUED_SINCE = """
SELECT (count(*) FILTER (WHERE issued_by = $3))::integer AS by_person,
       coalesce(sum(value_cents) FILTER (WHERE issued_by = $3), 0)::bigint AS by_person_cents,
       coalesce(sum(value_cents), 0)::bigint AS in_store_cents,
       (count(*) FILTER (WHERE customer_ref = ANY ($4)))::integer AS to_customer
FROM voucher WHERE store_id = $1 AND issued_at >= $2
"""

_LISTED = (
    _VOUCHERS.select
    + """
WHERE store_id = $1 AND ($2::text[] IS NULL OR customer_ref = ANY ($2))
  AND ($3::text IS NULL OR campaign_id = $3)
ORDER BY issued_at DESC, voucher_id DESC LIMIT $4
"""
)

_OPEN = (
    _VOUCHERS.select
    + """
WHERE store_id = $1 AND (customer_ref = ANY ($2) OR vehicle_ref = $3) AND redeemed_at IS NULL
  AND expires_at > $4
  AND (customer_ref IS NULL OR customer_ref = ANY ($2))
  AND (vehicle_ref IS NULL OR vehicle_ref = $3)
ORDER BY expires_at, voucher_id LIMIT $5
"""
)

_MONTHS = """
SELECT month, source, sum(issued)::integer AS issued, sum(redeemed)::integer AS redeemed,
       sum(cost_cents)::bigint AS cost_cents
FROM (SELECT to_char(issued_at AT TIME ZONE $3, 'YYYY-MM') AS month, source,
             1 AS issued, 0 AS redeemed, 0 AS cost_cents
      FROM voucher WHERE store_id = $1 AND issued_at >= $2
      UNION ALL
      SELECT to_char(redeemed_at AT TIME ZONE $3, 'YYYY-MM'), source, 0, 1, cost_cents
      FROM voucher WHERE store_id = $1 AND redeemed_at >= $2) AS change
GROUP BY month, source ORDER BY month, source
"""


@dataclass(frozen=True)
class VoucherMonthCount:
    """Vouchers from one source that were issued, and redeemed, in a month."""

    month: str
    source: str
    issued: int
    redeemed: int
    cost_cents: int


async def lock_voucher_limits(connection: Connection, store_id: str) -> None:
    """Let one person at a time issue vouchers of a store, so that no limit is passed."""
    await connection.execute(_LOCK, store_id)


async def issued_since(
    connection: Connection,
    store_id: str,
    since: datetime,
    issued_by: str,
    customer_refs: Collection[str],
) -> IssuedInMonth:
    """Return what was issued since then: by a person, in the store, and to a customer."""
    (row,) = await connection.fetch(_ISSUED_SINCE, store_id, since, issued_by, list(customer_refs))
    return IssuedInMonth(**row)


async def list_vouchers(
    connection: Connection,
    store_id: str,
    customer_refs: Collection[str],
    campaign_id: str | None,
    most: int,
) -> list[Voucher]:
    """Return vouchers, those issued last first; of one customer where references are named."""
    named = list(customer_refs) or None
    rows = await connection.fetch(_LISTED, store_id, named, campaign_id, most)
    return [_VOUCHERS.read(row) for row in rows]


async def open_vouchers(
    connection: Connection,
    store_id: str,
    customer_refs: Collection[str],
    vehicle_ref: str,
    now: datetime,
    most: int,
) -> list[Voucher]:
    """Return the vouchers that are for the customer, by any of their references, or the vehicle,
    and can be redeemed ``now``; those that expire first first.
    """
    rows = await connection.fetch(_OPEN, store_id, list(customer_refs), vehicle_ref, now, most)
    return [_VOUCHERS.read(row) for row in rows]


async def voucher_months(
    connection: Connection, store_id: str, since: datetime, zone: str
) -> list[VoucherMonthCount]:
    """Return the numbers and costs since then by the store's calendar months and by source."""
    rows = await connection.fetch(_MONTHS, store_id, since, zone)
    return [VoucherMonthCount(**row) for row in rows]


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
