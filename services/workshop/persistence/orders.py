"""The workshop's projection of repair orders (工单)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.workshop.domain.comeback import EarlierOrder, Opened
from shared.db import Connection
from shared.table import Table

_ARRIVED = """
INSERT INTO repair_order (store_id, order_id, queue_number) VALUES ($1, $2, $3)
ON CONFLICT (store_id, order_id) DO UPDATE SET queue_number = excluded.queue_number
"""

_OPENED = """
INSERT INTO repair_order (store_id, order_id, vehicle_ref, symptoms, opened_at, comeback_of)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (store_id, order_id) DO UPDATE SET
    vehicle_ref = excluded.vehicle_ref, symptoms = excluded.symptoms,
    opened_at = excluded.opened_at, comeback_of = excluded.comeback_of
"""

_OF_VEHICLE = """
SELECT earlier.order_id, earlier.ready_at, earlier.symptoms, origin.symptoms AS comeback_symptoms
FROM repair_order AS earlier
LEFT JOIN repair_order AS origin
    ON origin.store_id = earlier.store_id AND origin.order_id = earlier.comeback_of
WHERE earlier.store_id = $1 AND earlier.vehicle_ref = $2 AND earlier.ready_at >= $3
"""


@dataclass(frozen=True)
class RepairOrderProjection:
    """An order as the workshop knows it.

    ``late_min``: minutes past the promise at which the vehicle was ready to be handed over.
    """

    order_id: str
    queue_number: int | None
    vehicle_ref: str | None
    symptoms: tuple[str, ...]
    opened_at: datetime | None
    comeback_of: str | None
    ready_at: datetime | None
    late_min: int | None
    delivered_at: datetime | None


_ORDERS = Table(
    "repair_order",
    RepairOrderProjection,
    key=("store_id", "order_id"),
    json=("symptoms",),
    added=("store_id",),
)


async def save_arrival(
    connection: Connection, store_id: str, order_id: str, queue_number: int
) -> None:
    """Record that the vehicle has arrived, with its queue number."""
    await connection.execute(_ARRIVED, store_id, order_id, queue_number)


async def save_opened_order(
    connection: Connection, store_id: str, opened: Opened, comeback_of: str | None
) -> None:
    """Record that the order was opened, or which vehicle it was opened for."""
    await connection.execute(
        _OPENED,
        store_id,
        opened.order_id,
        opened.vehicle_ref,
        list(opened.symptoms),
        opened.opened_at,
        comeback_of,
    )


async def save_ready_order(
    connection: Connection, store_id: str, order_id: str, ready_at: datetime, late_min: int
) -> None:
    """Record when all its work was accepted."""
    await connection.execute(
        "UPDATE repair_order SET ready_at = $3, late_min = $4 "
        "WHERE store_id = $1 AND order_id = $2",
        store_id,
        order_id,
        ready_at,
        late_min,
    )


async def save_delivery(
    connection: Connection, store_id: str, order_id: str, delivered_at: datetime
) -> None:
    """Record that the vehicle was delivered to the customer."""
    await connection.execute(
        "UPDATE repair_order SET delivered_at = $3 WHERE store_id = $1 AND order_id = $2",
        store_id,
        order_id,
        delivered_at,
    )


async def ready_orders_since(
    connection: Connection, store_id: str, moment: datetime
) -> list[RepairOrderProjection]:
    """Return the orders whose work was accepted since then, the latest first."""
    rows = await connection.fetch(
        _ORDERS.select + "WHERE store_id = $1 AND ready_at >= $2 ORDER BY ready_at DESC, order_id",
        store_id,
        moment,
    )
    return [_ORDERS.read(row) for row in rows]


async def read_order(
    connection: Connection, store_id: str, order_id: str
) -> RepairOrderProjection | None:
    """Return one order of the store."""
    row = await connection.fetchrow(
        _ORDERS.select + "WHERE store_id = $1 AND order_id = $2", store_id, order_id
    )
    return _ORDERS.read(row) if row else None


async def orders_of_vehicle(
    connection: Connection, store_id: str, vehicle_ref: str, ready_since: datetime
) -> list[EarlierOrder]:
    """Return the vehicle's orders that were ready since then."""
    rows = await connection.fetch(_OF_VEHICLE, store_id, vehicle_ref, ready_since)
    return [
        EarlierOrder(
            row["order_id"],
            row["ready_at"],
            tuple(row["symptoms"]),
            tuple(row["comeback_symptoms"] or ()),
        )
        for row in rows
    ]


async def queue_numbers(
    connection: Connection, store_id: str, order_ids: Sequence[str]
) -> dict[str, int]:
    """Return the queue numbers of the orders' vehicles, where known."""
    rows = await connection.fetch(
        "SELECT order_id, queue_number FROM repair_order "
        "WHERE store_id = $1 AND order_id = ANY ($2) AND queue_number IS NOT NULL",
        store_id,
        list(order_ids),
    )
    return {row["order_id"]: row["queue_number"] for row in rows}
