"""Customers that customer relations knows, or will know once it is available (R19)."""

from collections.abc import Collection

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.clients.workshop import Caller
from services.reception.domain import visit as visits
from shared import timers
from shared.clients.crm.models import (
    RegisterCustomerRequest,
    RegisterCustomerResponse,
    RegistrationDecision,
)
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

LINK_CUSTOMER = "link_customer"


async def check_customer(caller: Caller, customer_ref: str | None, deps: Deps) -> None:
    """Refuse a customer of another store, where a customer is named."""
    if customer_ref is not None:
        await deps.crm.check_customer(caller.token, caller.store_id, customer_ref)


async def references_of(store_id: str, customer_ref: str | None, deps: Deps) -> Collection[str]:
    """Return all references under which a person may have been given something; none of no one."""
    if customer_ref is None:
        return ()
    return await deps.crm.references_of(store_id, customer_ref)


async def keep_details(uow: UnitOfWork, order_id: str, details: str, deps: Deps) -> None:
    """Store the person's details, encrypted, and have them moved to customer relations."""
    encrypted = await deps.personal.encrypt(uow.connection, uow.store_id, order_id, details)
    await persistence.save_details(uow.connection, uow.store_id, order_id, encrypted)
    await timers.schedule(uow, LINK_CUSTOMER, order_id, store_id=uow.store_id, due_at=uow.now)


async def register_customer(
    store_id: str, order_id: str, deps: Deps
) -> RegisterCustomerResponse | None:
    """Register the customer; nothing to do without details.

    Nobody can be asked any more who came. So a customer who is not recognized is another person,
    who brings the vehicle: no owner changes, and no customer is renamed.
    """
    async with deps.uow_factory.read(store_id) as connection:
        encrypted = await persistence.encrypted_details(connection, store_id, order_id)
        details = await deps.personal.decrypt(connection, store_id, order_id, encrypted)
        visit = await persistence.read_visit(connection, store_id, order_id)
    if not details:
        return None
    request = RegisterCustomerRequest.model_validate_json(details)
    asked = request.model_copy(
        update={
            "vehicle_ref": visit.vehicle_ref,
            "decision": RegistrationDecision(answer="another_person", role="bringer"),
        }
    )
    return await deps.crm.register(store_id, order_id, asked)


async def link_customer(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Link the order to its customer and vehicle, and delete the details."""
    registered: RegisterCustomerResponse | None = timer.prepared
    if registered is None:
        return
    visit = await persistence.read_visit(uow.connection, timer.store_id, timer.entity_id)
    linked, events = visits.link_customer(visit, registered.customer_ref, registered.vehicle_ref)
    await persistence.save_visit(uow, linked)
    await persistence.save_details(uow.connection, timer.store_id, timer.entity_id, None)
    uow.publish(events)
