"""Business that a store has still to finish (未完业务), such as one that closes for good (R40)."""

from collections.abc import Sequence
from datetime import date

from pydantic import BaseModel

from services.reception import persistence
from services.reception.application.appointments import AppointmentView, view_appointments
from services.reception.application.deps import Deps
from services.reception.application.views import OrderView, as_seen_by, order_view
from shared.contracts.base import LAST_TIMESTAMP
from shared.security import Principal


class OutstandingBusiness(BaseModel):
    """Orders that are not closed, however old, and appointments that are still booked."""

    orders: Sequence[OrderView]
    appointments: Sequence[AppointmentView]


async def list_outstanding(
    reader: Principal, store_id: str, day_from: date | None, deps: Deps
) -> OutstandingBusiness:
    """List the orders to finish, and the appointments from a day on, or from today (未完业务)."""
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        begin, _ = store.day_bounds(day_from or deps.today(store))
        orders = await persistence.unfinished_orders(connection, store_id)
        found = await persistence.list_appointments(connection, store_id, begin, LAST_TIMESTAMP)
        booked = [each for each in found if each.status == "booked"]
        appointments = await view_appointments(connection, store, booked, deps)
    return OutstandingBusiness(
        orders=[as_seen_by(reader, order_view(order)) for order in orders],
        appointments=appointments,
    )
