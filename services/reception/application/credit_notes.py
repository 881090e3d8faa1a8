"""Credit notes (红冲单): corrections of invoices."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from services.reception import persistence
from services.reception.application import claims, dunning, tax_invoices
from services.reception.application.changes import lock_seen
from services.reception.application.deps import Deps
from services.reception.application.invoices import Vouchers
from services.reception.application.views import OrderView, order_view
from services.reception.domain import errors, invoicing
from services.reception.domain.invoicing import Correction
from shared.contracts.reception import CreditNoteReason, PaymentMethod
from shared.ids import new_id
from shared.request_model import VersionedRequest
from shared.unit_of_work import UnitOfWork


class IssueCreditNoteRequest(VersionedRequest):
    """Request to correct an invoice.

    ``vouchers`` that were redeemed with the invoice are reinstated; what is paid already of
    ``amount_cents`` is refunded by ``refund_method``; ``entire`` takes back the whole invoice, of
    all payers.
    """

    entire: bool = False
    amount_cents: Annotated[int, Field(ge=0, le=10**10)] = 0
    refund_method: PaymentMethod | None = None
    vouchers: Vouchers = []
    reason: CreditNoteReason

    @model_validator(mode="after")
    def _takes_something_back(self) -> Self:
        if not (self.amount_cents or self.vouchers or self.entire):
            raise ValueError("a credit note takes back an amount, vouchers or the entire invoice")
        if self.entire and self.amount_cents:
            raise ValueError("either an amount or the entire invoice")
        return self


async def issue_credit_note(
    uow: UnitOfWork, order_id: str, command: IssueCreditNoteRequest, deps: Deps
) -> OrderView:
    """Correct an invoice (红冲) by a part of what the customer pays.

    Refunds what is paid of it already, and reinstates vouchers; with the last of what the customer
    pays, all of them.
    """
    connection, store_id = uow.connection, uow.store_id
    found = await persistence.lock_claims_of_order(connection, store_id, order_id)
    order = await lock_seen(uow, order_id, command.version)
    if order.account.invoice_id is None:
        raise errors.not_invoiced()
    invoice, _tax = await persistence.read_invoice(connection, store_id, order.account.invoice_id)
    notes = await persistence.credit_notes(connection, invoice)
    correction = Correction(
        credit_note_id=str(new_id()),
        amount_cents=order.payable_cents if command.entire else command.amount_cents,
        reason=command.reason,
        person=uow.person,
        at=uow.now,
        vouchers=tuple(command.vouchers),
        entire=command.entire,
    )
    refunded, refunds = invoicing.refund_credited(
        order, correction, str(new_id()), command.refund_method
    )
    credited, note, reinstated, returned = invoicing.credit(
        refunded,
        invoicing.remaining_lines(invoice.lines, [note for note, _ in notes]),
        correction,
        redeemed=await persistence.redeemed_vouchers(connection, store_id, order_id),
        tax_rate_bp=invoice.tax_rate_bp,
    )
    saved = await persistence.save_order(uow, credited)
    await persistence.add_credit_note(connection, note)
    await persistence.save_vouchers(connection, reinstated)
    uow.publish([*refunds, note, *returned])
    await dunning.schedule_next_reminder(uow, saved.account, deps)
    if command.entire:
        await claims.withdraw_claims(uow, found, deps)
    if note.total_cents:
        await tax_invoices.schedule_tax_credit(uow, note)
    return order_view(saved)
