"""Delivery (交车): its checklist, and the vehicle handed over."""

from fastapi import Request
from fastapi.responses import JSONResponse

from services.reception.domain import order as orders
from services.reception.http.access import Advisor, catalogue_of, store_router
from services.reception.http.changes import change_order
from services.reception.http.views import OrderView
from shared.body import Body
from shared.duties import serves

router = store_router()


class RecordStep(Body):
    step: str


@router.post(
    "/orders/{order_id}/delivery-steps",
    response_model=OrderView,
    tags=["delivery"],
    openapi_extra=serves("R7"),
)
async def record_delivery_step(
    request: Request, order_id: str, body: RecordStep, command: Advisor
) -> JSONResponse:
    """One step of the delivery checklist (交车步骤) is done by the caller, now."""
    template, person = catalogue_of(request).delivery_steps, command.principal.subject
    return await change_order(
        command,
        order_id,
        lambda order, now: (orders.record_step(order, body.step, template, person, now), ()),
    )


@router.post(
    "/orders/{order_id}/delivery",
    response_model=OrderView,
    tags=["delivery"],
    openapi_extra=serves("R7"),
)
async def deliver_vehicle(request: Request, order_id: str, command: Advisor) -> JSONResponse:
    """Hand the vehicle over (交车); refused while a step is missing."""
    template, person = catalogue_of(request).delivery_steps, command.principal.subject
    return await change_order(
        command, order_id, lambda order, now: orders.deliver(order, template, person, now)
    )
