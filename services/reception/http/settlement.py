"""Settlement (结算): the bill and what is paid."""

from datetime import timedelta
from typing import Annotated

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import Field

from services.reception.domain import order as orders
from services.reception.domain.order import PaymentMethod
from services.reception.http.access import Advisor, catalogue_of, store_router
from services.reception.http.changes import change_order
from services.reception.http.views import OrderView
from shared.body import Body
from shared.duties import serves
from shared.ids import new_id

router = store_router()


class RecordPayment(Body):
    method: PaymentMethod
    amount_cents: Annotated[int, Field(gt=0, le=10**10)]


@router.post(
    "/orders/{order_id}/invoice",
    response_model=OrderView,
    tags=["settlement"],
    openapi_extra=serves("R8"),
)
async def issue_invoice(request: Request, order_id: str, command: Advisor) -> JSONResponse:
    """Bill the order (结算)."""
    place = catalogue_of(request).stores[command.store_id]
    return await change_order(
        command,
        order_id,
        lambda order, now: orders.issue_invoice(
            order,
            invoice_id=str(new_id()),
            tax_rate_bp=place.tax_rate_bp,
            payment_term=timedelta(days=place.payment_days),
            now=now,
        ),
    )


@router.post(
    "/orders/{order_id}/payments",
    response_model=OrderView,
    tags=["settlement"],
    openapi_extra=serves("R8"),
)
async def receive_payment(order_id: str, body: RecordPayment, command: Advisor) -> JSONResponse:
    """Take money (收款), never more than the balance."""
    return await change_order(
        command,
        order_id,
        lambda order, now: orders.receive_payment(
            order,
            payment_id=str(new_id()),
            method=body.method,
            amount_cents=body.amount_cents,
            now=now,
        ),
    )
