"""All SQL of reception. Every function takes a connection; none commits."""

from services.reception.store.appointment import (
    list_appointments,
    lock_appointment,
    save_appointment,
)
from services.reception.store.capacity import (
    last_capacity,
    save_capacity,
)
from services.reception.store.order import (
    list_orders,
    lock_order,
    read_order,
    save_details,
    save_order,
    save_words,
    sealed_details,
    sealed_words,
    take_queue_number,
)
from services.reception.store.vehicle import (
    lock_odometer,
    raise_odometer,
)

__all__ = [
    "last_capacity",
    "list_appointments",
    "list_orders",
    "lock_appointment",
    "lock_odometer",
    "lock_order",
    "raise_odometer",
    "read_order",
    "save_appointment",
    "save_capacity",
    "save_details",
    "save_order",
    "save_words",
    "sealed_details",
    "sealed_words",
    "take_queue_number",
]
