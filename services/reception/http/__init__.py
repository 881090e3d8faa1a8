"""Commands and queries of reception."""

from fastapi import APIRouter

from services.reception.http import (
    appointments,
    arrivals,
    authorisations,
    catalogue,
    claims,
    delivery,
    estimates,
    orders,
    settlement,
    vouchers,
    work,
)

router = APIRouter()
for part in (
    catalogue,
    appointments,
    arrivals,
    work,
    orders,
    estimates,
    authorisations,
    delivery,
    settlement,
    claims,
    vouchers,
):
    router.include_router(part.router)
