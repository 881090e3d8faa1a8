"""Consents of customers by purpose (同意): given, withdrawn, and as last said."""

from datetime import datetime
from typing import get_args

from pydantic import BaseModel

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.domain import consent as consents
from services.crm.domain.consent import Consent
from shared.contracts.crm import ConsentPurpose
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork

_PURPOSES: tuple[ConsentPurpose, ...] = get_args(ConsentPurpose)


class ConsentRequest(RequestModel):
    """Whether the customer consents."""

    is_given: bool


class ConsentView(BaseModel):
    """What a customer last said about a purpose.

    Where nothing was said, consent is given to calls about service and to surveys alone.
    """

    customer_ref: str
    purpose: ConsentPurpose
    is_given: bool
    changed_by: str | None
    changed_at: datetime | None


async def list_consents(store_id: str, customer_ref: str, deps: Deps) -> list[ConsentView]:
    """Return what the customer last said about each purpose.

    Raises:
        RuleViolation: the store knows no such customer.
    """
    async with deps.uow_factory.read(store_id) as connection:
        customer_ref = await persistence.require_customer(connection, store_id, customer_ref)
        said = [
            (each, await persistence.find_consent(connection, store_id, customer_ref, each))
            for each in _PURPOSES
        ]
    return [_view(customer_ref, purpose, consent) for purpose, consent in said]


async def save_consent(
    uow: UnitOfWork, customer_ref: str, purpose: ConsentPurpose, *, is_given: bool
) -> Consent:
    """Record and announce what a customer has said about a purpose."""
    connection, store_id = uow.connection, uow.store_id
    said = Consent(store_id, customer_ref, purpose, is_given, uow.person, uow.now)
    earlier = await persistence.find_consent(connection, store_id, customer_ref, purpose)
    uow.publish(consents.change_consent(earlier, said))
    await persistence.save_consent(connection, said)
    return said


def _view(customer_ref: str, purpose: ConsentPurpose, said: Consent | None) -> ConsentView:
    return ConsentView(
        customer_ref=customer_ref,
        purpose=purpose,
        is_given=consents.is_given(said, purpose),
        changed_by=said.changed_by if said else None,
        changed_at=said.changed_at if said else None,
    )
