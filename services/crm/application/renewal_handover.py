"""Renewals handed to the store that can serve them (资源共享, R16), with the customer's consent."""

from typing import Annotated

from pydantic import Field

from services.crm.application.deps import Deps
from services.crm.application.insurance import PolicyView, policy_view
from services.crm.application.renewal_calls import cancel_renewal_calls
from services.crm.domain import errors, insurance
from services.crm.domain.insurance import ConsentChannel
from services.crm.persistence import insurance as policies
from services.crm.persistence.persons import find_person
from shared.contracts.base import Identifier
from shared.ids import new_id
from shared.request_model import RequestModel
from shared.security import Principal
from shared.sharing import log_cross_store_access
from shared.unit_of_work import UnitOfWork


class HandOverRenewalRequest(RequestModel):
    """Store that serves the renewal, and how the customer agreed that it learns their contact."""

    to_store_id: Annotated[Identifier, Field(description="接收门店")]
    consent_channel: Annotated[ConsentChannel, Field(description="客户同意方式")]


async def hand_over_renewal(
    uow: UnitOfWork,
    policy_id: str,
    command: HandOverRenewalRequest,
    principal: Principal,
    deps: Deps,
) -> PolicyView:
    """Give the renewal of a policy to another store, with its quotes and the customer's contact.

    The other store has a policy of its own from then on, under a reference of its own to the
    customer. This is logged.

    Raises:
        RuleViolation: there is no such policy or store, or the renewal has a result.
    """
    connection, store_id = uow.connection, uow.store_id
    store = await deps.group.store(connection, store_id)
    if command.to_store_id not in await deps.group.stores(connection, [command.to_store_id]):
        raise errors.unknown_store(command.to_store_id)
    policy = await policies.lock_policy(connection, store_id, policy_id)
    handed, events = insurance.hand_over(
        policy, command.to_store_id, command.consent_channel, uow.person, uow.now
    )
    person = await find_person(connection, deps.personal, store_id, policy.customer_ref)
    quotes = await policies.list_quotes(connection, store_id, policy_id)
    await policies.save_policy(connection, handed)
    await cancel_renewal_calls(uow, policy)
    uow.publish(events)
    taken = insurance.take_over(
        policy,
        store_id=command.to_store_id,
        policy_id=str(new_id()),
        customer_ref=str(new_id()),
        remind_on=store.local_day(uow.now),
    )
    async with uow.limited_to(command.to_store_id) as there:
        contact = await deps.personal.encrypt(
            there.connection, taken.store_id, taken.customer_ref, f"{person.name} {person.phone}"
        )
        await policies.save_policy(there.connection, taken)
        await policies.save_contact_of_policy(
            there.connection, taken.store_id, taken.policy_id, contact
        )
        for quote in quotes:
            await policies.save_quote(
                there.connection, insurance.quote_for(taken, quote, str(new_id()))
            )
    log_cross_store_access(
        "renewal handed over",
        principal,
        store_id,
        [command.to_store_id],
        policy=policy_id,
        consent=command.consent_channel,
    )
    return policy_view(handed, store.local_day(uow.now))
