"""Customers and their vehicles (客户档案)."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.crm import CustomerRegistered


@dataclass(frozen=True)
class References:
    """References to a customer and a vehicle for other services.

    ``plate_ref`` is empty once another vehicle has the plate.
    """

    customer_ref: str
    vehicle_ref: str
    plate_ref: str


def register(
    store_id: str, references: References, known: References | None, now: datetime
) -> list[CustomerRegistered]:
    """Register a customer and vehicle; those ``known`` already lead to no event."""
    if references == known:
        return []
    return [
        CustomerRegistered(
            store_id=store_id,
            customer_ref=references.customer_ref,
            vehicle_ref=references.vehicle_ref,
            plate_ref=references.plate_ref,
            registered_at=now,
        )
    ]
