"""Additional work (增项): offered when it is found, and offered again when it was not ordered.

What the customer decides on it is in ``decisions``, as for any estimate.
"""

from collections import Counter
from datetime import datetime

from services.reception import persistence
from services.reception.application.deps import Deps
from services.reception.application.estimates import (
    EstimateView,
    ReviseEstimateRequest,
    estimate_view,
    present_version,
)
from services.reception.domain import additional_work
from services.reception.domain.estimate import PartQuantity, RequestedWork, estimate
from services.reception.domain.vehicle import VehicleIdentity
from shared.contracts.workshop import AdditionalWorkRecommended
from shared.db import Connection
from shared.ids import new_id
from shared.unit_of_work import UnitOfWork


async def submit_additional_work(
    uow: UnitOfWork, order_id: str, command: ReviseEstimateRequest, deps: Deps
) -> EstimateView:
    """Present further work on an open order to the customer (增项)."""
    return await present_version(uow, order_id, command, str(new_id()), deps)


async def offer_found_work(uow: UnitOfWork, event: AdditionalWorkRecommended, deps: Deps) -> None:
    """Price work that was found in the workshop, and present it to the customer (R4)."""
    key = (event.store_id, event.order_id)
    parts = Counter(event.part_numbers)
    wanted = RequestedWork(
        event.op_codes, tuple(PartQuantity(no, count) for no, count in parts.items())
    )
    store = await deps.group.store(uow.connection, event.store_id)
    prices = await deps.catalog.price_list(
        uow.connection, store, wanted, store.local_day(uow.caused_at)
    )
    repair_order = await persistence.lock_repair_order(uow.connection, *key)
    account = await persistence.read_account(uow.connection, *key)
    repair_order, changed, events = additional_work.offer(
        repair_order,
        await persistence.estimate_versions(uow.connection, *key),
        estimate(prices, wanted),
        has_invoice=account.has_invoice,
        additional_work_id=event.additional_work_id,
        presented_by=event.recommended_by,
        now=uow.now,
    )
    await persistence.save_repair_order(uow, repair_order)
    await persistence.save_estimates(uow.connection, changed)
    uow.publish(events)


async def work_to_reoffer(store_id: str, order_id: str, deps: Deps) -> list[EstimateView]:
    """List work of the vehicle's earlier visits that was not ordered since (未做增项).

    It was declined, found too late to be offered, or never answered; it is to be offered again.
    """
    async with deps.uow_factory.read(store_id) as connection:
        visit = await persistence.read_visit(connection, store_id, order_id)
        return await vehicle_work_to_reoffer(connection, store_id, visit.vehicle, visit.arrived_at)


async def vehicle_work_to_reoffer(
    connection: Connection, store_id: str, vehicle: VehicleIdentity, before: datetime
) -> list[EstimateView]:
    """Return work of the vehicle's visits before a time that was not ordered since."""
    found = await persistence.work_to_reoffer(connection, store_id, vehicle, before)
    since = min((version.presented_at for version in found), default=before)
    ordered = await persistence.operations_since(connection, store_id, vehicle, since)
    return [estimate_view(version) for version in additional_work.work_to_reoffer(found, ordered)]
