"""Delivery (交车): its checklist, the signature, and the handing over of the vehicle."""

from typing import Annotated

from fastapi import Path
from fastapi.responses import JSONResponse

from services.reception.application import delivery
from services.reception.application.delivery import (
    RecordStepRequest,
    SignatureRequest,
    SignatureView,
    WaiverRequest,
)
from services.reception.application.views import OrderView
from services.reception.entrypoints.http.access import (
    Advisor,
    AdvisorCommand,
    ApproverCommand,
    InjectedDeps,
)
from shared.request_model import VersionedRequest
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()

Step = Annotated[str, Path(min_length=1, max_length=60)]


@router.post(
    "/orders/{order_id}/delivery-steps",
    response_model=OrderView,
    tags=["delivery"],
    openapi_extra=serves("R7"),
)
async def record_delivery_step(
    order_id: str, body: RecordStepRequest, command: AdvisorCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: delivery.record_delivery_step(uow, order_id, body, deps))


@router.post(
    "/orders/{order_id}/delivery-steps/{step}/waiver",
    response_model=OrderView,
    tags=["delivery"],
    openapi_extra=serves("R7"),
)
async def request_waiver(
    order_id: str, step: Step, body: WaiverRequest, command: AdvisorCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: delivery.request_waiver(uow, order_id, step, body, deps))


@router.post(
    "/orders/{order_id}/delivery-steps/{step}/waiver/approve",
    response_model=OrderView,
    tags=["delivery"],
    openapi_extra=serves("R7"),
)
async def approve_waiver(
    order_id: str, step: Step, body: VersionedRequest, command: ApproverCommand
) -> JSONResponse:
    return await command.run(lambda uow: delivery.approve_waiver(uow, order_id, step, body))


@router.post(
    "/orders/{order_id}/signature",
    response_model=OrderView,
    tags=["delivery"],
    openapi_extra=serves("R7"),
)
async def record_signature(
    order_id: str, body: SignatureRequest, command: AdvisorCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: delivery.record_signature(uow, order_id, body, deps))


@router.get("/orders/{order_id}/signature", tags=["delivery"], openapi_extra=serves("R7"))
async def get_signature(
    store_id: str,
    order_id: str,
    _: Advisor,
    deps: InjectedDeps,
) -> SignatureView:
    return await delivery.get_signature(store_id, order_id, deps)


@router.post(
    "/orders/{order_id}/delivery",
    response_model=OrderView,
    tags=["delivery"],
    openapi_extra=serves("R7", "R8"),
)
async def deliver_vehicle(
    order_id: str, body: VersionedRequest, command: AdvisorCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: delivery.deliver_vehicle(uow, order_id, body, deps))
