"""Customer payments: deposits (定金), payments (收款), refunds (退款), and on account (挂账)."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from pydantic import Field

from services.reception.application import dunning
from services.reception.application.changes import lock_seen, save_change
from services.reception.application.deps import Deps
from services.reception.application.views import OrderView, order_view
from services.reception.domain import invoicing
from services.reception.domain.invoicing import Paid
from shared.contracts.reception import OnAccountReason, PaymentMethod, RefundReason
from shared.ids import new_id
from shared.request_model import VersionedRequest
from shared.unit_of_work import UnitOfWork

Amount = Annotated[int, Field(gt=0, le=10**10)]


class RecordPaymentRequest(VersionedRequest):
    method: PaymentMethod
    amount_cents: Amount


class IssueRefundRequest(RecordPaymentRequest):
    reason: RefundReason


class ApproveOnAccountRequest(VersionedRequest):
    reason: OnAccountReason


async def receive_deposit(
    uow: UnitOfWork, order_id: str, command: RecordPaymentRequest
) -> OrderView:
    """Receive a deposit before the invoice (定金); it will be set against it."""
    order = await lock_seen(uow, order_id, command.version)
    account, events = invoicing.receive_deposit(
        order.account, order.status, _paid(command, uow.now)
    )
    return order_view(await save_change(uow, replace(order, account=account), events))


async def receive_payment(
    uow: UnitOfWork, order_id: str, command: RecordPaymentRequest, deps: Deps
) -> OrderView:
    """Receive a payment from the customer (收款), never more than the balance."""
    order = await lock_seen(uow, order_id, command.version)
    changed, events = invoicing.receive_payment(order, _paid(command, uow.now))
    saved = await save_change(uow, changed, events)
    await dunning.schedule_next_reminder(uow, saved.account, deps)
    return order_view(saved)


async def pay_refund(
    uow: UnitOfWork, order_id: str, command: IssueRefundRequest, deps: Deps
) -> OrderView:
    """Refund money to the customer (退款): a deposit first, then payments."""
    order = await lock_seen(uow, order_id, command.version)
    changed, events = invoicing.refund(order, _paid(command, uow.now), command.reason, uow.person)
    saved = await save_change(uow, changed, events)
    await dunning.schedule_next_reminder(uow, saved.account, deps)
    return order_view(saved)


async def approve_on_account(
    uow: UnitOfWork, order_id: str, command: ApproveOnAccountRequest
) -> OrderView:
    """Approve the release of an unpaid vehicle (挂账批准); another user delivers it."""
    order = await lock_seen(uow, order_id, command.version)
    account, events = invoicing.approve_on_account(
        order.account, order.status, command.reason, uow.person, uow.now
    )
    return order_view(await save_change(uow, replace(order, account=account), events))


def _paid(command: RecordPaymentRequest, now: datetime) -> Paid:
    return Paid(str(new_id()), command.method, command.amount_cents, now)
