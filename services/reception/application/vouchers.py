"""Vouchers and service cards (代金券, 维修卡): issued here, redeemed with the invoice."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.domain import voucher
from services.reception.domain.voucher import Voucher
from shared.contracts.base import LAST_TIMESTAMP, Identifier, Timestamp
from shared.contracts.reception import VoucherKind
from shared.contracts.violations import unknown_code
from shared.ids import new_id
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork


class IssueVoucherRequest(RequestModel):
    """Request to issue a voucher or service card.

    A voucher is worth ``value_cents``; a service card does ``op_code`` for nothing. Without
    ``expires_at`` it never expires.
    """

    kind: VoucherKind
    value_cents: Annotated[int, Field(ge=0, le=10**8)] = 0
    op_code: Identifier | None = None
    customer_ref: Identifier | None = None
    expires_at: Timestamp = LAST_TIMESTAMP

    @model_validator(mode="after")
    def _worth_something(self) -> Self:
        if self.kind == "voucher" and (not self.value_cents or self.op_code):
            raise ValueError("a voucher has value_cents and no op_code")
        if self.kind == "service_card" and (self.value_cents or not self.op_code):
            raise ValueError("a service card has op_code and no value_cents")
        return self


class VoucherView(BaseModel):
    """Voucher with the order where it was redeemed."""

    voucher_id: str
    kind: VoucherKind
    value_cents: int
    op_code: str | None
    customer_ref: str | None
    expires_at: datetime
    issued_by: str
    issued_at: datetime
    order_id: str | None
    redeemed_cents: int
    redeemed_at: datetime | None


async def check_voucher(
    token: str, store_id: str, command: IssueVoucherRequest, deps: Deps
) -> None:
    """Refuse a voucher for unknown work or an unknown customer.

    Customer relations is asked in the name of the bearer of ``token``.
    """
    if command.op_code:
        async with deps.uow_factory.read(store_id) as connection:
            today = deps.today(await deps.group.store(connection, store_id))
            if not await deps.catalog.offers_operation(connection, command.op_code, today):
                raise unknown_code("op_code", command.op_code)
    if command.customer_ref is not None:
        await deps.crm.check_customer(token, store_id, command.customer_ref)


async def issue_voucher(uow: UnitOfWork, command: IssueVoucherRequest) -> VoucherView:
    """Issue a voucher or service card (发券)."""
    issued = Voucher(
        store_id=uow.store_id,
        voucher_id=str(new_id()),
        issued_by=uow.person,
        issued_at=uow.now,
        **command.model_dump(),
    )
    uow.publish(voucher.issue(issued))
    await persistence.add_voucher(uow.connection, issued)
    return _view(issued)


async def get_voucher(store_id: str, voucher_id: str, deps: Deps) -> VoucherView:
    """Read one voucher (查券)."""
    async with deps.uow_factory.read(store_id) as connection:
        return _view(await persistence.read_voucher(connection, store_id, voucher_id))


def _view(voucher: Voucher) -> VoucherView:
    return VoucherView(**{name: getattr(voucher, name) for name in VoucherView.model_fields})
