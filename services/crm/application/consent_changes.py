"""What follows when a customer gives or withdraws a consent (同意或撤回同意)."""

from collections.abc import Awaitable, Callable, Mapping

from services.crm import persistence
from services.crm.application import campaign_answers, leads
from services.crm.application.consents import ConsentRequest, ConsentView, save_consent
from services.crm.application.follow_ups import cancel_refused_follow_ups
from shared.contracts.crm import ConsentPurpose
from shared.unit_of_work import UnitOfWork

_WITHDRAWN: Mapping[ConsentPurpose, Callable[[UnitOfWork, str], Awaitable[None]]] = {
    "sales_contact": leads.withdraw_leads,
    "marketing": campaign_answers.withdraw_invitations,
}


async def set_consent(
    uow: UnitOfWork, customer_ref: str, purpose: ConsentPurpose, command: ConsentRequest
) -> ConsentView:
    """Record whether the customer consents.

    A withdrawal ends their leads or their invitations, and the planned calls of that purpose.

    Raises:
        RuleViolation: the store knows no such customer.
    """
    await persistence.lock_follow_ups_of(uow.connection, uow.store_id, [customer_ref])
    await persistence.lock_customer(uow.connection, uow.store_id, customer_ref)
    said = await save_consent(uow, customer_ref, purpose, is_given=command.is_given)
    if not said.is_given:
        if withdraw := _WITHDRAWN.get(purpose):
            await withdraw(uow, customer_ref)
        await cancel_refused_follow_ups(uow, customer_ref)
    return ConsentView.model_validate(said, from_attributes=True)
