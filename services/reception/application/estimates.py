"""Versions of an order's estimate (估价版本), as they are presented to the customer."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from services.reception import persistence
from services.reception.application.changes import lock_seen
from services.reception.application.deps import Deps
from services.reception.application.work import PricedWork, priced_work
from services.reception.domain import estimate_version as estimate_versions
from services.reception.domain.estimate_version import EstimateVersion, Status
from services.reception.domain.link import LinkConsent
from shared.contracts.reception import Channel, EstimateLine
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
    status: Status
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
    return await present_version(uow, order_id, command, None, deps)


async def list_estimates(store_id: str, order_id: str, deps: Deps) -> list[EstimateView]:
    """List every version of the order's estimate, the oldest first."""
    async with deps.uow_factory.read(store_id) as connection:
        await persistence.read_repair_order(connection, store_id, order_id)
        versions = await persistence.estimate_versions(connection, store_id, order_id)
    return [estimate_view(version) for version in versions]


def estimate_view(version: EstimateVersion) -> EstimateView:
    """Return a version as clients see it."""
    return EstimateView(**{name: getattr(version, name) for name in EstimateView.model_fields})


async def present_version(
    uow: UnitOfWork,
    order_id: str,
    command: ReviseEstimateRequest,
    additional_work_id: str | None,
    deps: Deps,
) -> EstimateView:
    """Present a version to the customer, of the ordered work or of additional work."""
    store = await deps.group.store(uow.connection, uow.store_id)
    order = await lock_seen(uow, order_id, command.version)
    versions = await persistence.estimate_versions(uow.connection, uow.store_id, order_id)
    agreed = estimate_versions.last_authorized(versions, additional_work_id)
    repair_order, changed, events = estimate_versions.present(
        order.repair_order,
        versions,
        await priced_work(uow.connection, store, command, deps, agreed),
        has_invoice=order.account.has_invoice,
        additional_work_id=additional_work_id,
        presented_by=uow.person,
        now=uow.now,
    )
    await persistence.save_repair_order(uow, repair_order)
    await persistence.save_estimates(uow.connection, changed)
    uow.publish(events)
    return estimate_view(changed[-1])
