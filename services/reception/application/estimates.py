"""Versions of the estimate, put before the customer (估价, 增项)."""

from collections import Counter

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.domain import authorisation
from services.reception.domain.estimate import PartQuantity, WantedWork, estimate
from shared.contracts.workshop import AdditionalWorkFound
from shared.unit_of_work import UnitOfWork


async def offer_found_work(uow: UnitOfWork, event: AdditionalWorkFound, deps: Deps) -> None:
    """Price work that was found while working, and put it before the customer (R4)."""
    key = (event.store_id, event.order_id)
    parts = Counter(event.part_numbers)
    wanted = WantedWork(
        event.operations, tuple(PartQuantity(no, count) for no, count in parts.items())
    )
    order, changed, events = authorisation.offer_additional(
        await persistence.lock_order(uow.connection, *key),
        await persistence.estimate_versions(uow.connection, *key),
        estimate(deps.catalog.prices(event.store_id), wanted),
        additional_work_id=event.additional_work_id,
        submitted_by=event.found_by,
        now=uow.now,
    )
    await persistence.save_order(uow, order)
    await persistence.save_estimates(uow.connection, changed)
    uow.publish(events)
