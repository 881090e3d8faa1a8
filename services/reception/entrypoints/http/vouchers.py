"""Vouchers and service cards (代金券, 维修卡): issued here, redeemed with the bill."""

from datetime import datetime
from typing import Annotated, Self

from fastapi import Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, model_validator

from services.reception import persistence
from services.reception.domain import voucher
from services.reception.domain.voucher import Voucher
from services.reception.entrypoints.http.access import (
    MoneyReader,
    catalog_of,
    check_customer,
    store_router,
)
from shared.commands import CommandContext, accept_command
from shared.contracts.base import LAST_MOMENT, Identifier, Moment
from shared.contracts.reception import VoucherKind
from shared.contracts.violations import unknown_code
from shared.db import transaction
from shared.duties import serves
from shared.ids import new_id
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork

router = store_router()

Issuer = Annotated[CommandContext, Depends(accept_command("agent", "manager"))]


class IssueVoucher(RequestModel):
    """A voucher is worth ``value_cents``; a service card does ``operation_id`` for nothing.
    Without ``expires_at`` it is for ever."""

    kind: VoucherKind
    value_cents: Annotated[int, Field(ge=0, le=10**8)] = 0
    operation_id: Identifier | None = None
    customer_ref: Identifier | None = None
    expires_at: Moment = LAST_MOMENT

    @model_validator(mode="after")
    def _worth_something(self) -> Self:
        if self.kind == "voucher" and (not self.value_cents or self.operation_id):
            raise ValueError("a voucher has value_cents and no operation_id")
        if self.kind == "service_card" and (self.value_cents or not self.operation_id):
            raise ValueError("a service card has operation_id and no value_cents")
        return self


class VoucherView(BaseModel):
    """One voucher, and where it was redeemed."""

    voucher_id: str
    kind: VoucherKind
    value_cents: int
    operation_id: str | None
    customer_ref: str | None
    expires_at: datetime
    issued_by: str
    issued_at: datetime
    order_id: str | None
    redeemed_cents: int
    redeemed_at: datetime | None


@router.post(
    "/vouchers",
    status_code=201,
    response_model=VoucherView,
    tags=["vouchers"],
    openapi_extra=serves("R28"),
)
async def issue_voucher(request: Request, body: IssueVoucher, command: Issuer) -> JSONResponse:
    """Give a voucher or service card out (发券)."""
    if body.operation_id and body.operation_id not in catalog_of(request).operations:
        raise unknown_code("operation_id", body.operation_id)
    if answered := await command.previous_response():
        return answered
    await check_customer(request, command, body.customer_ref)

    async def use_case(uow: UnitOfWork) -> BaseModel:
        issued = Voucher(
            store_id=command.store_id,
            voucher_id=str(new_id()),
            issued_by=command.principal.subject,
            issued_at=uow.now,
            **body.model_dump(),
        )
        uow.publish(voucher.issue(issued), command.causation)
        await persistence.add_voucher(uow.connection, issued)
        return _view(issued)

    return await command.run(use_case, status=201)


@router.get("/vouchers/{voucher_id}", tags=["vouchers"], openapi_extra=serves("R28"))
async def get_voucher(
    request: Request, store_id: str, voucher_id: str, _: MoneyReader
) -> VoucherView:
    """One voucher (查券)."""
    async with transaction(request.app.state.uow_factory.pool, [store_id]) as connection:
        return _view(await persistence.read_voucher(connection, store_id, voucher_id))


def _view(voucher: Voucher) -> VoucherView:
    return VoucherView(**{name: getattr(voucher, name) for name in VoucherView.model_fields})
