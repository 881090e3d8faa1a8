"""Commands and queries of reception, one module a subject."""

from services.reception.http import (
    appointments,
    arrivals,
    catalogue,
    delivery,
    orders,
    settlement,
    work,
)

routers = (
    catalogue.router,
    appointments.router,
    arrivals.router,
    work.router,
    orders.router,
    delivery.router,
    settlement.router,
)
