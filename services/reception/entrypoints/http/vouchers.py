"""Vouchers, service cards and gifts (代金券, 维修卡, 精品): issued, and redeemed when invoiced."""

from fastapi.responses import JSONResponse

from services.reception.application import vouchers
from services.reception.application.vouchers import (
    IssueVoucherRequest,
    VoucherMonth,
    VoucherView,
)
from services.reception.entrypoints.http.access import (
    CustomerCareCommand,
    InjectedDeps,
    MoneyReader,
)
from shared.contracts.base import Identifier
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post(
    "/vouchers",
    status_code=201,
    response_model=VoucherView,
    tags=["vouchers"],
    openapi_extra=serves("R28"),
)
async def issue_voucher(
    body: IssueVoucherRequest, command: CustomerCareCommand, deps: InjectedDeps
) -> JSONResponse:
    """Issue a voucher, service card or gift (发券), within the limits of the caller's role."""
    token, store_id = command.principal.token, command.store_id
    roles = command.principal.roles
    return await command.run_prepared(
        lambda: vouchers.check_voucher(token, store_id, body, deps),
        lambda uow, references: vouchers.issue_voucher(uow, body, roles, references, deps),
        status=201,
    )


@router.get("/vouchers", tags=["vouchers"], openapi_extra=serves("R28"))
async def list_vouchers(
    store_id: str,
    _: MoneyReader,
    deps: InjectedDeps,
    customer_ref: Identifier | None = None,
    campaign_id: Identifier | None = None,
) -> list[VoucherView]:
    """List vouchers, those issued last first (券列表)."""
    return await vouchers.list_vouchers(store_id, customer_ref, campaign_id, deps)


@router.get("/orders/{order_id}/vouchers", tags=["vouchers"], openapi_extra=serves("R8", "R28"))
async def list_open_vouchers(
    store_id: str, order_id: str, _: MoneyReader, deps: InjectedDeps
) -> list[VoucherView]:
    """List the vouchers of an order's customer and vehicle that it could redeem now (可用券)."""
    return await vouchers.open_vouchers(store_id, order_id, deps)


@router.get("/voucher-months", tags=["vouchers"], openapi_extra=serves("R28"))
async def voucher_months(store_id: str, _: MoneyReader, deps: InjectedDeps) -> list[VoucherMonth]:
    """Return the numbers and the cost of vouchers in the last twelve months (发券统计)."""
    return await vouchers.voucher_months(store_id, deps)


@router.get("/vouchers/{voucher_id}", tags=["vouchers"], openapi_extra=serves("R28"))
async def get_voucher(
    store_id: str, voucher_id: str, _: MoneyReader, deps: InjectedDeps
) -> VoucherView:
    return await vouchers.get_voucher(store_id, voucher_id, deps)
