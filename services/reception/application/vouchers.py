"""Vouchers, service cards and gifts (代金券, 维修卡, 精品): issued, and redeemed when invoiced."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from services.reception import persistence
from services.reception.application.customers import references_of
from services.reception.application.deps import Deps
from services.reception.domain import voucher
from services.reception.domain.voucher import Voucher
from shared.contracts.base import LAST_TIMESTAMP, Code, Identifier, Timestamp
from shared.contracts.management import VoucherRules
from shared.contracts.reception import VoucherKind, VoucherSource
from shared.contracts.violations import unknown_code
from shared.ids import new_id
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork

VOUCHERS_LISTED = 200
_MONTHS = 12


class IssueVoucherRequest(RequestModel):
    """Request to issue a voucher, a service card or a gift.

    A voucher is worth ``value_cents``; a service card does ``op_code`` for nothing; a gift is the
    item ``item_code``, which costs the store ``value_cents``. It is for one customer or one
    vehicle, where these are named, and may come from a campaign. Without ``expires_at`` it never
    expires.
    """

    kind: VoucherKind
    value_cents: Annotated[int, Field(ge=0, le=10**8)] = 0
    op_code: Identifier | None = None
    item_code: Code | None = None
    customer_ref: Identifier | None = None
    vehicle_ref: Identifier | None = None
    campaign_id: Identifier | None = None
    expires_at: Timestamp = LAST_TIMESTAMP

    @model_validator(mode="after")
    def _worth_something(self) -> Self:
        if self.kind == "voucher" and (not self.value_cents or self.op_code):
            raise ValueError("a voucher has value_cents and no op_code")
        if self.kind == "service_card" and (self.value_cents or not self.op_code):
            raise ValueError("a service card has op_code and no value_cents")
        if self.kind == "gift" and (self.op_code or not self.value_cents or not self.item_code):
            raise ValueError("a gift has item_code and value_cents, and no op_code")
        if self.item_code and self.kind != "gift":
            raise ValueError("only a gift has item_code")
        return self


class VoucherView(BaseModel):
    """Voucher with the order where it was redeemed."""

    voucher_id: str
    kind: VoucherKind
    value_cents: int
    op_code: str | None
    item_code: str | None
    customer_ref: str | None
    vehicle_ref: str | None
    source: VoucherSource
    campaign_id: str | None
    expires_at: datetime
    issued_by: str
    issued_at: datetime
    order_id: str | None
    redeemed_cents: int
    redeemed_at: datetime | None
    cost_cents: int


class VoucherMonth(BaseModel):
    """Vouchers of a calendar month by what they come from: issued in it, and redeemed in it.

    ``cost_cents`` is what those redeemed in it have cost the store, as far as they still are.
    """

    month: str
    source: VoucherSource
    issued: int
    redeemed: int
    cost_cents: int


async def check_voucher(
    token: str, store_id: str, command: IssueVoucherRequest, deps: Deps
) -> Collection[str]:
    """Refuse a voucher for unknown work, an unknown customer, vehicle or campaign.

    Customer relations is asked in the name of the bearer of ``token``. All references of the
    customer are returned.
    """
    if command.op_code:
        async with deps.uow_factory.read(store_id) as connection:
            today = deps.today(await deps.group.store(connection, store_id))
            if not await deps.catalog.offers_operation(connection, command.op_code, today):
                raise unknown_code("op_code", command.op_code)
    if command.customer_ref is not None:
        await deps.crm.check_customer(token, store_id, command.customer_ref)
    if command.vehicle_ref is not None:
        await deps.crm.read_vehicle(token, store_id, command.vehicle_ref)
    if command.campaign_id is not None:
        await deps.crm.check_campaign(token, store_id, command.campaign_id)
    return await references_of(store_id, command.customer_ref, deps)


async def references_to_redeem(
    store_id: str, order_id: str, voucher_ids: Sequence[str], deps: Deps
) -> Collection[str]:
    """Return all references of an order's customer, whose vouchers are to be redeemed.

    Raises:
        RuleViolation: there is no such order in the store.
    """
    if not voucher_ids:
        return ()
    async with deps.uow_factory.read(store_id) as connection:
        visit = await persistence.read_visit(connection, store_id, order_id)
    return await references_of(store_id, visit.customer_ref, deps)


async def issue_voucher(
    uow: UnitOfWork,
    command: IssueVoucherRequest,
    roles: Collection[str],
    customer_refs: Collection[str],
    deps: Deps,
) -> VoucherView:
    """Issue a voucher, service card or gift (发券), within the limits of the caller's ``roles``.

    ``customer_refs`` are all references of the customer for whom it is.

    Raises:
        RuleViolation: it would have expired already, or is above a limit.
    """
    connection, store_id = uow.connection, uow.store_id
    issued = Voucher(
        store_id=store_id,
        voucher_id=str(new_id()),
        issued_by=uow.person,
        issued_at=uow.now,
        source="campaign" if command.campaign_id else "other",
        **command.model_dump(),
    )
    rules = await deps.group.rules_today(connection, VoucherRules, store_id)
    store = await deps.group.store(connection, store_id)
    await persistence.lock_voucher_limits(connection, store_id)
    before = await persistence.issued_since(
        connection, store_id, store.first_of_months(uow.now, 1), uow.person, customer_refs
    )
    voucher.require_within_limits(issued, rules, roles, before)
    uow.publish(voucher.issue(issued))
    await persistence.add_voucher(uow.connection, issued)
    return _view(issued)


async def get_voucher(store_id: str, voucher_id: str, deps: Deps) -> VoucherView:
    """Read one voucher (查券)."""
    async with deps.uow_factory.read(store_id) as connection:
        return _view(await persistence.read_voucher(connection, store_id, voucher_id))


async def list_vouchers(
    store_id: str, customer_ref: str | None, campaign_id: str | None, deps: Deps
) -> list[VoucherView]:
    """List vouchers, those issued last first, of one customer or campaign where it is named."""
    customer_refs = await references_of(store_id, customer_ref, deps)
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.list_vouchers(
            connection, store_id, customer_refs, campaign_id, VOUCHERS_LISTED
        )
    return [_view(each) for each in found]


async def open_vouchers(store_id: str, order_id: str, deps: Deps) -> list[VoucherView]:
    """List the vouchers of an order's customer and vehicle that it could redeem now (可用券).

    Those for anyone are found by their numbers alone.

    Raises:
        RuleViolation: the store has no such order.
    """
    async with deps.uow_factory.read(store_id) as connection:
        visit = await persistence.read_visit(connection, store_id, order_id)
    customer_refs = await references_of(store_id, visit.customer_ref, deps)
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.open_vouchers(
            connection,
            store_id,
            customer_refs,
            visit.vehicle_ref,
            deps.uow_factory.clock.now(),
            VOUCHERS_LISTED,
        )
    return [_view(each) for each in found]


async def voucher_months(store_id: str, deps: Deps) -> list[VoucherMonth]:
    """Return the numbers and the cost of vouchers in the last twelve months (发券统计)."""
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        since = store.first_of_months(deps.uow_factory.clock.now(), _MONTHS)
        found = await persistence.voucher_months(connection, store_id, since, store.zone)
    return [VoucherMonth.model_validate(each, from_attributes=True) for each in found]


def _view(voucher: Voucher) -> VoucherView:
    return VoucherView(**{name: getattr(voucher, name) for name in VoucherView.model_fields})
