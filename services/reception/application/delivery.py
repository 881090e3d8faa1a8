"""Delivery (交车): its checklist, the signature, and the handing over of the vehicle.

Each command takes the checklist that holds on the store's present day: what counts is that of the
day on which the vehicle goes. A step that was done before stays done.
"""

import base64
from typing import Annotated, Self

from pydantic import BaseModel, Field, field_validator, model_validator

from services.reception import persistence
from services.reception.application.changes import lock_seen, save_change
from services.reception.application.checklists import delivery_checklist
from services.reception.application.deps import Deps
from services.reception.application.views import OrderView, order_view
from services.reception.domain import delivery
from services.reception.domain.delivery import Checklist
from shared.contracts.base import Identifier
from shared.contracts.reception import WaiverReason
from shared.request_model import RequestModel, VersionedRequest
from shared.unit_of_work import UnitOfWork

Coordinate = Annotated[int, Field(ge=0, le=10_000)]
Stroke = Annotated[list[tuple[Coordinate, Coordinate]], Field(min_length=1, max_length=2_000)]

_PNG = b"\x89PNG\r\n\x1a\n"
_LARGEST_IMAGE = 200_000


class RecordStepRequest(RequestModel):
    step: Identifier


class WaiverRequest(VersionedRequest):
    reason: WaiverReason


class SignatureRequest(VersionedRequest):
    """Customer's drawn signature (签字): strokes of points, or a picture (PNG, base64)."""

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


async def record_delivery_step(
    uow: UnitOfWork, order_id: str, command: RecordStepRequest, deps: Deps
) -> OrderView:
    """Record that the caller has done one step of the delivery checklist (交车步骤), now."""
    checklist = await _todays_checklist(uow, deps)
    order = await persistence.lock_order(uow.connection, uow.store_id, order_id)
    changed = delivery.record_step(order, command.step, checklist, uow.person, uow.now)
    return order_view(await save_change(uow, changed))


async def request_waiver(
    uow: UnitOfWork, order_id: str, step: str, command: WaiverRequest, deps: Deps
) -> OrderView:
    """Request a waiver of a delivery step (免做申请), for a reason."""
    checklist = await _todays_checklist(uow, deps)
    order = await lock_seen(uow, order_id, command.version)
    changed = delivery.request_waiver(order, step, command.reason, checklist, uow.person, uow.now)
    return order_view(await save_change(uow, changed))


async def approve_waiver(
    uow: UnitOfWork, order_id: str, step: str, command: VersionedRequest
) -> OrderView:
    """Approve the waiver of a step (免做批准); the requester may not approve it."""
    order = await lock_seen(uow, order_id, command.version)
    changed = delivery.approve_waiver(order, step, uow.person, uow.now)
    return order_view(await save_change(uow, changed))


async def record_signature(
    uow: UnitOfWork, order_id: str, command: SignatureRequest, deps: Deps
) -> OrderView:
    """Keep the customer's signature for the vehicle (签字), encrypted."""
    checklist = await _todays_checklist(uow, deps)
    order = await lock_seen(uow, order_id, command.version)
    saved = await save_change(uow, delivery.sign(order, checklist, uow.person, uow.now))
    text = command.model_dump_json(exclude_none=True, exclude={"version"})
    encrypted = await deps.personal.encrypt(uow.connection, uow.store_id, order_id, text)
    await persistence.save_signature(uow.connection, uow.store_id, order_id, encrypted)
    return order_view(saved)


async def get_signature(store_id: str, order_id: str, deps: Deps) -> SignatureView:
    """Read the signature as it was drawn."""
    async with deps.uow_factory.read(store_id) as connection:
        await persistence.read_repair_order(connection, store_id, order_id)
        encrypted = await persistence.encrypted_signature(connection, store_id, order_id)
        text = await deps.personal.decrypt(connection, store_id, order_id, encrypted)
    return SignatureView.model_validate_json(text) if text else SignatureView()


async def deliver_vehicle(
    uow: UnitOfWork, order_id: str, command: VersionedRequest, deps: Deps
) -> OrderView:
    """Deliver the vehicle (交车); refused while a step is missing or the invoice is unpaid."""
    checklist = await _todays_checklist(uow, deps)
    order = await lock_seen(uow, order_id, command.version)
    delivered, events = delivery.deliver(order, checklist, uow.person, uow.now)
    return order_view(await save_change(uow, delivered, events))


async def _todays_checklist(uow: UnitOfWork, deps: Deps) -> Checklist:
    day = deps.today(await deps.group.store(uow.connection, uow.store_id))
    return await delivery_checklist(uow.connection, uow.store_id, day, deps)
