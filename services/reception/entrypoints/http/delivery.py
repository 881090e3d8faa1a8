"""Delivery (交车): its checklist, the signature, and the vehicle handed over."""

import base64
from typing import Annotated, Self

from fastapi import Depends, Path, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, field_validator, model_validator

from services.reception import persistence
from services.reception.application.views import OrderView
from services.reception.domain import delivery
from services.reception.domain.order import Order
from services.reception.entrypoints.http.access import (
    Advisor,
    Manager,
    catalog_of,
    personal_of,
    store_router,
)
from services.reception.entrypoints.http.changes import change_order
from shared.contracts.base import Identifier
from shared.contracts.reception import WaiverReason
from shared.db import transaction
from shared.duties import serves
from shared.request_model import RequestModel, Seen
from shared.security import Principal, require_roles
from shared.unit_of_work import UnitOfWork

router = store_router()

Step = Annotated[str, Path(min_length=1, max_length=60)]
Coordinate = Annotated[int, Field(ge=0, le=10_000)]
Stroke = Annotated[list[tuple[Coordinate, Coordinate]], Field(min_length=1, max_length=2_000)]

_PNG = b"\x89PNG\r\n\x1a\n"
_LARGEST_IMAGE = 200_000


class RecordStep(RequestModel):
    step: Identifier


class RequestWaiver(Seen):
    reason: WaiverReason


class Signature(Seen):
    """What the customer has drawn (签字): strokes of points, or a picture (PNG, base64)."""

    strokes: Annotated[list[Stroke], Field(min_length=1, max_length=200)] | None = None
    png: Annotated[str, Field(max_length=_LARGEST_IMAGE)] | None = None

    @field_validator("png")
    @classmethod
    def _a_picture(cls, value: str | None) -> str | None:
        if value is not None and not base64.b64decode(value, validate=True).startswith(_PNG):
            raise ValueError("not a PNG picture")
        return value

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.strokes is None) == (self.png is None):
            raise ValueError("either strokes or png")
        return self


class SignatureView(BaseModel):
    """A customer's signature; absent when there is none or it was erased."""

    strokes: list[Stroke] | None = None
    png: str | None = None


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
    checklist = catalog_of(request).delivery_steps[command.store_id]
    person = command.principal.subject
    return await change_order(
        command,
        order_id,
        lambda order, now: (delivery.record_step(order, body.step, checklist, person, now), ()),
        seen=None,
    )


@router.post(
    "/orders/{order_id}/delivery-steps/{step}/waiver",
    response_model=OrderView,
    tags=["delivery"],
    openapi_extra=serves("R7"),
)
async def request_waiver(
    request: Request, order_id: str, step: Step, body: RequestWaiver, command: Advisor
) -> JSONResponse:
    """Ask to leave a step out (免做申请), for a reason."""
    checklist = catalog_of(request).delivery_steps[command.store_id]
    person = command.principal.subject
    return await change_order(
        command,
        order_id,
        lambda order, now: (
            delivery.request_waiver(order, step, body.reason, checklist, person, now),
            (),
        ),
        seen=body.version,
    )


@router.post(
    "/orders/{order_id}/delivery-steps/{step}/waiver/approval",
    response_model=OrderView,
    tags=["delivery"],
    openapi_extra=serves("R7"),
)
async def approve_waiver(order_id: str, step: Step, body: Seen, command: Manager) -> JSONResponse:
    """Let a step be left out (免做批准); not by the one who asked for it."""
    person = command.principal.subject
    return await change_order(
        command,
        order_id,
        lambda order, now: (delivery.approve_waiver(order, step, person, now), ()),
        seen=body.version,
    )


@router.post(
    "/orders/{order_id}/signature",
    response_model=OrderView,
    tags=["delivery"],
    openapi_extra=serves("R7"),
)
async def record_signature(
    request: Request, order_id: str, body: Signature, command: Advisor
) -> JSONResponse:
    """The customer signs for the vehicle (签字); kept encrypted."""
    checklist = catalog_of(request).delivery_steps[command.store_id]
    personal, store_id, person = (
        personal_of(request),
        command.store_id,
        command.principal.subject,
    )

    async def keep(uow: UnitOfWork, _: Order) -> None:
        text = body.model_dump_json(exclude_none=True, exclude={"version"})
        encrypted = await personal.encrypt(uow.connection, store_id, order_id, text)
        await persistence.save_signature(uow.connection, store_id, order_id, encrypted)

    return await change_order(
        command,
        order_id,
        lambda order, now: (delivery.sign(order, checklist, person, now), ()),
        keep,
        seen=body.version,
    )


@router.get("/orders/{order_id}/signature", tags=["delivery"], openapi_extra=serves("R7"))
async def get_signature(
    request: Request,
    store_id: str,
    order_id: str,
    _: Annotated[Principal, Depends(require_roles("advisor", "manager"))],
) -> SignatureView:
    """The signature as it was drawn."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        await persistence.read_order(connection, store_id, order_id)
        encrypted = await persistence.encrypted_signature(connection, store_id, order_id)
        text = await personal_of(request).decrypt(connection, store_id, order_id, encrypted)
    return SignatureView.model_validate_json(text) if text else SignatureView()


@router.post(
    "/orders/{order_id}/delivery",
    response_model=OrderView,
    tags=["delivery"],
    openapi_extra=serves("R7", "R8"),
)
async def deliver_vehicle(
    request: Request, order_id: str, body: Seen, command: Advisor
) -> JSONResponse:
    """Hand the vehicle over (交车); refused while a step is missing or the bill is unpaid."""
    checklist = catalog_of(request).delivery_steps[command.store_id]
    person = command.principal.subject
    return await change_order(
        command,
        order_id,
        lambda order, now: delivery.deliver(order, checklist, person, now),
        seen=body.version,
    )
