"""What is known of vehicles."""

from shared.db import Connection

_SAVE_ODOMETER = """
INSERT INTO vehicle AS known (store_id, vehicle_ref, odometer_km) VALUES ($1, $2, $3)
ON CONFLICT (store_id, vehicle_ref) DO UPDATE SET odometer_km = excluded.odometer_km
"""


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
