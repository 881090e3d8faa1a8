"""Vouchers and service cards (代金券, 维修卡): issued here, redeemed with the invoice."""

from fastapi.responses import JSONResponse

from services.reception.application import vouchers
from services.reception.application.vouchers import IssueVoucherRequest, VoucherView
from services.reception.entrypoints.http.access import (
    CustomerCareCommand,
    InjectedDeps,
    MoneyReader,
)
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
    token, store_id = command.principal.token, command.store_id
    return await command.run_prepared(
        lambda: vouchers.check_voucher(token, store_id, body, deps),
        lambda uow, _: vouchers.issue_voucher(uow, body),
        status=201,
    )


@router.get("/vouchers/{voucher_id}", tags=["vouchers"], openapi_extra=serves("R28"))
async def get_voucher(
    store_id: str, voucher_id: str, _: MoneyReader, deps: InjectedDeps
) -> VoucherView:
    return await vouchers.get_voucher(store_id, voucher_id, deps)
