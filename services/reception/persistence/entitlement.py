"""What arriving customers are entitled to, and what they were given."""

from collections.abc import Collection, Sequence

from services.reception.domain.entitlement import GrantedEntitlement, Recognition
from shared.db import Connection
from shared.table import Table

_RECOGNITIONS = Table(
    "recognition", Recognition, key=("store_id", "order_id"), json=("entitlements",)
)
_GRANTED = Table(
    "granted_entitlement", GrantedEntitlement, key=("store_id", "order_id", "entitlement")
)


async def save_recognition(connection: Connection, recognition: Recognition) -> None:
    """Store what a customer is entitled to at a visit."""
    await connection.execute(_RECOGNITIONS.upsert, *_RECOGNITIONS.values(recognition))


async def find_recognitions(
    connection: Connection, store_id: str, order_ids: Sequence[str]
) -> list[Recognition]:
    """Return what the customers of these visits are entitled to."""
    rows = await connection.fetch(
        _RECOGNITIONS.select + "WHERE store_id = $1 AND order_id = ANY ($2)",
        store_id,
        list(order_ids),
    )
    return [_RECOGNITIONS.read(row) for row in rows]


async def granted_at_visit(
    connection: Connection, store_id: str, order_id: str
) -> list[GrantedEntitlement]:
    """Return what the customer of a visit was given."""
    rows = await connection.fetch(
        _GRANTED.select + "WHERE store_id = $1 AND order_id = $2 ORDER BY granted_at",
        store_id,
        order_id,
    )
    return [_GRANTED.read(row) for row in rows]


async def last_granted(
    connection: Connection, store_id: str, customer_refs: Collection[str]
) -> dict[str, GrantedEntitlement]:
    """Return the last time that a customer was given each of the entitlements."""
    rows = await connection.fetch(
        f"SELECT DISTINCT ON (entitlement) {_GRANTED.column_list} FROM granted_entitlement"
        " WHERE store_id = $1 AND customer_ref = ANY ($2) ORDER BY entitlement, granted_at DESC",
        store_id,
        list(customer_refs),
    )
    return {row["entitlement"]: _GRANTED.read(row) for row in rows}


async def add_granted(connection: Connection, granted: GrantedEntitlement) -> None:
    """Store what a customer was given."""
    await connection.execute(_GRANTED.insert, *_GRANTED.values(granted))
