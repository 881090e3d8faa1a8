"""Versions of the estimate, presented to the customer (估价, 增项)."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from services.reception import persistence
from services.reception.application.changes import lock_seen
from services.reception.application.deps import Deps
from services.reception.application.work import PricedWork, priced_work
from services.reception.domain import authorization
from services.reception.domain.authorization import EstimateVersion
from services.reception.domain.estimate import PartQuantity, RequestedWork, estimate
from services.reception.domain.link import LinkConsent
from services.reception.domain.vehicle import VehicleIdentity
from shared.contracts.reception import Channel, EstimateLine
from shared.contracts.workshop import AdditionalWorkRecommended
from shared.db import Connection
from shared.ids import new_id
from shared.request_model import VersionedRequest
from shared.unit_of_work import UnitOfWork


class ReviseEstimateRequest(VersionedRequest, PricedWork):
    """Request to change prices, parts or payers of the order as it was seen."""


class EstimateView(BaseModel):
    """One version of an order's estimate."""

    order_id: str
    version: int
    additional_work_id: str | None
    lines: Sequence[EstimateLine]
    total_cents: int
    status: authorization.Status
    presented_by: str
    presented_at: datetime
    channel: Channel | None
    recorded_by: str | None
    decided_at: datetime | None
    link_consent: LinkConsent | None


async def submit_estimate(
    uow: UnitOfWork, order_id: str, command: ReviseEstimateRequest, deps: Deps
) -> EstimateView:
    """Present a version of the estimate to the customer (估价); it replaces one that awaits them.

    Before the opening any work may be estimated, afterwards the operations stay.
    """
    return await _submit(uow, order_id, command, None, deps)


async def submit_additional_work(
    uow: UnitOfWork, order_id: str, command: ReviseEstimateRequest, deps: Deps
) -> EstimateView:
    """Present further work on an open order to the customer (增项)."""
    return await _submit(uow, order_id, command, str(new_id()), deps)


async def offer_found_work(uow: UnitOfWork, event: AdditionalWorkRecommended, deps: Deps) -> None:
    """Price work that was found in the workshop, and present it to the customer (R4)."""
    key = (event.store_id, event.order_id)
    parts = Counter(event.part_numbers)
    wanted = RequestedWork(
        event.op_codes, tuple(PartQuantity(no, count) for no, count in parts.items())
    )
    repair_order = await persistence.lock_repair_order(uow.connection, *key)
    account = await persistence.read_account(uow.connection, *key)
    repair_order, changed, events = authorization.offer_additional(
        repair_order,
        await persistence.estimate_versions(uow.connection, *key),
        estimate(deps.catalog.prices(event.store_id), wanted),
        has_invoice=account.has_invoice,
        additional_work_id=event.additional_work_id,
        presented_by=event.recommended_by,
        now=uow.now,
    )
    await persistence.save_repair_order(uow, repair_order)
    await persistence.save_estimates(uow.connection, changed)
    uow.publish(events)


async def list_estimates(store_id: str, order_id: str, deps: Deps) -> list[EstimateView]:
    """List every version of the order's estimate, the oldest first."""
    async with deps.uow_factory.read(store_id) as connection:
        await persistence.read_repair_order(connection, store_id, order_id)
        versions = await persistence.estimate_versions(connection, store_id, order_id)
    return [estimate_view(version) for version in versions]


async def declined_services(store_id: str, order_id: str, deps: Deps) -> list[EstimateView]:
    """List services that the vehicle's owner declined and has not ordered since (未做增项).

    They are to be offered again.
    """
    async with deps.uow_factory.read(store_id) as connection:
        visit = await persistence.read_visit(connection, store_id, order_id)
        return await work_to_offer_again(connection, store_id, visit.vehicle, visit.arrived_at)


async def work_to_offer_again(
    connection: Connection, store_id: str, vehicle: VehicleIdentity, before: datetime
) -> list[EstimateView]:
    """Return work that was declined at the vehicle's earlier visits and not ordered since."""
    found = await persistence.declined_services(connection, store_id, vehicle, before)
    since = min((version.presented_at for version in found), default=before)
    ordered = await persistence.operations_since(connection, store_id, vehicle, since)
    return [estimate_view(version) for version in authorization.services_to_reoffer(found, ordered)]


def estimate_view(version: EstimateVersion) -> EstimateView:
    """Return a version as clients see it."""
    return EstimateView(**{name: getattr(version, name) for name in EstimateView.model_fields})


async def _submit(
    uow: UnitOfWork,
    order_id: str,
    command: ReviseEstimateRequest,
    additional_work_id: str | None,
    deps: Deps,
) -> EstimateView:
    priced = priced_work(uow.store_id, command, deps)
    order = await lock_seen(uow, order_id, command.version)
    repair_order, changed, events = authorization.submit(
        order.repair_order,
        await persistence.estimate_versions(uow.connection, uow.store_id, order_id),
        priced,
        has_invoice=order.account.has_invoice,
        additional_work_id=additional_work_id,
        presented_by=uow.person,
        now=uow.now,
    )
    await persistence.save_repair_order(uow, repair_order)
    await persistence.save_estimates(uow.connection, changed)
    uow.publish(events)
    return estimate_view(changed[-1])
