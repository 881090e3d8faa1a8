"""What is known of vehicles."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.reception.domain.lifecycle import Stage
from shared.db import Connection

_SAVE_ODOMETER = """
INSERT INTO vehicle AS known (store_id, vehicle_ref, odometer_km) VALUES ($1, $2, $3)
ON CONFLICT (store_id, vehicle_ref) DO UPDATE SET odometer_km = excluded.odometer_km
"""

_IN_GROUP = """
SELECT store_id, order_id, stage, arrived_at, advisor_id, odometer_km, symptoms, operations
FROM visits_in_group($1, $2)
"""


@dataclass(frozen=True)
class EarlierVisit:
    """A visit of a vehicle to a store of the group (到店记录), without anything about a person."""

    store_id: str
    order_id: str
    stage: Stage
    arrived_at: datetime
    advisor_id: str | None
    odometer_km: int | None
    symptoms: Sequence[str]
    operations: Sequence[str]


async def visits_in_group(connection: Connection, plate_ref: str, limit: int) -> list[EarlierVisit]:
    """Opened orders of the vehicle in every store, also those that the transaction does not see
    otherwise, the last first."""
    rows = await connection.fetch(_IN_GROUP, plate_ref, limit)
    return [
        EarlierVisit(
            **dict(row)
            | {"operations": [operation["operation_id"] for operation in row["operations"]]}
        )
        for row in rows
    ]


async def lock_odometer(connection: Connection, store_id: str, vehicle_ref: str) -> int:
    """The highest odometer reading known of a vehicle, in km; 0 when it is new here."""
    known = await connection.fetchval(
        "SELECT odometer_km FROM vehicle WHERE store_id = $1 AND vehicle_ref = $2 FOR UPDATE",
        store_id,
        vehicle_ref,
    )
    return known or 0


async def save_odometer(
    connection: Connection, store_id: str, vehicle_ref: str, odometer_km: int
) -> None:
    """Remember the reading."""
    await connection.execute(_SAVE_ODOMETER, store_id, vehicle_ref, odometer_km)
