"""Erasure of persons (个人信息删除): what was noted in the workshop at their orders."""

from services.workshop.application.deps import Deps
from shared.contracts.crm import CustomerErased
from shared.personal_data import destroy_keys
from shared.unit_of_work import UnitOfWork


async def erase_customer(uow: UnitOfWork, event: CustomerErased, _: Deps) -> None:
    """Destroy the keys of what was noted at a customer's orders."""
    await destroy_keys(uow.connection, event.store_id, event.order_ids)
