"""Invoicing (结算): discounts, the invoice, deposits, payments, refunds and receivables.

On-account release is part of it.
"""

from fastapi.responses import JSONResponse

from services.reception.application import credit_notes, discounts, dunning, invoices, payments
from services.reception.application.credit_notes import IssueCreditNoteRequest
from services.reception.application.discounts import DiscountRequest
from services.reception.application.dunning import Receivable
from services.reception.application.invoices import (
    ChosenVouchers,
    InvoicePreview,
    InvoiceView,
    IssueInvoiceRequest,
)
from services.reception.application.payments import (
    ApproveOnAccountRequest,
    IssueRefundRequest,
    RecordPaymentRequest,
)
from services.reception.application.views import OrderView
from services.reception.application.vouchers import references_to_redeem
from services.reception.entrypoints.http.access import (
    AdvisorCommand,
    ApproverCommand,
    Cashier,
    CashierCommand,
    InjectedDeps,
    MoneyReader,
    ReceivablesReader,
)
from shared.request_model import VersionedRequest
from shared.requirements import serves
from shared.routing import StoreRouter

router = StoreRouter()


@router.post(
    "/orders/{order_id}/discount",
    response_model=OrderView,
    tags=["invoicing"],
    openapi_extra=serves("R8"),
)
async def request_discount(
    order_id: str, body: DiscountRequest, command: AdvisorCommand, deps: InjectedDeps
) -> JSONResponse:
    """Request a discount on what the customer pays (优惠).

    Above the role's limit it waits for another person's approval.
    """
    roles = command.principal.roles
    return await command.run(
        lambda uow: discounts.request_discount(uow, order_id, body, roles, deps)
    )


@router.post(
    "/orders/{order_id}/discount/approve",
    response_model=OrderView,
    tags=["invoicing"],
    openapi_extra=serves("R8"),
)
async def approve_discount(
    order_id: str, body: VersionedRequest, command: ApproverCommand, deps: InjectedDeps
) -> JSONResponse:
    """Approve a discount (优惠审批) that another user has requested, within the caller's limit."""
    roles = command.principal.roles
    return await command.run(
        lambda uow: discounts.approve_discount(uow, order_id, body, roles, deps)
    )


@router.post(
    "/orders/{order_id}/discount/withdraw",
    response_model=OrderView,
    tags=["invoicing"],
    openapi_extra=serves("R8"),
)
async def withdraw_discount(
    order_id: str, body: VersionedRequest, command: AdvisorCommand
) -> JSONResponse:
    return await command.run(lambda uow: discounts.withdraw_discount(uow, order_id, body))


@router.post(
    "/orders/{order_id}/deposits",
    response_model=OrderView,
    tags=["invoicing"],
    openapi_extra=serves("R8"),
)
async def receive_deposit(
    order_id: str, body: RecordPaymentRequest, command: CashierCommand
) -> JSONResponse:
    return await command.run(lambda uow: payments.receive_deposit(uow, order_id, body))


@router.post(
    "/orders/{order_id}/invoice",
    response_model=OrderView,
    tags=["invoicing"],
    openapi_extra=serves("R8"),
)
async def issue_invoice(
    order_id: str, body: IssueInvoiceRequest, command: CashierCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run_prepared(
        lambda: references_to_redeem(command.store_id, order_id, body.vouchers, deps),
        lambda uow, references: invoices.issue_invoice(uow, order_id, body, references, deps),
    )


@router.post("/orders/{order_id}/invoice-preview", tags=["invoicing"], openapi_extra=serves("R8"))
async def preview_invoice(
    store_id: str,
    order_id: str,
    body: ChosenVouchers,
    _: Cashier,
    deps: InjectedDeps,
) -> InvoicePreview:
    return await invoices.preview_invoice(store_id, order_id, body, deps)


@router.get("/orders/{order_id}/invoice", tags=["invoicing"], openapi_extra=serves("R8"))
async def get_invoice(
    store_id: str, order_id: str, _: MoneyReader, deps: InjectedDeps
) -> InvoiceView:
    return await invoices.get_invoice(store_id, order_id, deps)


@router.post(
    "/orders/{order_id}/credit-notes",
    response_model=OrderView,
    tags=["invoicing"],
    openapi_extra=serves("R8"),
)
async def issue_credit_note(
    order_id: str,
    body: IssueCreditNoteRequest,
    command: ApproverCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    return await command.run(lambda uow: credit_notes.issue_credit_note(uow, order_id, body, deps))


@router.post(
    "/orders/{order_id}/payments",
    response_model=OrderView,
    tags=["invoicing"],
    openapi_extra=serves("R8"),
)
async def receive_payment(
    order_id: str, body: RecordPaymentRequest, command: CashierCommand, deps: InjectedDeps
) -> JSONResponse:
    return await command.run(lambda uow: payments.receive_payment(uow, order_id, body, deps))


@router.post(
    "/orders/{order_id}/refunds",
    response_model=OrderView,
    tags=["invoicing"],
    openapi_extra=serves("R8"),
)
async def pay_refund(
    order_id: str,
    body: IssueRefundRequest,
    command: ApproverCommand,
    deps: InjectedDeps,
) -> JSONResponse:
    return await command.run(lambda uow: payments.pay_refund(uow, order_id, body, deps))


@router.post(
    "/orders/{order_id}/on-account-release",
    response_model=OrderView,
    tags=["invoicing"],
    openapi_extra=serves("R8"),
)
async def approve_on_account(
    order_id: str, body: ApproveOnAccountRequest, command: ApproverCommand
) -> JSONResponse:
    return await command.run(lambda uow: payments.approve_on_account(uow, order_id, body))


@router.get("/receivables", tags=["invoicing"], openapi_extra=serves("R8", "R32"))
async def list_receivables(
    store_id: str, _: ReceivablesReader, deps: InjectedDeps
) -> list[Receivable]:
    return await dunning.list_receivables(store_id, deps)
