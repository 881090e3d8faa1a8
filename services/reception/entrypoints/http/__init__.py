"""Commands and queries of reception."""

from services.reception.entrypoints.http import (
    appointments,
    arrivals,
    authorisations,
    cancellations,
    catalog,
    claims,
    daily_checks,
    delivery,
    estimates,
    feedback,
    held_money,
    orders,
    photos,
    promises,
    settlement,
    vehicles,
    vouchers,
    withdrawals,
    work,
)
from shared.routing import Router

router = Router()
for part in (
    catalog,
    appointments,
    cancellations,
    arrivals,
    vehicles,
    work,
    orders,
    promises,
    photos,
    estimates,
    authorisations,
    withdrawals,
    delivery,
    settlement,
    held_money,
    claims,
    vouchers,
    feedback,
    daily_checks,
):
    router.include_router(part.router)
