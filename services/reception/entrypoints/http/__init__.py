"""Commands and queries of reception."""

from services.reception.entrypoints.http import (
    appointments,
    arrivals,
    authorizations,
    cancellations,
    catalog,
    claims,
    delivery,
    entitlements,
    estimates,
    facility_checks,
    feedback,
    held_money,
    invoicing,
    orders,
    outstanding,
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
    entitlements,
    vehicles,
    work,
    orders,
    outstanding,
    promises,
    photos,
    estimates,
    authorizations,
    withdrawals,
    delivery,
    invoicing,
    settlement,
    held_money,
    claims,
    vouchers,
    feedback,
    facility_checks,
):
    router.include_router(part.router)
