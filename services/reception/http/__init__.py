"""Commands and queries of reception, one module a subject."""

from services.reception.http import (
    appointments,
    arrivals,
    authorisations,
    catalogue,
    delivery,
    estimates,
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
    estimates.router,
    authorisations.router,
    delivery.router,
    settlement.router,
)
